// Two implementations of the tables that lead one life side by side: one answers, the other must agree with it.
//
// Rule 1: every write goes to both; every read is asked of both, and a difference is remembered.
// Rule 2: where a transaction ends, the rows that it touched are compared, by whatever way it ended. Everything is compared
//         before an export and whenever somebody asks for it.
// Rule 3: bytes on the disk are those of the one that answers. What the other one would have written is kept beside, so
//         that both are loaded from what each wrote itself.
// Rule 4: a difference is only noted here. Who listens (a check) decides what it means.
// Rule 5: jobs are frozen on their way in and out: whoever changes one in place throws.

import { isDeepStrictEqual } from 'node:util';
import { Instant, JOB_STATES } from '../../core/job/job.ts';
import type { Job, JobId, JobState } from '../../core/job/job.ts';
import { crc32 } from '../../core/store/crc32.ts';
import type { EventRow, JobFilter, Meta, Tables, TablesFactory } from '../../core/store/tables.ts';

export type MirroredFactory = TablesFactory & {
  /** Forgets all differences and exports: another life begins. */
  readonly reset: () => void;
};

/** What a check may ask of mirrored tables. */
export type Mirror = {
  /** The first difference that any tables of the factory have shown since the life began, or show now. */
  readonly firstDifference: (extent: 'noted' | 'all') => string | null;
};

export const isMirror = (tables: Tables): tables is Tables & Mirror => 'firstDifference' in tables;

/** Exports whose twin is kept: a disk holds two snapshots, and a crash may bring back a third. */
const TWINS_KEPT = 64;
const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** What the tables of one life share. */
class Notes {
  difference: string | null = null;
  readonly #twins = new Map<string, Uint8Array>();

  note(what: string, answered: unknown, mirrored: unknown): void {
    if (this.difference !== null || isDeepStrictEqual(answered, mirrored)) return;
    this.difference = `${what}${firstDifferenceOf(answered, mirrored)}`;
  }

  keepTwin(bytes: Uint8Array, twin: Uint8Array): void {
    this.#twins.set(nameOf(bytes), twin);
    for (const name of this.#twins.keys()) {
      if (this.#twins.size <= TWINS_KEPT) break;
      this.#twins.delete(name);
    }
  }

  twinOf(bytes: Uint8Array): Uint8Array | undefined {
    return this.#twins.get(nameOf(bytes));
  }

  clear(): void {
    this.difference = null;
    this.#twins.clear();
  }
}

const nameOf = (bytes: Uint8Array): string => `${bytes.length} ${crc32(bytes)}`;

export function mirroredTables(pair: { answering: TablesFactory; beside: TablesFactory }): MirroredFactory {
  const notes = new Notes();
  return {
    create: () => new MirroredTables(pair.answering.create(), pair.beside.create(), notes),
    load(bytes) {
      const answering = pair.answering.load(bytes);
      const twin = notes.twinOf(bytes);
      const beside = twin === undefined ? pair.beside.create() : pair.beside.load(twin);
      if (twin === undefined) copy(answering, beside);
      return new MirroredTables(answering, beside, notes);
    },
    reset: () => notes.clear(),
  };
}

class MirroredTables implements Tables, Mirror {
  readonly #answering: Tables;
  readonly #beside: Tables;
  readonly #notes: Notes;
  readonly #touched = new Set<JobId>();
  #seqAtBegin = 0;

  constructor(answering: Tables, beside: Tables, notes: Notes) {
    this.#answering = answering;
    this.#beside = beside;
    this.#notes = notes;
  }

  firstDifference(extent: 'noted' | 'all'): string | null {
    if (extent === 'all') this.#compareAll();
    return this.#notes.difference;
  }

  begin(): void {
    this.#seqAtBegin = this.#answering.meta().lastSeq;
    this.#answering.begin();
    this.#beside.begin();
  }

  commit(): void {
    this.#answering.commit();
    this.#beside.commit();
    this.#compareTouched();
  }

  rollback(): void {
    this.#answering.rollback();
    this.#beside.rollback();
    this.#compareTouched();
  }

  meta(): Meta {
    return this.#ask('meta', (tables) => tables.meta());
  }

  putMeta(meta: Meta): void {
    this.#tell((tables) => tables.putMeta(meta));
  }

  job(id: JobId): Job | undefined {
    return frozen(this.#ask(`job ${id}`, (tables) => tables.job(id)));
  }

  jobByKey(idempotencyKey: string): Job | undefined {
    return frozen(this.#ask(`the job of key "${idempotencyKey}"`, (tables) => tables.jobByKey(idempotencyKey)));
  }

  putJob(job: Job): void {
    this.#touched.add(job.id);
    frozen(job);
    this.#tell((tables) => tables.putJob(job));
  }

  removeJob(id: JobId): number {
    this.#touched.add(id);
    return this.#ask(`what is forgotten with job ${id}`, (tables) => tables.removeJob(id));
  }

  list(query: { filter: JobFilter; before: number | undefined; limit: number }): Job[] {
    return this.#ask(`a list of ${JSON.stringify(query.filter)}`, (tables) => tables.list(query));
  }

  jobsIn(state: JobState): Iterable<Job> {
    return this.#ask(`the ${state} jobs`, (tables) => [...tables.jobsIn(state)]);
  }

  finishedBefore(at: Instant, limit: number): JobId[] {
    return this.#ask(`the jobs finished by ${at}`, (tables) => tables.finishedBefore(at, limit));
  }

  oldestFinishedAt(): Instant | undefined {
    return this.#ask('the oldest finish', (tables) => tables.oldestFinishedAt());
  }

  oldestPendingAt(queue: string): Instant | undefined {
    return this.#ask(`the oldest pending of ${queue}`, (tables) => tables.oldestPendingAt(queue));
  }

  putEvent(row: EventRow): void {
    this.#tell((tables) => tables.putEvent(row));
  }

  history(id: JobId): EventRow[] {
    return this.#ask(`the history of job ${id}`, (tables) => tables.history(id));
  }

  eventsAfter(seq: number, limit: number): EventRow[] {
    return this.#ask(`the events after ${seq}`, (tables) => tables.eventsAfter(seq, limit));
  }

  trimLooseEvents(keep: number): number {
    return this.#ask('the loose events forgotten', (tables) => tables.trimLooseEvents(keep));
  }

  trimFeedOnlyEvents(id: JobId, keep: number): number {
    return this.#ask(`the feed-only events forgotten of job ${id}`, (tables) => tables.trimFeedOnlyEvents(id, keep));
  }

  pausedQueues(): string[] {
    return this.#ask('the paused queues', (tables) => tables.pausedQueues());
  }

  putPaused(queue: string, paused: boolean): void {
    this.#tell((tables) => tables.putPaused(queue, paused));
  }

  export(): Uint8Array {
    this.#compareAll();
    const bytes = this.#answering.export();
    this.#notes.keepTwin(bytes, this.#beside.export());
    return bytes;
  }

  close(): void {
    this.#tell((tables) => tables.close());
  }

  #tell(write: (tables: Tables) => void): void {
    write(this.#answering);
    write(this.#beside);
  }

  #ask<Answer>(what: string, read: (tables: Tables) => Answer): Answer {
    const answer = read(this.#answering);
    this.#notes.note(what, answer, read(this.#beside));
    return answer;
  }

  #compareTouched(): void {
    this.meta();
    this.pausedQueues();
    this.oldestFinishedAt();
    this.eventsAfter(this.#seqAtBegin, EVERYTHING);
    for (const id of this.#touched) {
      const key = this.job(id)?.idempotencyKey;
      if (key != null) this.jobByKey(key);
      this.history(id);
    }
    this.#touched.clear();
  }

  #compareAll(): void {
    this.meta();
    this.pausedQueues();
    this.eventsAfter(0, EVERYTHING);
    this.finishedBefore(LAST, EVERYTHING);
    const jobs = this.list({ filter: {}, before: undefined, limit: EVERYTHING });
    for (const state of JOB_STATES) this.jobsIn(state);
    for (const { id, idempotencyKey, queue } of jobs) {
      if (idempotencyKey !== null) this.jobByKey(idempotencyKey);
      this.history(id);
      this.oldestPendingAt(queue);
    }
  }
}

const LAST = Instant(Number.MAX_SAFE_INTEGER);

function frozen<Value extends Job | undefined>(job: Value): Value {
  if (job?.lastError != null) Object.freeze(job.lastError);
  return Object.freeze(job);
}

/** The rows of one, as far as they can be read, written to another that is empty. */
function copy(from: Tables, to: Tables): void {
  to.begin();
  const jobs = from.list({ filter: {}, before: undefined, limit: EVERYTHING });
  for (const job of jobs.reverse()) to.putJob(job);
  for (const row of from.eventsAfter(0, EVERYTHING)) to.putEvent(row);
  for (const queue of from.pausedQueues()) to.putPaused(queue, true);
  to.putMeta(from.meta());
  to.commit();
}

/** Where two unlike values part, as a path and both sides. */
function firstDifferenceOf(answered: unknown, mirrored: unknown): string {
  if (isRecord(answered) && isRecord(mirrored)) {
    for (const name of new Set([...Object.keys(answered), ...Object.keys(mirrored)])) {
      if (isDeepStrictEqual(answered[name], mirrored[name]) && name in answered === name in mirrored) continue;
      const place = Array.isArray(answered) ? `[${name}]` : `.${name}`;
      return `${place}${firstDifferenceOf(answered[name], mirrored[name])}`;
    }
  }
  return ` is ${textOf(answered)} in the tables that answer, ${textOf(mirrored)} in those beside them`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const SHOWN_LENGTH = 80;
const textOf = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, SHOWN_LENGTH);

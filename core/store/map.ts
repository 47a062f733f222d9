// The tables of bulk simulation: plain maps. They say what the SQL of sqlite.ts must mean, and are fast where thousands of
// lives are lived a second.
//
// Rule 1: every change leaves its inverse in `#undo`. A rollback runs the inverses in reverse order, hence each of them
//         finds the tables as its change left them.
// Rule 2: rows are never mutated, so that an inverse may hold the old ones.
// Rule 3: an export is a function of the content alone: equal tables give equal bytes.

import { assert } from '../job/assert.ts';
import { isTerminal } from '../job/job.ts';
import type { Instant, Job, JobId, JobState, TerminalJob } from '../job/job.ts';
import { isFeedOnly, isLoose } from './event-class.ts';
import { ContentReader, EMPTY, encodeContent } from './map-file.ts';
import type { Content } from './map-file.ts';
import { Sorted } from './sorted.ts';
import type { EventRow, JobFilter, Meta, Tables, TablesFactory } from './tables.ts';

export function mapTables(): TablesFactory {
  const reader = new ContentReader();
  return { create: () => new MapTables(EMPTY), load: (bytes) => new MapTables(reader.read(bytes)) };
}

type Numbered = { readonly seq: number };
const bySeq = (left: Numbered, right: Numbered): number => left.seq - right.seq;

type Finish = Pick<TerminalJob, 'finishedAt' | 'submittedSeq'>;
const byFinish = (left: Finish, right: Finish): number =>
  left.finishedAt - right.finishedAt || left.submittedSeq - right.submittedSeq;

/** A job that is kept, and the events that are forgotten with it, in order of `seq`. */
type Entry = { readonly seq: number; job: Job; events: EventRow[] };

class MapTables implements Tables {
  readonly #entries = new Map<JobId, Entry>();
  readonly #byKey = new Map<string, Entry>();
  readonly #submitted = new Sorted<Numbered, Entry>(bySeq);
  readonly #pending = new Map<string, Sorted<Numbered, Entry>>();
  readonly #finished = new Sorted<Finish, TerminalJob>(byFinish);
  readonly #events = new Sorted<Numbered, EventRow>(bySeq);
  readonly #loose: EventRow[] = [];
  readonly #paused = new Set<string>();
  #meta: Meta;
  /** Undefined outside a transaction. */
  #undo: (() => void)[] | undefined;

  constructor(content: Content) {
    this.#meta = content.meta;
    for (const job of content.jobs) this.#link({ seq: job.submittedSeq, job, events: [] });
    for (const row of content.events) {
      this.#events.add(row);
      (isLoose(row.kind) ? this.#loose : this.#entryOf(row.jobId).events).push(row);
    }
    for (const queue of content.paused) this.#paused.add(queue);
  }

  begin(): void {
    assert(this.#undo === undefined, 'transactions do not nest');
    this.#undo = [];
  }

  commit(): void {
    assert(this.#undo !== undefined, 'a commit ends a transaction');
    this.#undo = undefined;
  }

  rollback(): void {
    assert(this.#undo !== undefined, 'a rollback ends a transaction');
    for (const inverse of this.#undo.reverse()) inverse();
    this.#undo = undefined;
  }

  meta(): Meta {
    return this.#meta;
  }

  putMeta(meta: Meta): void {
    const before = this.#meta;
    this.#change(
      () => (this.#meta = meta),
      () => (this.#meta = before),
    );
  }

  job(id: JobId): Job | undefined {
    return this.#entries.get(id)?.job;
  }

  jobByKey(idempotencyKey: string): Job | undefined {
    return this.#byKey.get(idempotencyKey)?.job;
  }

  putJob(job: Job): void {
    const known = this.#entries.get(job.id);
    if (known === undefined) {
      const entry = { seq: job.submittedSeq, job, events: [] };
      this.#change(
        () => this.#link(entry),
        () => this.#unlink(entry),
      );
      return;
    }
    assert(known.seq === job.submittedSeq, `job ${job.id} was submitted once`);
    const before = known.job;
    this.#change(
      () => this.#replace(known, job),
      () => this.#replace(known, before),
    );
  }

  removeJob(id: JobId): number {
    const entry = this.#entryOf(id);
    this.#change(
      () => this.#unlink(entry),
      () => this.#link(entry),
    );
    return this.#forget(entry.events);
  }

  list(query: { filter: JobFilter; before: number | undefined; limit: number }): Job[] {
    const { state, type, queue } = query.filter;
    const found: Job[] = [];
    if (query.limit <= 0) return found;
    for (const { job } of this.#submitted.descending(query.before === undefined ? undefined : { seq: query.before })) {
      if (state !== undefined && job.state !== state) continue;
      if (type !== undefined && job.type !== type) continue;
      if (queue !== undefined && job.queue !== queue) continue;
      found.push(job);
      if (found.length === query.limit) break;
    }
    return found;
  }

  jobsIn(state: JobState): Iterable<Job> {
    return this.#jobs().filter((job) => job.state === state);
  }

  finishedBefore(at: Instant, limit: number): JobId[] {
    const found: JobId[] = [];
    for (const job of this.#finished.ascending()) {
      if (job.finishedAt > at || found.length >= limit) break;
      found.push(job.id);
    }
    return found;
  }

  oldestFinishedAt(): Instant | undefined {
    return this.#finished.first()?.finishedAt;
  }

  oldestPendingAt(queue: string): Instant | undefined {
    return this.#pending.get(queue)?.first()?.job.createdAt;
  }

  putEvent(row: EventRow): void {
    const siblings = isLoose(row.kind) ? this.#loose : this.#entryOf(row.jobId).events;
    this.#change(
      () => {
        this.#events.add(row);
        siblings.push(row);
      },
      () => {
        this.#events.remove(row);
        siblings.pop();
      },
    );
  }

  history(id: JobId): EventRow[] {
    return (this.#entries.get(id)?.events ?? []).filter((row) => !isFeedOnly(row.kind));
  }

  eventsAfter(seq: number, limit: number): EventRow[] {
    const found: EventRow[] = [];
    for (const row of this.#events.ascending({ seq: seq + 1 })) {
      if (found.length >= limit) break;
      found.push(row);
    }
    return found;
  }

  trimLooseEvents(keep: number): number {
    const surplus = this.#loose.slice(0, Math.max(this.#loose.length - keep, 0));
    this.#change(
      () => this.#loose.splice(0, surplus.length),
      () => this.#loose.unshift(...surplus),
    );
    return this.#forget(surplus);
  }

  trimFeedOnlyEvents(id: JobId, keep: number): number {
    const entry = this.#entryOf(id);
    const { events } = entry;
    const feedOnly = events.filter((row) => isFeedOnly(row.kind));
    const surplus = new Set(feedOnly.slice(0, Math.max(feedOnly.length - keep, 0)));
    this.#change(
      () => (entry.events = events.filter((row) => !surplus.has(row))),
      () => (entry.events = events),
    );
    return this.#forget([...surplus]);
  }

  pausedQueues(): string[] {
    return [...this.#paused].sort();
  }

  putPaused(queue: string, paused: boolean): void {
    const before = this.#paused.has(queue);
    this.#change(
      () => this.#pause(queue, paused),
      () => this.#pause(queue, before),
    );
  }

  export(): Uint8Array {
    assert(this.#undo === undefined, 'an export is taken between transactions');
    return encodeContent({
      meta: this.#meta,
      jobs: this.#jobs(),
      events: [...this.#events.ascending()],
      paused: this.pausedQueues(),
    });
  }

  close(): void {
    // There is nothing outside the heap to give back.
  }

  #change(change: () => void, inverse: () => void): void {
    assert(this.#undo !== undefined, 'writes happen inside a transaction');
    change();
    this.#undo.push(inverse);
  }

  #jobs(): Job[] {
    return Array.from(this.#submitted.ascending(), (entry) => entry.job);
  }

  #entryOf(id: JobId | null): Entry {
    const entry = id === null ? undefined : this.#entries.get(id);
    assert(entry !== undefined, `job ${id} exists`);
    return entry;
  }

  #link(entry: Entry): void {
    const { id, idempotencyKey } = entry.job;
    assert(idempotencyKey === null || !this.#byKey.has(idempotencyKey), 'an idempotency key has one job');
    this.#submitted.add(entry);
    this.#entries.set(id, entry);
    if (idempotencyKey !== null) this.#byKey.set(idempotencyKey, entry);
    this.#index(entry);
  }

  #unlink(entry: Entry): void {
    const { id, idempotencyKey } = entry.job;
    this.#submitted.remove(entry);
    this.#entries.delete(id);
    if (idempotencyKey !== null) this.#byKey.delete(idempotencyKey);
    this.#unindex(entry);
  }

  #replace(entry: Entry, job: Job): void {
    this.#unindex(entry);
    entry.job = job;
    this.#index(entry);
  }

  #index(entry: Entry): void {
    const { job } = entry;
    if (isTerminal(job)) this.#finished.add(job);
    if (job.state !== 'pending') return;
    let pending = this.#pending.get(job.queue);
    if (pending === undefined) this.#pending.set(job.queue, (pending = new Sorted<Numbered, Entry>(bySeq)));
    pending.add(entry);
  }

  #unindex(entry: Entry): void {
    const { job } = entry;
    if (isTerminal(job)) this.#finished.remove(job);
    if (job.state === 'pending') this.#pending.get(job.queue)?.remove(entry);
  }

  #forget(rows: readonly EventRow[]): number {
    this.#change(
      () => rows.forEach((row) => this.#events.remove(row)),
      () => rows.forEach((row) => this.#events.add(row)),
    );
    return rows.at(-1)?.seq ?? 0;
  }

  #pause(queue: string, paused: boolean): void {
    if (paused) this.#paused.add(queue);
    else this.#paused.delete(queue);
  }
}

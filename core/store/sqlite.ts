// The tables of production: SQLite in memory. The schema is in sqlite-schema.ts.
//
// Rule 1: statements are prepared once and kept; `close` frees them with the database.
// Rule 2: `meta` and the number of loose events are plain fields, written to SQL or counted again only where a transaction
//         ends or a file is opened: every event touches them.
// Rule 3: a statement that was read from is reset before anything else happens, so that no cursor outlives its call.

import { assert } from '../job/assert.ts';
import { JobId } from '../job/job.ts';
import type { Instant, Job, JobState } from '../job/job.ts';
import { isLoose } from './event-class.ts';
import type { Database, Sqlite, SqlValue, Statement } from './sqlite-driver.ts';
import { openDatabase } from './sqlite-file.ts';
import { eventOf, instant, integer, jobOf, jobValues, lifeValues, text } from './sqlite-rows.ts';
import * as sql from './sqlite-statements.ts';
import { fromText, toText } from './sqlite-text.ts';
import type { EventRow, JobFilter, Meta, Tables, TablesFactory } from './tables.ts';

export function sqliteTables(sqlite: Sqlite): TablesFactory {
  return {
    create: () => new SqliteTables(openDatabase(sqlite, undefined)),
    load: (bytes) => {
      const database = openDatabase(sqlite, bytes);
      try {
        return new SqliteTables(database);
      } catch (cause) {
        database.close();
        throw new Error('the database is damaged', { cause });
      }
    },
  };
}

/** Jobs that `jobsIn` reads at a time. */
const PAGE_JOBS = 256;

type Fields = { readonly meta: Meta; readonly looseEvents: number };

class SqliteTables implements Tables {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();
  #fields: Fields;
  /** `#fields` as they were at `begin`; undefined outside a transaction. */
  #before: Fields | undefined;
  /** No stored job was submitted later. A rollback may leave it too high, which costs an UPDATE and no more. */
  #latestJobSeq: number;
  /** The job that was put last: its events follow at once. */
  #recent: { readonly id: JobId; readonly seq: number } | undefined;

  constructor(database: Database) {
    this.#database = database;
    const meta = this.#one(sql.SELECT_META, [], (row) => ({
      lastSeq: integer(row[0]),
      lastAt: instant(row[1]),
      forgottenSeq: integer(row[2]),
    }));
    assert(meta !== undefined, 'meta has its row');
    const looseEvents = this.#number(sql.COUNT_LOOSE, []);
    this.#fields = { meta, looseEvents };
    this.#latestJobSeq = this.#number(sql.SELECT_LATEST_JOB, []);
  }

  begin(): void {
    assert(this.#before === undefined, 'transactions do not nest');
    this.#run(`BEGIN`);
    this.#before = this.#fields;
  }

  commit(): void {
    assert(this.#before !== undefined, 'a commit ends a transaction');
    const { meta } = this.#fields;
    if (meta !== this.#before.meta) {
      this.#run(sql.UPDATE_META, [meta.lastSeq, meta.lastAt, meta.forgottenSeq]);
    }
    this.#run(`COMMIT`);
    this.#before = undefined;
  }

  rollback(): void {
    assert(this.#before !== undefined, 'a rollback ends a transaction');
    this.#run(`ROLLBACK`);
    this.#fields = this.#before;
    this.#before = undefined;
    this.#recent = undefined;
  }

  meta(): Meta {
    return this.#fields.meta;
  }

  putMeta(meta: Meta): void {
    this.#assertWritable();
    this.#fields = { ...this.#fields, meta };
  }

  job(id: JobId): Job | undefined {
    return this.#one(sql.SELECT_JOB, [toText(id)], jobOf);
  }

  jobByKey(idempotencyKey: string): Job | undefined {
    return this.#one(sql.SELECT_JOB_BY_KEY, [toText(idempotencyKey)], jobOf);
  }

  putJob(job: Job): void {
    this.#assertWritable();
    if (job.submittedSeq > this.#latestJobSeq || !this.#update(job)) {
      this.#run(sql.INSERT_JOB, jobValues(job));
      this.#latestJobSeq = Math.max(this.#latestJobSeq, job.submittedSeq);
    }
    this.#recent = { id: job.id, seq: job.submittedSeq };
  }

  removeJob(id: JobId): number {
    this.#assertWritable();
    const seq = this.#seqOf(id);
    const forgotten = this.#number(sql.SELECT_LATEST_EVENT_OF_JOB, [seq]);
    this.#run(sql.DELETE_EVENTS_OF_JOB, [seq]);
    this.#run(sql.DELETE_JOB, [seq]);
    this.#recent = undefined;
    return forgotten;
  }

  list(query: { filter: JobFilter; before: number | undefined; limit: number }): Job[] {
    const { filter, before = Number.MAX_SAFE_INTEGER, limit } = query;
    const names = [filter.type, filter.queue].filter((name) => name !== undefined).map(toText);
    return this.#all(sql.selectList(filter), [...names, before, limit], jobOf);
  }

  *jobsIn(state: JobState): Iterable<Job> {
    let page = this.#all(sql.SELECT_STATE, [state, 0, PAGE_JOBS], jobOf);
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      yield* page;
      page = this.#all(sql.SELECT_STATE, [state, last.submittedSeq, PAGE_JOBS], jobOf);
    }
  }

  finishedBefore(at: Instant, limit: number): JobId[] {
    return this.#all(sql.SELECT_FINISHED, [at, limit], (row) => JobId(fromText(text(row[0]))));
  }

  oldestFinishedAt(): Instant | undefined {
    return this.#one(sql.SELECT_OLDEST_FINISHED, [], (row) => instant(row[0]));
  }

  oldestPendingAt(queue: string): Instant | undefined {
    return this.#one(sql.SELECT_OLDEST_PENDING, [toText(queue)], (row) => instant(row[0]));
  }

  putEvent(row: EventRow): void {
    this.#assertWritable();
    const detail = row.detail === null ? null : JSON.stringify(row.detail);
    if (isLoose(row.kind)) {
      const names = [row.jobId, row.type, row.queue].map((name) => (name === null ? null : toText(name)));
      this.#run(sql.INSERT_LOOSE_EVENT, [row.seq, row.at, row.kind, row.state, row.attempt, detail, ...names]);
      this.#fields = { ...this.#fields, looseEvents: this.#fields.looseEvents + 1 };
      return;
    }
    assert(row.jobId !== null, `${row.kind} is an event of a job`);
    this.#run(sql.INSERT_EVENT, [row.seq, row.at, row.kind, this.#seqOf(row.jobId), row.state, row.attempt, detail]);
  }

  history(id: JobId): EventRow[] {
    return this.#all(sql.SELECT_HISTORY, [toText(id)], eventOf);
  }

  eventsAfter(seq: number, limit: number): EventRow[] {
    return this.#all(sql.SELECT_EVENTS, [seq, limit], eventOf);
  }

  trimLooseEvents(keep: number): number {
    this.#assertWritable();
    const surplus = this.#fields.looseEvents - keep;
    if (surplus <= 0) return 0;
    const forgotten = this.#number(sql.SELECT_LOOSE_SURPLUS, [surplus]);
    this.#run(sql.DELETE_LOOSE, [forgotten]);
    this.#fields = { ...this.#fields, looseEvents: keep };
    return forgotten;
  }

  trimFeedOnlyEvents(id: JobId, keep: number): number {
    this.#assertWritable();
    const seq = this.#seqOf(id);
    const forgotten = this.#one(sql.SELECT_FEED_ONLY_SURPLUS, [seq, keep], (row) => integer(row[0]));
    if (forgotten === undefined) return 0;
    this.#run(sql.DELETE_FEED_ONLY, [seq, forgotten]);
    return forgotten;
  }

  pausedQueues(): string[] {
    return this.#all(sql.SELECT_PAUSED, [], (row) => fromText(text(row[0]))).sort();
  }

  putPaused(queue: string, paused: boolean): void {
    this.#assertWritable();
    this.#run(paused ? sql.INSERT_PAUSED : sql.DELETE_PAUSED, [toText(queue)]);
  }

  export(): Uint8Array {
    assert(this.#before === undefined, 'an export is taken between transactions');
    return this.#database.export();
  }

  close(): void {
    this.#database.close();
  }

  #assertWritable(): void {
    assert(this.#before !== undefined, 'writes happen inside a transaction');
  }

  /** False if there is no such job. */
  #update(job: Job): boolean {
    this.#run(sql.UPDATE_JOB, [...lifeValues(job), job.submittedSeq, toText(job.id)]);
    return this.#database.getRowsModified() === 1;
  }

  /** The `submitted_seq` of a job that exists. */
  #seqOf(id: JobId): number {
    if (this.#recent?.id === id) return this.#recent.seq;
    const seq = this.#one(sql.SELECT_JOB_SEQ, [toText(id)], (row) => integer(row[0]));
    assert(seq !== undefined, `job ${id} exists`);
    return seq;
  }

  #statement(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #run(sql: string, values: SqlValue[] = []): void {
    this.#statement(sql).run(values);
  }

  #one<Row>(sql: string, values: SqlValue[], decode: (row: SqlValue[]) => Row): Row | undefined {
    const statement = this.#statement(sql);
    statement.bind(values);
    const row = statement.step() ? statement.get() : undefined;
    statement.reset();
    return row === undefined ? undefined : decode(row);
  }

  #all<Row>(sql: string, values: SqlValue[], decode: (row: SqlValue[]) => Row): Row[] {
    const statement = this.#statement(sql);
    const rows: Row[] = [];
    statement.bind(values);
    while (statement.step()) rows.push(decode(statement.get()));
    statement.reset();
    return rows;
  }

  #number(sql: string, values: SqlValue[]): number {
    return integer(this.#one(sql, values, (row) => row)?.[0]);
  }
}

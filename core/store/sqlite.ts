// The tables of production: SQLite in memory. The schema is in sqlite-schema.ts.
//
// Rule 1: statements are prepared once and kept; `close` frees them with the database.
// Rule 2: `meta` and the number of loose events are plain fields, written to SQL or counted again only where a transaction
//         ends or a file is opened: every event touches them.
// Rule 3: a statement that was read from is reset before anything else happens, so that no cursor outlives its call.

import { assert } from '../job/assert.ts';
import { Instant, JobId } from '../job/job.ts';
import type { Job, JobState } from '../job/job.ts';
import { isLoose } from './event-class.ts';
import type { Database, Sqlite, SqlValue, Statement } from './sqlite-driver.ts';
import { openDatabase } from './sqlite-file.ts';
import { EVENT_COLUMNS, eventOf, instant, integer, JOB_COLUMNS, jobOf, jobValues } from './sqlite-rows.ts';
import { LIFE_ASSIGNMENTS, lifeValues, text } from './sqlite-rows.ts';
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
    const meta = this.#one(`SELECT last_seq, last_at, forgotten_seq FROM meta`, [], (row) => ({
      lastSeq: integer(row[0]),
      lastAt: instant(row[1]),
      forgottenSeq: integer(row[2]),
    }));
    assert(meta !== undefined, 'meta has its row');
    const looseEvents = this.#number(`SELECT count(*) FROM event WHERE job_seq IS NULL`, []);
    this.#fields = { meta, looseEvents };
    this.#latestJobSeq = this.#number(`SELECT ifnull(max(submitted_seq), 0) FROM job`, []);
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
      this.#run(`UPDATE meta SET last_seq = ?, last_at = ?, forgotten_seq = ?`, [
        meta.lastSeq,
        meta.lastAt,
        meta.forgottenSeq,
      ]);
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
    return this.#one(SELECT_JOB, [toText(id)], jobOf);
  }

  jobByKey(idempotencyKey: string): Job | undefined {
    return this.#one(SELECT_JOB_BY_KEY, [toText(idempotencyKey)], jobOf);
  }

  putJob(job: Job): void {
    this.#assertWritable();
    this.#recent = { id: job.id, seq: job.submittedSeq };
    if (job.submittedSeq <= this.#latestJobSeq) {
      this.#run(UPDATE_JOB, [...lifeValues(job), job.submittedSeq]);
      if (this.#database.getRowsModified() === 1) return;
    }
    this.#run(INSERT_JOB, jobValues(job));
    this.#latestJobSeq = Math.max(this.#latestJobSeq, job.submittedSeq);
  }

  removeJob(id: JobId): number {
    this.#assertWritable();
    const seq = this.#seqOf(id);
    const forgotten = this.#number(`SELECT ifnull(max(seq), 0) FROM event WHERE job_seq = ?`, [seq]);
    this.#run(`DELETE FROM event WHERE job_seq = ?`, [seq]);
    this.#run(`DELETE FROM job WHERE submitted_seq = ?`, [seq]);
    this.#recent = undefined;
    return forgotten;
  }

  list(query: { filter: JobFilter; before: number | undefined; limit: number }): Job[] {
    const { filter, before = Number.MAX_SAFE_INTEGER, limit } = query;
    const conditions = conditionsOf(filter);
    const values = [filter.type, filter.queue].filter((value) => value !== undefined).map(toText);
    return this.#all(
      `SELECT ${JOB_COLUMNS} FROM job WHERE ${conditions} submitted_seq < ? ORDER BY submitted_seq DESC LIMIT ?`,
      [...values, before, limit],
      jobOf,
    );
  }

  *jobsIn(state: JobState): Iterable<Job> {
    const sql = `SELECT ${JOB_COLUMNS} FROM job WHERE state = '${state}' AND submitted_seq > ?
                 ORDER BY submitted_seq LIMIT ${PAGE_JOBS}`;
    let page = this.#all(sql, [-1], jobOf);
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      yield* page;
      page = this.#all(sql, [last.submittedSeq], jobOf);
    }
  }

  finishedBefore(at: Instant, limit: number): JobId[] {
    return this.#all(
      `SELECT id FROM job WHERE finished_at <= ? ORDER BY finished_at, submitted_seq LIMIT ?`,
      [at, limit],
      (row) => JobId(fromText(text(row[0]))),
    );
  }

  oldestFinishedAt(): Instant | undefined {
    return this.#one(
      `SELECT finished_at FROM job WHERE finished_at IS NOT NULL ORDER BY finished_at LIMIT 1`,
      [],
      (row) => instant(row[0]),
    );
  }

  oldestPendingAt(queue: string): Instant | undefined {
    return this.#one(
      `SELECT created_at FROM job WHERE queue = ? AND state = 'pending' ORDER BY submitted_seq LIMIT 1`,
      [toText(queue)],
      (row) => instant(row[0]),
    );
  }

  putEvent(row: EventRow): void {
    this.#assertWritable();
    const detail = row.detail === null ? null : JSON.stringify(row.detail);
    if (isLoose(row.kind)) {
      const names = [row.jobId, row.type, row.queue].map((name) => (name === null ? null : toText(name)));
      this.#run(INSERT_LOOSE_EVENT, [row.seq, row.at, row.kind, row.state, row.attempt, detail, ...names]);
      this.#fields = { ...this.#fields, looseEvents: this.#fields.looseEvents + 1 };
      return;
    }
    assert(row.jobId !== null, `${row.kind} is an event of a job`);
    this.#run(INSERT_EVENT, [row.seq, row.at, row.kind, this.#seqOf(row.jobId), row.state, row.attempt, detail]);
  }

  history(id: JobId): EventRow[] {
    return this.#all(SELECT_HISTORY, [toText(id)], eventOf);
  }

  eventsAfter(seq: number, limit: number): EventRow[] {
    return this.#all(SELECT_EVENTS, [seq, limit], eventOf);
  }

  trimLooseEvents(keep: number): number {
    this.#assertWritable();
    const surplus = this.#fields.looseEvents - keep;
    if (surplus <= 0) return 0;
    const forgotten = this.#number(
      `SELECT max(seq) FROM (SELECT seq FROM event WHERE job_seq IS NULL ORDER BY seq LIMIT ?)`,
      [surplus],
    );
    this.#run(`DELETE FROM event WHERE job_seq IS NULL AND seq <= ?`, [forgotten]);
    this.#fields = { ...this.#fields, looseEvents: keep };
    return forgotten;
  }

  trimFeedOnlyEvents(id: JobId, keep: number): number {
    this.#assertWritable();
    const seq = this.#seqOf(id);
    const forgotten = this.#one(
      `SELECT seq FROM event WHERE job_seq = ? AND kind IN ('extended', 'progressed') ORDER BY seq DESC LIMIT 1 OFFSET ?`,
      [seq, keep],
      (row) => integer(row[0]),
    );
    if (forgotten === undefined) return 0;
    this.#run(`DELETE FROM event WHERE job_seq = ? AND kind IN ('extended', 'progressed') AND seq <= ?`, [
      seq,
      forgotten,
    ]);
    return forgotten;
  }

  pausedQueues(): string[] {
    return this.#all(`SELECT name FROM paused_queue`, [], (row) => fromText(text(row[0]))).sort();
  }

  putPaused(queue: string, paused: boolean): void {
    this.#assertWritable();
    const sql = paused
      ? `INSERT INTO paused_queue VALUES (?) ON CONFLICT DO NOTHING`
      : `DELETE FROM paused_queue WHERE name = ?`;
    this.#run(sql, [toText(queue)]);
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

  /** The `submitted_seq` of a job that exists. */
  #seqOf(id: JobId): number {
    if (this.#recent?.id === id) return this.#recent.seq;
    const seq = this.#one(`SELECT submitted_seq FROM job WHERE id = ?`, [toText(id)], (row) => integer(row[0]));
    assert(seq !== undefined, `job ${id} exists`);
    return seq;
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
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

const SELECT_JOB = `SELECT ${JOB_COLUMNS} FROM job WHERE id = ?`;

const SELECT_JOB_BY_KEY = `SELECT ${JOB_COLUMNS} FROM job WHERE idempotency_key = ?`;

const UPDATE_JOB = `UPDATE job SET ${LIFE_ASSIGNMENTS} WHERE submitted_seq = ?`;

const SELECT_HISTORY = `SELECT ${EVENT_COLUMNS} FROM job JOIN event ON event.job_seq = job.submitted_seq
  WHERE job.id = ? AND event.kind NOT IN ('extended', 'progressed') ORDER BY event.seq`;

const SELECT_EVENTS = `SELECT ${EVENT_COLUMNS} FROM event LEFT JOIN job ON job.submitted_seq = event.job_seq
  WHERE event.seq > ? ORDER BY event.seq LIMIT ?`;

const INSERT_JOB = `INSERT INTO job (${JOB_COLUMNS.replaceAll('job.', '')}) VALUES (${Array(22).fill('?').join(', ')})`;

const INSERT_EVENT = `INSERT INTO event (seq, at, kind, job_seq, state, attempt, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`;

const INSERT_LOOSE_EVENT = `INSERT INTO event (seq, at, kind, state, attempt, detail, job_id, type, queue)
                            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/**
 * The filter as SQL. The `+` keeps SQLite from an index: most jobs have succeeded, so that state narrows least of all, and
 * any other state narrows most.
 */
function conditionsOf(filter: JobFilter): string {
  const { state, type, queue } = filter;
  const byState = state !== undefined && (state !== 'succeeded' || (type === undefined && queue === undefined));
  const byType = !byState && type !== undefined;
  const byQueue = state === 'pending' || (!byState && !byType);
  return [
    state === undefined ? '' : `${byState ? '' : '+'}state = '${state}' AND`,
    type === undefined ? '' : `${byType ? '' : '+'}type = ? AND`,
    queue === undefined ? '' : `${byQueue ? '' : '+'}queue = ? AND`,
  ].join(' ');
}

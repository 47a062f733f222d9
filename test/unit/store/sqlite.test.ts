import { afterEach, describe, expect, it } from 'vitest';
import { Instant, JobId, JsonText } from '../../../core/job/job.ts';
import { sqliteTables } from '../../../core/store/sqlite.ts';
import type { Database } from '../../../core/store/sqlite-driver.ts';
import { APPLICATION_ID, FORMAT } from '../../../core/store/sqlite-schema.ts';
import { SELECT_FINISHED, SELECT_OLDEST_PENDING, selectList } from '../../../core/store/sqlite-statements.ts';
import { loadSqlite } from '../../support/sqlite.ts';
import { eventRow, pendingJob, write } from '../../support/tables.ts';

const sqlite = await loadSqlite();
const factory = sqliteTables(sqlite);

const opened: { close(): void }[] = [];
afterEach(() => opened.splice(0).forEach((each) => each.close()));

function track<Opened extends { close(): void }>(each: Opened): Opened {
  opened.push(each);
  return each;
}

function rows(database: Database, sql: string): unknown[][] {
  const statement = database.prepare(sql);
  const found: unknown[][] = [];
  while (statement.step()) found.push(statement.get());
  return found;
}

/** Tables with one job and two events, as somebody else's SQLite sees their export. */
function exported(): { bytes: Uint8Array; database: Database } {
  const tables = track(factory.create());
  write(tables, () => {
    const started = { attempt: 1, startedAt: Instant(1_760_000_000_123), idempotencyKey: 'order-17' };
    tables.putJob({ ...pendingJob(1, started), state: 'running', leaseUntil: Instant(1_760_000_030_123) });
    tables.putEvent(eventRow(2, { kind: 'started', at: Instant(1_760_000_000_123) }));
    tables.putEvent(
      eventRow(3, { kind: 'paused', jobId: null, type: null, queue: 'bulk', state: null, attempt: null }),
    );
    tables.putPaused('bulk', true);
    tables.putMeta({ lastSeq: 3, lastAt: Instant(1_760_000_000_123), forgottenSeq: 0 });
  });
  const bytes = tables.export();
  return { bytes, database: track(new sqlite.Database(bytes)) };
}

describe('the database file', () => {
  it('is read by anyone who knows SQLite', () => {
    const { database } = exported();
    expect(rows(database, `PRAGMA integrity_check`)).toEqual([['ok']]);
    expect(rows(database, `SELECT id, state, lease_until, payload ->> 'to', idempotency_key FROM job`)).toEqual([
      ['job-1', 'running', 1_760_000_030_123, 'someone@example.org', 'order-17'],
    ]);
    expect(rows(database, `SELECT seq, at, kind, attempt FROM history WHERE job_id = 'job-1'`)).toEqual([
      [2, '2025-10-09T08:53:20.123Z', 'started', 1],
    ]);
    expect(rows(database, `SELECT name FROM paused_queue`)).toEqual([['bulk']]);
    expect(rows(database, `SELECT * FROM meta`)).toEqual([[3, 1_760_000_000_123, 0]]);
  });

  it('keeps instants as integers, not as floating point', () => {
    const { database } = exported();
    const kinds = rows(database, `SELECT typeof(created_at), typeof(lease_until), typeof(run_at) FROM job`);
    expect(kinds).toEqual([['integer', 'integer', 'integer']]);
  });

  it('of a newer format is refused, and both numbers are named', () => {
    const { database } = exported();
    database.run(`PRAGMA user_version = ${FORMAT + 1}`);
    expect(() => factory.load(database.export())).toThrow(`format ${FORMAT + 1} is newer than format ${FORMAT}`);
  });

  it('of another program is refused', () => {
    const database = track(new sqlite.Database());
    database.run(`CREATE TABLE job (id TEXT)`);
    expect(() => factory.load(database.export())).toThrow('not a database of perdure');
  });

  it('without the tables that its numbers promise is refused', () => {
    const database = track(new sqlite.Database());
    database.run(
      `CREATE TABLE job (id TEXT); PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`,
    );
    expect(() => factory.load(database.export())).toThrow('the database is damaged');
  });

  it('with a broken first page is refused', () => {
    const { bytes } = exported();
    expect(() => factory.load(bytes.fill(0xff, 100, 4_096))).toThrow(Error);
  });
});

describe('a statement', () => {
  it.each([
    ['a list of dead jobs', selectList({ state: 'dead', type: 'email', queue: 'bulk' }), 'job_by_state'],
    ['a list of pending jobs of a queue', selectList({ state: 'pending', queue: 'bulk' }), 'job_pending'],
    ['a list of succeeded jobs', selectList({ state: 'succeeded' }), 'job_by_state'],
    ['a list of succeeded jobs of a type', selectList({ state: 'succeeded', type: 'email' }), 'job_by_type'],
    ['a list of a queue', selectList({ queue: 'bulk' }), 'job_by_queue'],
    ['the finished jobs', SELECT_FINISHED, 'job_finished'],
    ['the oldest pending job', SELECT_OLDEST_PENDING, 'job_pending'],
  ])('for %s walks one index in order and never sorts', (_what, sql, index) => {
    const plan = rows(exported().database, `EXPLAIN QUERY PLAN ${sql}`).map((row) => String(row[3]));
    expect(plan).toHaveLength(1);
    expect(plan[0]).toContain(`USING INDEX ${index} `);
  });

  it('that updates a job leaves its payload as it was submitted', () => {
    const tables = track(factory.create());
    const job = pendingJob(1, { payload: JsonText('first') });
    write(tables, () => tables.putJob(job));
    write(tables, () => tables.putJob({ ...job, attempt: 1, payload: JsonText('second') }));
    expect(tables.job(JobId('job-1'))).toEqual({ ...job, attempt: 1 });
  });
});

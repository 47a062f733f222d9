// Tables to test with: rows to put in, and everything that can be read out of them.

import { Instant, JOB_STATES, JobId, JsonText } from '../../core/job/job.ts';
import type { PendingJob } from '../../core/job/job.ts';
import { mapTables } from '../../core/store/map.ts';
import { sqliteTables } from '../../core/store/sqlite.ts';
import type { EventRow, Tables, TablesFactory } from '../../core/store/tables.ts';
import { loadSqlite } from './sqlite.ts';

/** Both implementations, by name. */
export async function implementations(): Promise<readonly (readonly [string, TablesFactory])[]> {
  return [
    ['map', mapTables()],
    ['sqlite', sqliteTables(await loadSqlite())],
  ];
}

/** All that the tables tell, through their interface alone. */
export function dump(tables: Tables): unknown {
  const jobs = JOB_STATES.flatMap((state) => [...tables.jobsIn(state)]);
  const queues = [...new Set(jobs.map((job) => job.queue))].sort();
  return {
    meta: tables.meta(),
    pausedQueues: tables.pausedQueues(),
    jobs,
    byId: jobs.map((job) => tables.job(job.id)),
    byKey: jobs.map((job) => job.idempotencyKey !== null && tables.jobByKey(job.idempotencyKey)),
    newestFirst: tables.list({ filter: {}, before: undefined, limit: EVERYTHING }),
    histories: jobs.map((job) => tables.history(job.id)),
    events: tables.eventsAfter(0, EVERYTHING),
    finished: tables.finishedBefore(LATEST, EVERYTHING),
    oldestFinishedAt: tables.oldestFinishedAt(),
    oldestPendingAt: queues.map((queue) => tables.oldestPendingAt(queue)),
  };
}

export const EVERYTHING = 1_000_000;

/** The last millisecond of the year 9999. */
export const LATEST = Instant(253_402_300_799_999);

export function pendingJob(submittedSeq: number, changes: Partial<PendingJob> = {}): PendingJob {
  return {
    id: JobId(`job-${submittedSeq}`),
    type: 'email',
    queue: 'default',
    payload: JsonText({ to: 'someone@example.org' }),
    priority: 0,
    maxRetries: 3,
    timeoutMs: 30_000,
    idempotencyKey: null,
    submittedSeq,
    createdAt: Instant(1_760_000_000_000 + submittedSeq),
    state: 'pending',
    runAt: Instant(1_760_000_000_000 + submittedSeq),
    attempt: 0,
    failures: 0,
    crashes: 0,
    suspect: false,
    startedAt: null,
    progress: null,
    lastError: null,
    ...changes,
  };
}

export function eventRow(seq: number, changes: Partial<EventRow> = {}): EventRow {
  return {
    seq,
    at: Instant(1_760_000_000_000 + seq),
    kind: 'progressed',
    jobId: JobId('job-1'),
    type: 'email',
    queue: 'default',
    state: 'running',
    attempt: 1,
    detail: null,
    ...changes,
  };
}

/** Runs the writes in a transaction that is committed. */
export function write<Result>(tables: Tables, writes: () => Result): Result {
  tables.begin();
  const result = writes();
  tables.commit();
  return result;
}

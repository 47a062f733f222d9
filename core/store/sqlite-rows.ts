// Jobs and events as rows of the database and back. Whatever a row's strings and numbers are, they come back equal.

import { assert, unreachable } from '../job/assert.ts';
import type { EventKind } from '../job/event.ts';
import { Instant, JobId } from '../job/job.ts';
import type { Job, JobError, JobRecord, JobState, JsonText } from '../job/job.ts';
import type { SqlValue } from './sqlite-driver.ts';
import { fromText, toText } from './sqlite-text.ts';
import type { EventDetail, EventRow } from './tables.ts';

/** In the order that `jobOf` reads and `jobValues` writes. */
export const JOB_COLUMNS = `
  job.submitted_seq, job.id, job.type, job.queue, job.payload, job.priority, job.max_retries, job.timeout_ms,
  job.idempotency_key, job.created_at, job.state, job.run_at, job.attempt, job.failures, job.crashes, job.suspect,
  job.started_at, job.lease_until, job.finished_at, job.progress, job.result, job.last_error`;

export function jobValues(job: Job): SqlValue[] {
  return [
    job.submittedSeq,
    toText(job.id),
    toText(job.type),
    toText(job.queue),
    job.payload,
    job.priority,
    job.maxRetries,
    job.timeoutMs,
    job.idempotencyKey === null ? null : toText(job.idempotencyKey),
    job.createdAt,
    ...lifeValues(job),
  ];
}

/** The columns that an event after the submission may change; the rest of a job's row is written once. */
export const LIFE_ASSIGNMENTS = `
  state = ?, run_at = ?, attempt = ?, failures = ?, crashes = ?, suspect = ?, started_at = ?, lease_until = ?,
  finished_at = ?, progress = ?, result = ?, last_error = ?`;

export function lifeValues(job: Job): SqlValue[] {
  return [
    job.state,
    job.runAt,
    job.attempt,
    job.failures,
    job.crashes,
    job.suspect ? 1 : 0,
    job.startedAt,
    job.state === 'running' ? job.leaseUntil : null,
    job.state === 'pending' || job.state === 'running' ? null : job.finishedAt,
    job.progress,
    job.state === 'succeeded' ? job.result : null,
    job.lastError === null ? null : JSON.stringify(job.lastError),
  ];
}

export function jobOf(row: readonly SqlValue[]): Job {
  const key = textOrNull(row[8]);
  const error = textOrNull(row[21]);
  const record: JobRecord = {
    id: JobId(fromText(text(row[1]))),
    type: fromText(text(row[2])),
    queue: fromText(text(row[3])),
    payload: text(row[4]) as JsonText,
    priority: integer(row[5]),
    maxRetries: integer(row[6]),
    timeoutMs: integer(row[7]),
    idempotencyKey: key === null ? null : fromText(key),
    submittedSeq: integer(row[0]),
    createdAt: instant(row[9]),
    runAt: instant(row[11]),
    attempt: integer(row[12]),
    failures: integer(row[13]),
    crashes: integer(row[14]),
    suspect: row[15] === 1,
    startedAt: row[16] === null ? null : instant(row[16]),
    progress: textOrNull(row[19]) as JsonText | null,
    lastError: error === null ? null : (JSON.parse(error) as JobError),
  };
  const state = text(row[10]) as JobState;
  // No spreads: V8 takes microseconds for them, and reads jobs quickly that are built alike (../job/reduce.ts).
  switch (state) {
    case 'pending':
      return Object.assign(record, { state });
    case 'running':
      return Object.assign(record, { state, leaseUntil: instant(row[17]) });
    case 'succeeded':
      return Object.assign(record, { state, finishedAt: instant(row[18]), result: text(row[20]) as JsonText });
    case 'dead':
    case 'cancelled':
      return Object.assign(record, { state, finishedAt: instant(row[18]) });
    default:
      return unreachable(state);
  }
}

/** Needs `event` joined with its `job`, if it has one. In the order that `eventOf` reads. */
export const EVENT_COLUMNS = `
  event.seq, event.at, event.kind, ifnull(event.job_id, job.id), ifnull(event.type, job.type),
  ifnull(event.queue, job.queue), event.state, event.attempt, event.detail`;

export function eventOf(row: readonly SqlValue[]): EventRow {
  const jobId = textOrNull(row[3]);
  const type = textOrNull(row[4]);
  const detail = textOrNull(row[8]);
  return {
    seq: integer(row[0]),
    at: instant(row[1]),
    kind: text(row[2]) as EventKind,
    jobId: jobId === null ? null : JobId(fromText(jobId)),
    type: type === null ? null : fromText(type),
    queue: fromText(text(row[5])),
    state: textOrNull(row[6]) as JobState | null,
    attempt: row[7] === null ? null : integer(row[7]),
    detail: detail === null ? null : (JSON.parse(detail) as EventDetail),
  };
}

export function integer(value: SqlValue | undefined): number {
  assert(typeof value === 'number', 'the column holds a number');
  return value;
}

export const instant = (value: SqlValue | undefined): Instant => Instant(integer(value));

export function text(value: SqlValue | undefined): string {
  assert(typeof value === 'string', 'the column holds text');
  return value;
}

const textOrNull = (value: SqlValue | undefined): string | null => (value === null ? null : text(value));

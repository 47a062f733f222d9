// Jobs and events as a program sees them: parsed values and dates.

import type { Instant, Job, JobState } from '../../core/job/job.ts';
import type { EventKind } from '../../core/job/event.ts';
import type { EventRow } from '../../core/store/tables.ts';

export type JobView = {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: unknown;
  readonly state: JobState;
  readonly priority: number;
  /** Starts so far. */
  readonly attempt: number;
  /** Attempts that threw or outlived their lease. */
  readonly failures: number;
  /** Attempts whose process died under them. */
  readonly crashes: number;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly runAt: Date;
  readonly idempotencyKey: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly leaseUntil: Date | null;
  readonly progress: unknown;
  readonly result: unknown;
  /** The latest failure; it stays when the job succeeds at last. */
  readonly lastError: {
    readonly name: string;
    readonly message: string;
    readonly stack: string | null;
    readonly at: Date;
  } | null;
};

export type HistoryEntry = {
  readonly seq: number;
  readonly at: Date;
  readonly kind: EventKind;
  readonly attempt: number | null;
  readonly runAt: Date | null;
  readonly leaseUntil: Date | null;
  readonly error: { readonly name: string; readonly message: string } | null;
};

export type JobWithHistory = JobView & { readonly history: readonly HistoryEntry[] };

export type EventView = {
  readonly seq: number;
  readonly at: Date;
  readonly kind: EventKind;
  readonly jobId: string | null;
  readonly type: string | null;
  readonly queue: string;
  readonly state: JobState | null;
  readonly attempt: number | null;
};

const dateOrNull = (at: Instant | null | undefined): Date | null =>
  at === null || at === undefined ? null : new Date(at);

export function viewJob(job: Job): JobView {
  const { id, type, queue, state, priority, attempt, failures, crashes, maxRetries, timeoutMs, idempotencyKey } = job;
  return {
    id,
    type,
    queue,
    payload: JSON.parse(job.payload),
    state,
    priority,
    attempt,
    failures,
    crashes,
    maxRetries,
    timeoutMs,
    runAt: new Date(job.runAt),
    idempotencyKey,
    createdAt: new Date(job.createdAt),
    startedAt: dateOrNull(job.startedAt),
    finishedAt: 'finishedAt' in job ? new Date(job.finishedAt) : null,
    leaseUntil: job.state === 'running' ? new Date(job.leaseUntil) : null,
    progress: job.progress === null ? null : JSON.parse(job.progress),
    result: job.state === 'succeeded' ? JSON.parse(job.result) : null,
    lastError: job.lastError === null ? null : { ...job.lastError, at: new Date(job.lastError.at) },
  };
}

export function viewHistory({ seq, at, kind, attempt, detail }: EventRow): HistoryEntry {
  return {
    seq,
    at: new Date(at),
    kind,
    attempt,
    runAt: dateOrNull(detail?.runAt),
    leaseUntil: dateOrNull(detail?.leaseUntil),
    error: detail?.error ?? null,
  };
}

export function viewEvent({ seq, at, kind, jobId, type, queue, state, attempt }: EventRow): EventView {
  return { seq, at: new Date(at), kind, jobId, type, queue, state, attempt };
}

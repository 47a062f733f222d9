// From the wire's JSON to what a program works with: the same shapes as those of the embedded queue.

import type { EventKind } from '../../core/job/event.ts';
import type { JobState } from '../../core/job/job.ts';
import type { EventView, HistoryEntry, JobView, JobWithHistory } from '../embed/job-view.ts';

export type WireJob = {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: unknown;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly max_retries: number;
  readonly timeout_ms: number;
  readonly run_at: string;
  readonly idempotency_key: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly lease_until: string | null;
  readonly progress: unknown;
  readonly result: unknown;
  readonly last_error: {
    readonly name: string;
    readonly message: string;
    readonly stack: string | null;
    readonly at: string;
  } | null;
};

export type WireHistoryEntry = {
  readonly seq: number;
  readonly at: string;
  readonly kind: EventKind;
  readonly attempt: number | null;
  readonly run_at?: string;
  readonly lease_until?: string;
  readonly error?: { readonly name: string; readonly message: string };
};

export type WireEvent = {
  readonly seq: number;
  readonly at: string;
  readonly kind: EventKind;
  readonly job_id: string | null;
  readonly type: string | null;
  readonly queue: string;
  readonly state: JobState | null;
  readonly attempt: number | null;
};

const dateOrNull = (text: string | null | undefined): Date | null =>
  text === null || text === undefined ? null : new Date(text);

export function readJob(job: WireJob): JobView {
  const { id, type, queue, payload, state, priority, attempt, failures, crashes, progress, result } = job;
  return {
    id,
    type,
    queue,
    payload,
    state,
    priority,
    attempt,
    failures,
    crashes,
    maxRetries: job.max_retries,
    timeoutMs: job.timeout_ms,
    runAt: new Date(job.run_at),
    idempotencyKey: job.idempotency_key,
    createdAt: new Date(job.created_at),
    startedAt: dateOrNull(job.started_at),
    finishedAt: dateOrNull(job.finished_at),
    leaseUntil: dateOrNull(job.lease_until),
    progress,
    result,
    lastError: job.last_error === null ? null : { ...job.last_error, at: new Date(job.last_error.at) },
  };
}

export function readJobWithHistory(job: WireJob & { readonly history: readonly WireHistoryEntry[] }): JobWithHistory {
  return { ...readJob(job), history: job.history.map(readHistoryEntry) };
}

function readHistoryEntry({ seq, at, kind, attempt, run_at, lease_until, error }: WireHistoryEntry): HistoryEntry {
  return {
    seq,
    at: new Date(at),
    kind,
    attempt,
    runAt: dateOrNull(run_at),
    leaseUntil: dateOrNull(lease_until),
    error: error ?? null,
  };
}

export function readEvent({ seq, at, kind, job_id, type, queue, state, attempt }: WireEvent): EventView {
  return { seq, at: new Date(at), kind, jobId: job_id, type, queue, state, attempt };
}

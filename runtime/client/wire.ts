// From the wire's JSON to what a program works with: the same shapes as those of the embedded queue.

import type { z } from '@hono/zod-openapi';
import type { EventKind } from '../../core/job/event.ts';
import type { EventView, HistoryEntry, JobView, JobWithHistory } from '../embed/job-view.ts';
import type { FeedEventSchema, JobSchema, JobWithHistorySchema, StatsSchema } from '../http/wire-schema.ts';

// The types of the schemas alone: nothing of them is loaded by who only asks.
export type WireJob = z.output<typeof JobSchema>;
export type WireJobWithHistory = z.output<typeof JobWithHistorySchema>;
export type WireEvent = z.output<typeof FeedEventSchema>;
export type WireStats = z.output<typeof StatsSchema>;

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

export function readJobWithHistory(job: WireJobWithHistory): JobWithHistory {
  return { ...readJob(job), history: job.history.map(readHistoryEntry) };
}

function readHistoryEntry(entry: WireJobWithHistory['history'][number]): HistoryEntry {
  const { seq, at, kind, attempt, run_at, lease_until, error } = entry;
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
  return { seq, at: new Date(at), kind: kind as EventKind, jobId: job_id, type, queue, state, attempt };
}

// Jobs and events to test with: one of each state, and the event of each kind that comes next.

import type { JobEvent } from '../../core/job/event.ts';
import { Instant, JobId, JsonText } from '../../core/job/job.ts';
import type { Job, JobSpecification, JobState } from '../../core/job/job.ts';
import { reduce } from '../../core/job/reduce.ts';

export const specification = (overrides: Partial<JobSpecification> = {}): JobSpecification => ({
  id: JobId('job-1'),
  type: 'email',
  queue: 'default',
  payload: JsonText({ to: 'ada@example.com' }),
  priority: 0,
  maxRetries: 3,
  timeoutMs: 30_000,
  idempotencyKey: null,
  ...overrides,
});

const error = { name: 'Error', message: 'no', stack: null, at: Instant(30) };

/** One legal event of each kind for a job whose current attempt is 1. */
export const EVENTS: Readonly<Record<JobEvent['kind'], JobEvent>> = {
  submitted: event({ kind: 'submitted', job: specification(), runAt: Instant(10) }),
  started: event({ kind: 'started', attempt: 1, leaseUntil: Instant(50) }),
  extended: event({ kind: 'extended', attempt: 1, leaseUntil: Instant(90) }),
  progressed: event({ kind: 'progressed', attempt: 1, progress: JsonText(0.5) }),
  succeeded: event({ kind: 'succeeded', attempt: 1, result: JsonText('done') }),
  failed: event({ kind: 'failed', attempt: 1, error, next: { state: 'dead' } }),
  expired: event({ kind: 'expired', attempt: 1, error, next: { state: 'pending', runAt: Instant(70) } }),
  crashed: event({ kind: 'crashed', attempt: 1, error, next: { state: 'pending', runAt: Instant(30) } }),
  released: event({ kind: 'released', attempt: 1, runAt: Instant(30) }),
  cancelled: event({ kind: 'cancelled', attempt: 1 }),
  retried: event({ kind: 'retried', attempt: 1, runAt: Instant(30) }),
  deleted: event({ kind: 'deleted' }),
};

export const KINDS = Object.keys(EVENTS) as JobEvent['kind'][];

/** A job that has just come into the state, by legal events alone. */
export function jobIn(state: JobState): Job {
  const paths: Readonly<Record<JobState, readonly JobEvent['kind'][]>> = {
    pending: ['submitted'],
    running: ['submitted', 'started'],
    succeeded: ['submitted', 'started', 'succeeded'],
    dead: ['submitted', 'started', 'failed'],
    cancelled: ['submitted', 'started', 'cancelled'],
  };
  const job = paths[state].reduce<Job | undefined>((before, kind) => reduce(before, EVENTS[kind]), undefined);
  if (job === undefined) throw new Error(`no way leads to ${state}`);
  return job;
}

/** Freezes the value and all within it: writing to it then throws. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

type WithoutStamp<E> = E extends JobEvent ? Omit<E, 'seq' | 'at' | 'jobId'> : never;

function event(change: WithoutStamp<JobEvent>): JobEvent {
  return { seq: 1, at: Instant(30), jobId: JobId('job-1'), ...change } as JobEvent;
}

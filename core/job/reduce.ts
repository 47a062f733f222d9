// A job's whole life is in this file.
//
// Rule 1: every change of a job's state is made here, and only here.
// Rule 2: this file knows nothing of disks, clocks, workers or HTTP. Time comes in with the event.
// Rule 3: what is illegal is refused with an InvariantError, and then nothing has changed: jobs are never mutated.
// Rule 4: an event that names an attempt is legal only while that attempt is the current one (the fence).
//
// Objects are built with their new keys first and the spread last: the other way round Node 20 takes microseconds a key.
//
//                    submitted
//                        │
//                        v        started
//        ┌──────────> pending ───────────────> running ──┐ extended, progressed
//        │               │                      │ │ │ ^──┘
//        │     cancelled │            cancelled │ │ │ succeeded
//        │               v                      │ │ └───────────> succeeded ──┐
//        ├─retried── cancelled <────────────────┘ │                           │
//        │               │                        │ failed, expired, crashed  │ deleted
//        │               └──────────── deleted ───┼──────────┐                v
//        ├─ failed, expired, crashed, released ───┤          └──────────> (forgotten)
//        │                                        v                           ^
//        └─retried───────────────────────────── dead ──────── deleted ────────┘

import { assert, unreachable } from './assert.ts';
import type { JobEvent } from './event.ts';
import { isTerminal } from './job.ts';
import type { Job, JobState, PendingJob, RunningJob } from './job.ts';

/** From which states each kind of event is legal; `none` is the job that is not there. */
export const LEGAL: Readonly<Record<JobEvent['kind'], readonly (JobState | 'none')[]>> = {
  submitted: ['none'],
  started: ['pending'],
  extended: ['running'],
  progressed: ['running'],
  succeeded: ['running'],
  failed: ['running'],
  expired: ['running'],
  crashed: ['running'],
  released: ['running'],
  cancelled: ['pending', 'running'],
  retried: ['dead', 'cancelled'],
  deleted: ['succeeded', 'dead', 'cancelled'],
};

/**
 * The job after the event; `undefined` before its submission and after its deletion.
 * @throws {InvariantError} if the event is not legal for the job; the job is unchanged.
 */
export function reduce(job: Job | undefined, event: JobEvent): Job | undefined {
  if (event.kind === 'submitted') {
    assert(job === undefined, `job ${event.jobId} is submitted once`);
    return submitted(event);
  }
  assert(job !== undefined, `${event.kind} names a job that exists (${event.jobId})`);
  assert(job.id === event.jobId, `event of job ${event.jobId} meets job ${job.id}`);
  assert(LEGAL[event.kind].includes(job.state), `${event.kind} is legal for a ${job.state} job (${job.id})`);

  switch (event.kind) {
    case 'started':
      assert(job.state === 'pending', 'only a pending job starts');
      assert(event.attempt === job.attempt + 1, `attempts of ${job.id} are numbered without gaps`);
      return { leaseUntil: event.leaseUntil, ...job, state: 'running', attempt: event.attempt, startedAt: event.at };
    case 'extended':
      return { ...current(job, event), leaseUntil: event.leaseUntil };
    case 'progressed':
      return { ...current(job, event), progress: event.progress };
    case 'succeeded':
      return { finishedAt: event.at, result: event.result, ...ended(current(job, event)), state: 'succeeded' };
    case 'failed':
    case 'expired': {
      const over = ended(current(job, event));
      return settle({ ...over, failures: over.failures + 1, lastError: event.error }, event);
    }
    case 'crashed': {
      const over = ended(current(job, event));
      return settle({ ...over, crashes: over.crashes + 1, suspect: true, lastError: event.error }, event);
    }
    case 'released':
      return { ...ended(current(job, event)), runAt: event.runAt };
    case 'cancelled': {
      assert(event.attempt === job.attempt, `a cancel of ${job.id} names its latest attempt`);
      const over = job.state === 'running' ? ended(job) : job;
      return { finishedAt: event.at, ...over, state: 'cancelled' };
    }
    case 'retried':
      return revived(job, event);
    case 'deleted':
      return undefined;
    default:
      return unreachable(event);
  }
}

function submitted(event: JobEvent & { kind: 'submitted' }): PendingJob {
  assert(event.job.id === event.jobId, `submitted carries the job it names (${event.jobId})`);
  return {
    state: 'pending',
    submittedSeq: event.seq,
    createdAt: event.at,
    runAt: event.runAt,
    attempt: 0,
    failures: 0,
    crashes: 0,
    suspect: false,
    startedAt: null,
    progress: null,
    lastError: null,
    ...event.job,
  };
}

/** The fence: a running job whose current attempt is the one that the event names. */
function current(job: Job, event: { readonly kind: string; readonly attempt: number }): RunningJob {
  assert(job.state === 'running', `${event.kind} needs a running job`);
  assert(event.attempt === job.attempt, `${event.kind} of attempt ${event.attempt} meets attempt ${job.attempt}`);
  return job;
}

/** The job once its attempt is over, by whatever way: the lease is gone and it is no longer a suspect. */
function ended(job: RunningJob): PendingJob {
  const { leaseUntil: _, ...rest } = job;
  return { ...rest, state: 'pending', suspect: false };
}

function settle(job: PendingJob, event: JobEvent & { kind: 'failed' | 'expired' | 'crashed' }): Job {
  if (event.next.state === 'dead') return { finishedAt: event.at, ...job, state: 'dead' };
  return { ...job, runAt: event.next.runAt };
}

function revived(job: Job, event: JobEvent & { kind: 'retried' }): PendingJob {
  assert(isTerminal(job) && job.state !== 'succeeded', 'only a dead or cancelled job is retried');
  assert(event.attempt === job.attempt, `a retry of ${job.id} names its latest attempt`);
  const { finishedAt: _, ...rest } = job;
  return { ...rest, state: 'pending', runAt: event.runAt, failures: 0, crashes: 0 };
}

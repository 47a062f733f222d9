// A job's whole life is in this file.
//
// Rule 1: every change of a job's state is made here, and only here.
// Rule 2: this file knows nothing of disks, clocks, workers or HTTP. Time comes in with the event.
// Rule 3: what is illegal is refused with an InvariantError, and then nothing has changed: jobs are never mutated.
// Rule 4: an event that names an attempt is legal only while that attempt is the current one (the fence).
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
import type { Job, JobRecord, JobState, PendingJob, RunningJob } from './job.ts';

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
    case 'started': {
      assert(job.state === 'pending', 'only a pending job starts');
      assert(event.attempt === job.attempt + 1, `attempts of ${job.id} are numbered without gaps`);
      const { attempt, leaseUntil } = event;
      return changed(job, { state: 'running', attempt, startedAt: event.at, leaseUntil });
    }
    case 'extended':
      return changed(current(job, event), { state: 'running', leaseUntil: event.leaseUntil });
    case 'progressed': {
      const { leaseUntil } = current(job, event);
      return changed(job, { state: 'running', leaseUntil, progress: event.progress });
    }
    case 'succeeded': {
      const { at: finishedAt, result } = event;
      return changed(current(job, event), { state: 'succeeded', suspect: false, finishedAt, result });
    }
    case 'failed':
    case 'expired':
    case 'crashed':
      return lost(current(job, event), event);
    case 'released':
      return changed(current(job, event), { state: 'pending', suspect: false, runAt: event.runAt });
    case 'cancelled': {
      assert(event.attempt === job.attempt, `a cancel of ${job.id} names its latest attempt`);
      const suspect = job.state === 'pending' && job.suspect;
      return changed(job, { state: 'cancelled', suspect, finishedAt: event.at });
    }
    case 'retried':
      assert(isTerminal(job) && job.state !== 'succeeded', 'only a dead or cancelled job is retried');
      assert(event.attempt === job.attempt, `a retry of ${job.id} names its latest attempt`);
      return changed(job, { state: 'pending', runAt: event.runAt, failures: 0, crashes: 0 });
    case 'deleted':
      return undefined;
    default:
      return unreachable(event);
  }
}

function submitted(event: JobEvent & { kind: 'submitted' }): PendingJob {
  const { job: specification, seq, at, runAt } = event;
  assert(specification.id === event.jobId, `submitted carries the job it names (${event.jobId})`);
  const beginning = { attempt: 0, failures: 0, crashes: 0, suspect: false, startedAt: null, progress: null };
  return changed(
    { submittedSeq: seq, createdAt: at, runAt, lastError: null, ...beginning, ...specification },
    { state: 'pending' },
  );
}

/** The fence: a running job whose current attempt is the one that the event names. */
function current(job: Job, event: { readonly kind: string; readonly attempt: number }): RunningJob {
  assert(job.state === 'running', `${event.kind} needs a running job`);
  assert(event.attempt === job.attempt, `${event.kind} of attempt ${event.attempt} meets attempt ${job.attempt}`);
  return job;
}

/** The attempt came to no good end. Its process died under it: until another attempt has ended the job is a suspect. */
function lost(job: RunningJob, event: JobEvent & { kind: 'failed' | 'expired' | 'crashed' }): Job {
  const suspect = event.kind === 'crashed';
  const failures = suspect ? job.failures : job.failures + 1;
  const crashes = suspect ? job.crashes + 1 : job.crashes;
  const account = { suspect, failures, crashes, lastError: event.error };
  return event.next.state === 'dead'
    ? changed(job, { state: 'dead', finishedAt: event.at, ...account })
    : changed(job, { state: 'pending', runAt: event.next.runAt, ...account });
}

/**
 * The job in another state; of the old one only what all states have is kept. Field by field, so that all jobs are built
 * alike: Node 20 takes microseconds for a spread, and longer to read objects of many shapes.
 */
function changed<const Changes extends Partial<JobRecord> & { readonly state: JobState }>(
  job: JobRecord,
  changes: Changes,
): JobRecord & Changes {
  const record: JobRecord = {
    id: job.id,
    type: job.type,
    queue: job.queue,
    payload: job.payload,
    priority: job.priority,
    maxRetries: job.maxRetries,
    timeoutMs: job.timeoutMs,
    idempotencyKey: job.idempotencyKey,
    submittedSeq: job.submittedSeq,
    createdAt: job.createdAt,
    runAt: job.runAt,
    attempt: job.attempt,
    failures: job.failures,
    crashes: job.crashes,
    suspect: job.suspect,
    startedAt: job.startedAt,
    progress: job.progress,
    lastError: job.lastError,
  };
  return Object.assign(record, changes);
}

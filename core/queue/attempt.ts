// The life of an attempt: how it starts, and every way in which it ends.
//
// Rule: each way goes through the fence (job, attempt). What comes from an attempt that is no longer current changes
// nothing; it only tells that a handler without a lease has ended.

import { assert } from '../job/assert.ts';
import type { Verdict } from '../job/event.ts';
import { Instant } from '../job/job.ts';
import type { JobError, JobId, RunningJob } from '../job/job.ts';
import { DEFAULT_BACKOFF, retryDelayMs } from '../job/retry.ts';
import type { Fence, RequestId, Thrown, WorkerCommand } from './command.ts';
import { fenceKey } from './memory.ts';
import type { Step } from './step.ts';

export function start(step: Step, jobId: JobId): void {
  const job = step.tables.job(jobId);
  assert(job?.state === 'pending', `the timetable proposes a pending job (${jobId})`);
  const leaseUntil = Instant(step.at + job.timeoutMs);
  const started = step.happen(jobId, job, { kind: 'started', attempt: job.attempt + 1, leaseUntil });
  assert(started?.state === 'running', 'a started job is running');
  step.do({ kind: 'start', job: started });
}

export function answerWorker(step: Step, requestId: RequestId | null, command: WorkerCommand): void {
  const job = currentJob(step, command);
  if (job === undefined || command.kind === 'ended') {
    if (!isOngoing(command)) step.memory.abandoned.delete(fenceKey(command));
    return step.refuse(requestId, { reason: 'lease-lost', jobId: command.jobId, attempt: command.attempt });
  }
  const { attempt } = command;
  switch (command.kind) {
    case 'succeed':
      step.happen(job.id, job, { kind: 'succeeded', attempt, result: command.result });
      return;
    case 'fail': {
      const next = afterFailure(step, job, { isFinal: !command.retryable });
      step.happen(job.id, job, { kind: 'failed', attempt, error: errorOf(step, command.error), next });
      return;
    }
    case 'release':
      step.happen(job.id, job, { kind: 'released', attempt, runAt: step.at });
      return;
    case 'extend': {
      const leaseUntil = Instant(step.at + (command.extendMs ?? job.timeoutMs));
      step.happen(job.id, job, { kind: 'extended', attempt, leaseUntil });
      return step.reply(requestId, { kind: 'extended', leaseUntil });
    }
    case 'progress':
      step.happen(job.id, job, { kind: 'progressed', attempt, progress: command.progress });
      return step.reply(requestId, { kind: 'progressed' });
  }
}

/** The leases that are over: their handlers are abandoned. */
export function expire(step: Step): void {
  for (const jobId of step.memory.timetable.expired(step.at)) {
    const job = step.tables.job(jobId);
    assert(job?.state === 'running', `the timetable proposes a running job (${jobId})`);
    const error = errorOf(step, {
      name: 'TimeoutError',
      message: `attempt ${job.attempt} outlived its lease (visibility timeout ${job.timeoutMs} ms)`,
      stack: null,
    });
    const next = afterFailure(step, job, { isFinal: false });
    step.happen(job.id, job, { kind: 'expired', attempt: job.attempt, error, next });
    abandon(step, job, 'timeout');
  }
}

/** What an earlier process left running has crashed, whether or not it was the job's fault. */
export function recover(step: Step): void {
  const running = Array.from(step.tables.jobsIn('running')); // each is about to leave that state
  for (const job of running) {
    assert(job.state === 'running', 'jobs are listed by their state');
    const crashes = job.crashes + 1;
    const isDead = crashes >= step.settings.crashesMax;
    const count = `crash ${crashes} of ${step.settings.crashesMax}`;
    const error = errorOf(step, {
      name: 'CrashError',
      message: `the process died under attempt ${job.attempt} (${count}${isDead ? ': no further attempt' : ''})`,
      stack: null,
    });
    const next: Verdict = isDead ? { state: 'dead' } : { state: 'pending', runAt: step.at };
    step.happen(job.id, job, { kind: 'crashed', attempt: job.attempt, error, next });
  }
}

/** The attempt has lost its lease while its handler runs: tell the handler, and count it until it ends. */
export function abandon(step: Step, job: RunningJob, reason: 'timeout' | 'cancelled'): void {
  step.memory.abandoned.add(fenceKey({ jobId: job.id, attempt: job.attempt }));
  step.do({ kind: 'abort', jobId: job.id, attempt: job.attempt, reason });
}

function currentJob(step: Step, { jobId, attempt }: Fence): RunningJob | undefined {
  const job = step.tables.job(jobId);
  return job?.state === 'running' && job.attempt === attempt ? job : undefined;
}

/** Whether the handler runs on after saying this. */
const isOngoing = (command: WorkerCommand): boolean => command.kind === 'extend' || command.kind === 'progress';

function afterFailure(step: Step, job: RunningJob, { isFinal }: { isFinal: boolean }): Verdict {
  const failures = job.failures + 1;
  if (isFinal || failures > job.maxRetries) return { state: 'dead' };
  const backoff = step.settings.types.get(job.type)?.backoff ?? DEFAULT_BACKOFF;
  return { state: 'pending', runAt: Instant(step.at + retryDelayMs(backoff, failures, step.draw())) };
}

const errorOf = (step: Step, thrown: Thrown): JobError => ({ ...thrown, at: step.at });

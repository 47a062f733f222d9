// What planted bugs overhear and twist most: each change of a job as it is decided, and the inputs of each step.

import type { JobChange } from '../../core/job/event.ts';
import type { Instant, Job, JobId } from '../../core/job/job.ts';
import type { Input } from '../../core/queue/command.ts';
import { Queue } from '../../core/queue/queue.ts';
import type { Decided } from '../../core/queue/queue.ts';
import { Step } from '../../core/queue/step.ts';
import { method } from './instead.ts';

type StepOptions = Parameters<Queue['step']>[1];

/** Each change of a job is told of, once it has been decided; `after` is undefined if the job is gone. */
export const overhearing = (
  told: (change: { readonly jobId: JobId; readonly at: Instant } & JobChange, after: Job | undefined) => void,
): ReturnType<typeof method> =>
  method(
    Step.prototype,
    'happen',
    (real) =>
      function (this: Step, jobId, job, change) {
        const after = real.call(this, jobId, job, change);
        told({ ...change, jobId, at: this.at }, after);
        return after;
      },
  );

/** Each step is decided in another way; `decide` is the true one. */
export const stepping = (
  step: (decide: Queue['step'], inputs: readonly Input[], options: StepOptions) => Decided,
): ReturnType<typeof method> =>
  method(
    Queue.prototype,
    'step',
    (real) =>
      function (this: Queue, inputs, options) {
        return step((...told) => real.call(this, ...told), inputs, options);
      },
  );

/** The queue hears other inputs than have come. */
export const hearing = (
  heard: (inputs: readonly Input[], at: Instant) => readonly Input[],
): ReturnType<typeof method> => stepping((decide, inputs, options) => decide(heard(inputs, options.now.at), options));

/** The leases that run, by job. */
export function leasesOf(leases: Map<JobId, { readonly attempt: number; readonly leaseUntil: Instant }>) {
  return overhearing(({ jobId }, after) => {
    if (after?.state === 'running') leases.set(jobId, after);
    else leases.delete(jobId);
  });
}

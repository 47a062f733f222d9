// Why a life does not go on, before it is called a bug: what each job that is left waits for, as far as it can be told from
// outside. It makes a broken promise of progress readable; it judges nothing.

import type { QueueSettings } from '../../core/queue/settings.ts';
import { fenceOf } from '../ledger.ts';
import type { Ledger } from '../ledger.ts';
import type { Model, ModelJob } from '../model.ts';

export type Circumstances = {
  readonly model: Model;
  readonly ledger: Ledger;
  readonly settings: QueueSettings;
  readonly capacityBytes: number;
};

/** Jobs told of one by one; the rest is counted. */
const TOLD_MAX = 3;

/** One sentence for each job that is left, and for what holds up all of them. */
export function whyStuck(circumstances: Circumstances): string[] {
  const { model, capacityBytes } = circumstances;
  const left = [...model.running.values(), ...model.pending.values()];
  const why = left
    .slice(0, TOLD_MAX)
    .map((job) => `job ${job.id} (${job.state}, attempt ${job.attempt}) ${cause(job)}`);
  if (left.length > TOLD_MAX) why.push(`${left.length - TOLD_MAX} more jobs are left`);
  if (Number.isFinite(capacityBytes)) why.push('the disk is full');
  return why;

  function cause(job: ModelJob): string {
    return job.state === 'running' ? causeOfRunning(job, circumstances) : causeOfPending(job, circumstances);
  }
}

function causeOfRunning(job: ModelJob, { model, ledger }: Circumstances): string {
  const fence = fenceOf(job.id, job.attempt);
  if (!ledger.started.has(fence)) return 'has no handler: its start never left the process';
  if (ledger.returned.has(fence)) return 'has returned, and nobody heard it';
  if (ledger.threw.has(fence)) return 'has thrown, and nobody heard it';
  if (ledger.released.has(fence)) return 'was given back, and nobody heard it';
  const overMs = model.lastAt - (job.leaseUntil ?? model.lastAt);
  return overMs > 0 ? `is not answered, and its lease has been over for ${overMs} ms` : 'is not answered';
}

function causeOfPending(job: ModelJob, { model, settings }: Circumstances): string {
  const type = settings.types.get(job.type);
  if (type === undefined) return `has no handler for its type ${job.type}`;
  if (model.paused.has(job.queue)) return `is in the paused queue ${job.queue}`;
  if (job.runAt > model.lastAt) return `is due ${job.runAt - model.lastAt} ms after the latest event`;
  const running = [...model.running.values()];
  const names = running.map(({ id }) => id).join(', ');
  if (running.length >= settings.workerCount) return `waits for a worker: all ${settings.workerCount} have ${names}`;
  const alike = running.filter((other) => other.type === job.type);
  if (type.concurrency !== null && alike.length >= type.concurrency) {
    return `waits for one of its type: ${alike.map(({ id }) => id).join(', ')}`;
  }
  const suspect = job.suspect ? running.find((other) => other.suspect) : undefined;
  if (suspect !== undefined) return `is a suspect, and waits for suspect ${suspect.id}`;
  return 'could start, and nothing is in its way';
}

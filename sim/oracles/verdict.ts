// What a command must lead to, as the contract says: which changes, or which refusal.

import type { EventKind } from '../../core/job/event.ts';
import type { JobId, JobState } from '../../core/job/job.ts';
import type { ClientCommand, Fence, Submission, WorkerCommand } from '../../core/queue/command.ts';
import type { Refusal } from '../../core/queue/effect.ts';
import { FROM, isSameRequest, JOB_BYTES } from './expected.ts';
import type { Cause } from './expected.ts';
import type { Reference } from './reference.ts';

export type Change = { readonly kind: EventKind; readonly jobId: JobId | null; readonly cause: Cause };

export type Verdict = {
  /** What the command leads to, if it is granted; null if it must be refused. */
  readonly changes: readonly Change[] | null;
  /** For each submission the job that its key names already. */
  readonly replays: readonly (JobId | null)[];
  /** Of a refusal: what it must tell. */
  readonly refusals: readonly Refusal[];
  /** Refusals that the contract leaves open. */
  readonly optional: readonly Refusal[];
};

const granted = (...changes: readonly Change[]): Verdict => ({ changes, replays: [], refusals: [], optional: [] });
const refused = (...refusals: readonly Refusal[]): Verdict => ({ changes: null, replays: [], refusals, optional: [] });

/** Were the command decided now. */
export function verdict(reference: Reference, command: ClientCommand | WorkerCommand): Verdict {
  switch (command.kind) {
    case 'submit':
      return submitting(reference, command);
    case 'get':
      return reference.jobs.has(command.jobId) ? granted() : refused({ reason: 'not-found', jobId: command.jobId });
    case 'cancel':
      return managing(reference, command.jobId, 'cancelled');
    case 'retry':
      return managing(reference, command.jobId, 'retried');
    case 'delete':
      return managing(reference, command.jobId, 'deleted');
    case 'pause':
      return reference.paused.has(command.queue) ? granted() : granted({ kind: 'paused', jobId: null, cause: {} });
    case 'resume':
      return reference.paused.has(command.queue) ? granted({ kind: 'resumed', jobId: null, cause: {} }) : granted();
    case 'succeed':
      return working(reference, command, { kind: 'succeeded', cause: { result: command.result } });
    case 'fail':
      return working(reference, command, {
        kind: 'failed',
        cause: { thrown: command.error, isFinal: !command.retryable },
      });
    case 'release':
      return working(reference, command, { kind: 'released', cause: {} });
    case 'extend':
      return working(reference, command, { kind: 'extended', cause: { extendMs: command.extendMs } });
    case 'progress':
      return working(reference, command, { kind: 'progressed', cause: { progress: command.progress } });
    case 'list':
    case 'stats':
    case 'queues':
    case 'feed':
    case 'ended':
      return granted();
  }
}

/** All or nothing; of several errors those of the lowest status are told. */
function submitting(reference: Reference, command: Extract<ClientCommand, { kind: 'submit' }>): Verdict {
  const { settings, isDraining, open, bytes: stored } = reference;
  if (isDraining) return refused({ reason: 'draining' });
  const wrong: Refusal[] = [];
  const changes: Change[] = [];
  const replays: (JobId | null)[] = [];
  const inList = new Map<string, Submission>();
  let bytes = 0;
  for (const [index, one] of command.submissions.entries()) {
    const { idempotencyKey: key, type } = one;
    const misfits = command.misfits?.get(index);
    const holder = key === null ? undefined : (holderOf(reference, key) ?? inList.get(key));
    replays.push(holder?.id ?? null);
    if (key !== null && holder === undefined) inList.set(key, one);
    if (holder !== undefined) {
      if (!isSameRequest(holder, one)) wrong.push({ reason: 'key-reused', index, key: key ?? '', jobId: holder.id });
    } else if (!settings.types.has(type)) wrong.push({ reason: 'unknown-type', index, type });
    else if (misfits !== undefined) wrong.push({ reason: 'payload-mismatch', index, misfits });
    else {
      changes.push({ kind: 'submitted', jobId: one.id, cause: { submission: one } });
      bytes += JOB_BYTES + type.length + one.queue.length + one.payload.length + (key?.length ?? 0);
    }
  }
  if (wrong.length > 0) return refused(...wrong);
  if (changes.length === 0) return { ...granted(), replays };
  // The depth is counted with the new jobs. Whether they count as bytes before they are stored is left open, and so is
  // whether the bytes are told of beside the depth.
  const { depthLimit, bytesLimit } = settings;
  const tooDeep: Refusal = { reason: 'depth-limit', depth: open.size, limit: depthLimit };
  const tooHeavy: Refusal = { reason: 'bytes-limit', bytes: stored, limit: bytesLimit };
  const optional = stored + bytes > bytesLimit ? [tooHeavy] : [];
  if (open.size + changes.length > depthLimit) return { ...refused(tooDeep), optional };
  return stored >= bytesLimit ? refused(tooHeavy) : { changes, replays, refusals: [], optional };
}

function holderOf({ keys, jobs }: Reference, key: string) {
  const id = keys.get(key);
  return id === undefined ? undefined : jobs.get(id);
}

function managing({ jobs }: Reference, jobId: JobId, kind: 'cancelled' | 'retried' | 'deleted'): Verdict {
  const state: JobState | undefined = jobs.get(jobId)?.state;
  if (state === undefined) return refused({ reason: 'not-found', jobId });
  return FROM[kind].includes(state)
    ? granted({ kind, jobId, cause: {} })
    : refused({ reason: 'wrong-state', jobId, state });
}

/** What comes from an attempt counts only while it is the current one. */
function working({ jobs }: Reference, { jobId, attempt }: Fence, change: Omit<Change, 'jobId'>): Verdict {
  const job = jobs.get(jobId);
  const isCurrent = job?.state === 'running' && job.attempt === attempt;
  return isCurrent ? granted({ ...change, jobId }) : refused({ reason: 'lease-lost', jobId, attempt });
}

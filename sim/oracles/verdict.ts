// Whether the reference grants a command: to which changes it must lead, or what a refusal must tell.

import { isDeepStrictEqual } from 'node:util';
import type { EventKind } from '../../core/job/event.ts';
import type { JobId } from '../../core/job/job.ts';
import type { ClientCommand, Submission, WorkerCommand } from '../../core/queue/command.ts';
import { bytesOf, isMeasured, LIFE } from './reference.ts';
import type { Cause, Expected, Reference } from './reference.ts';

type Change = { readonly kind: EventKind; readonly jobId: JobId | null; readonly cause: Cause };
type Refusal = { readonly reason: string } & Readonly<Record<string, unknown>>;

/** Refusals that must be told (none of what is granted), those that the contract leaves open, and to what a grant leads. */
export type Verdict = Readonly<{ must: readonly Refusal[]; may: readonly Refusal[]; changes: readonly Change[] }>;

const granted = (...changes: readonly Change[]): Verdict => ({ must: [], may: [], changes });
const refused = (...must: readonly Refusal[]): Verdict => ({ must, may: [], changes: [] });

/** Were the command decided now. */
export function verdict(reference: Reference, command: ClientCommand | WorkerCommand): Verdict {
  if (command.kind === 'submit') return submitting(reference, command);
  if (command.kind === 'pause' || command.kind === 'resume') {
    const kind = command.kind === 'pause' ? 'paused' : 'resumed';
    const isSo = reference.paused.has(command.queue) === (kind === 'paused');
    return isSo ? granted() : granted({ kind, jobId: null, cause: {} });
  }
  if (!('jobId' in command)) return granted();
  const { jobId } = command;
  const job = reference.jobs.get(jobId);
  // What comes from an attempt counts only while it is the current one.
  const isLate = 'attempt' in command && (job?.state !== 'running' || job.attempt !== command.attempt);
  if (isLate) return refused({ reason: 'lease-lost', jobId, attempt: command.attempt });
  if (job === undefined) return refused({ reason: 'not-found', jobId });
  const [kind, rule] = [...LIFE].find(([, { by }]) => by === command.kind) ?? [];
  if (kind === undefined || rule === undefined) return granted();
  if (!rule.from.includes(job.state)) return refused({ reason: 'wrong-state', jobId, state: job.state });
  return granted({ kind, jobId, cause: command });
}

/** All or nothing; of several errors those of the lowest status are told. */
function submitting(reference: Reference, command: Extract<ClientCommand, { kind: 'submit' }>): Verdict {
  const { jobs } = reference;
  const { types, depthLimit: limit, bytesLimit } = reference.settings;
  if (reference.isDraining) return refused({ reason: 'draining' });
  const wrong: Refusal[] = [];
  const fresh: Submission[] = [];
  for (const [index, one] of command.submissions.entries()) {
    const { idempotencyKey: key, type } = one;
    const misfits = command.misfits?.get(index);
    const isNamed = (other: Expected | Submission): boolean => key !== null && other.idempotencyKey === key;
    // A key names what came first under it, be it in the same list.
    const holder = [...jobs.values(), ...command.submissions.slice(0, index)].find(isNamed);
    if (holder !== undefined) {
      if (!isSameRequest(holder, one)) wrong.push({ reason: 'key-reused', index, key, jobId: holder.id });
    } else if (!types.has(type)) wrong.push({ reason: 'unknown-type', index, type });
    else if (misfits !== undefined) wrong.push({ reason: 'payload-mismatch', index, misfits });
    else fresh.push(one);
  }
  if (wrong.length > 0) return refused(...wrong);
  if (fresh.length === 0) return granted();
  // The depth is counted with the new jobs. Whether they count as bytes before they are stored is left open, and so is
  // whether the bytes are told of beside the depth.
  const stored = [...jobs.values()];
  const bytes = bytesOf(stored);
  const depth = reference.in('pending', 'running').length;
  const tooHeavy = { reason: 'bytes-limit', bytes: isMeasured(stored) ? bytes : undefined, limit: bytesLimit };
  const may = tooHeavy.bytes === undefined || bytes + bytesOf(fresh) > bytesLimit ? [tooHeavy] : [];
  if (depth + fresh.length > limit) return { ...refused({ reason: 'depth-limit', depth, limit }), may };
  if (bytes >= bytesLimit) return refused(tooHeavy);
  const changes = fresh.map((one): Change => ({ kind: 'submitted', jobId: one.id, cause: { submission: one } }));
  return { ...granted(...changes), may };
}

const isSameRequest = (a: Expected | Submission, b: Submission): boolean =>
  a.type === b.type && a.queue === b.queue && isDeepStrictEqual(JSON.parse(a.payload), JSON.parse(b.payload));

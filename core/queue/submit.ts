// Submissions: all or nothing, replays recognised by their key, and refused where the queue is full.

import { assert } from '../job/assert.ts';
import { Instant } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import type { ClientCommand, RequestId, Start, Submission } from './command.ts';
import type { Refusal } from './effect.ts';
import { isSameJson } from './json-equality.ts';
import { DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_MS } from './settings.ts';
import type { Step } from './step.ts';

/** What becomes of one submission: a new job, or the one that its key already names. */
type Plan =
  | { readonly kind: 'new'; readonly submission: Submission }
  | { readonly kind: 'replay'; readonly job: Job }
  /** A replay of another submission of the same request. */
  | { readonly kind: 'repeat'; readonly index: number }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

type Submit = Extract<ClientCommand, { kind: 'submit' }>;

export function submit(step: Step, requestId: RequestId | null, command: Submit): void {
  if (step.memory.isDraining) return step.refuse(requestId, { reason: 'draining' });

  const plans = plan(step, command);
  const refusals = plans.flatMap((one) => (one.kind === 'refused' ? [one.refusal] : []));
  if (refusals.length > 0) return step.refuse(requestId, ...refusals);

  const fresh = plans.flatMap((one) => (one.kind === 'new' ? [one.submission] : []));
  const full = fresh.length === 0 ? [] : roomRefusals(step, fresh);
  if (full.length > 0) return step.refuse(requestId, ...full);

  const outcomes: { job: Job; replayed: boolean }[] = [];
  for (const one of plans) {
    if (one.kind === 'new') outcomes.push({ job: create(step, one.submission), replayed: false });
    else if (one.kind === 'replay') outcomes.push({ job: one.job, replayed: true });
    else if (one.kind === 'repeat') outcomes.push({ job: jobAt(outcomes, one.index), replayed: true });
  }
  step.reply(requestId, { kind: 'submitted', outcomes });
}

function plan(step: Step, { submissions, misfits }: Submit): Plan[] {
  const firstByKey = new Map<string, number>();
  return submissions.map((submission, index): Plan => {
    const { idempotencyKey: key, type } = submission;
    if (key !== null) {
      const stored = step.tables.jobByKey(key);
      if (stored !== undefined) {
        if (isSameRequest(submission, stored)) return { kind: 'replay', job: stored };
        return { kind: 'refused', refusal: { reason: 'key-reused', index, key, jobId: stored.id } };
      }
      const firstIndex = firstByKey.get(key);
      const first = firstIndex === undefined ? undefined : submissions[firstIndex];
      if (firstIndex !== undefined && first !== undefined) {
        if (isSameRequest(submission, first)) return { kind: 'repeat', index: firstIndex };
        return { kind: 'refused', refusal: { reason: 'key-reused', index, key, jobId: first.id } };
      }
      firstByKey.set(key, index);
    }
    if (!step.settings.types.has(type)) return { kind: 'refused', refusal: { reason: 'unknown-type', index, type } };
    const found = misfits?.get(index);
    if (found !== undefined) return { kind: 'refused', refusal: { reason: 'payload-mismatch', index, misfits: found } };
    return { kind: 'new', submission };
  });
}

const isSameRequest = (a: Submission, b: Pick<Job, 'type' | 'queue' | 'payload'>): boolean =>
  a.type === b.type && a.queue === b.queue && isSameJson(a.payload, b.payload);

/** Every limit that the new jobs would pass. */
function roomRefusals(step: Step, fresh: readonly Submission[]): Refusal[] {
  if (!step.isWritable) return [{ reason: 'read-only' }];
  const { depth, bytes } = step.memory.census;
  const { depthLimit, bytesLimit } = step.settings;
  const payloadBytes = fresh.reduce((sum, submission) => sum + submission.payload.length, 0);
  const refusals: Refusal[] = [];
  if (depth + fresh.length > depthLimit) refusals.push({ reason: 'depth-limit', depth, limit: depthLimit });
  if (bytes + payloadBytes > bytesLimit || bytes >= bytesLimit) {
    refusals.push({ reason: 'bytes-limit', bytes, limit: bytesLimit });
  }
  return refusals;
}

function create(step: Step, submission: Submission): Job {
  const { id, type, queue, payload, priority, idempotencyKey, start } = submission;
  const usual = step.settings.types.get(type);
  const maxRetries = submission.maxRetries ?? usual?.maxRetries ?? DEFAULT_MAX_RETRIES;
  const timeoutMs = submission.timeoutMs ?? usual?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const job = step.happen(id, undefined, {
    kind: 'submitted',
    job: { id, type, queue, payload, priority, maxRetries, timeoutMs, idempotencyKey },
    runAt: startAt(step, start),
  });
  assert(job !== undefined, 'a submission makes a job');
  return job;
}

/**
 * The instant on the queue's clock. A client's `run_at` is an instant of the wall clock: where that was set since the
 * process started, what counts is how far ahead it is now.
 */
function startAt(step: Step, start: Start): Instant {
  switch (start.kind) {
    case 'now':
      return step.at;
    case 'after':
      return Instant(step.at + start.delayMs);
    case 'at':
      return Instant(step.at + Math.max(0, start.instant - step.wallAt));
  }
}

function jobAt(outcomes: readonly { readonly job: Job }[], index: number): Job {
  const outcome = outcomes[index];
  assert(outcome !== undefined, 'a repeated submission follows the one it repeats');
  return outcome.job;
}

// Holds payloads against the schemas that handlers declare (Standard Schema). A schema only judges: what it would make
// of the payload (defaults, coercions) is not stored, since a job's payload is what its client sent.
//
// Whether the verdict counts is the queue's to decide: a replay of a job that was stored is answered, though the schema of
// its type has changed since. Only where no key is given, nothing can be a replay, and a client's mistake is answered
// without waiting for the disk.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Misfit, Misfits, Submission } from '../../core/queue/command.ts';
import type { Refusal, Reply } from '../../core/queue/effect.ts';
import { judge } from '../judge.ts';
import type { QueuePort } from '../queue-port.ts';
import { pointer } from './problem.ts';

/** Asks the queue to store the submissions, with the schemas' verdict. */
export async function askToSubmit(queue: QueuePort, submissions: readonly Submission[]): Promise<Reply> {
  const misfits = await judgeAll(submissions, queue.types);
  const mayReplay = submissions.some(({ idempotencyKey }) => idempotencyKey !== null);
  if (misfits.size === 0 || mayReplay) return queue.ask({ kind: 'submit', submissions, misfits });
  return { kind: 'refused', refusals: refusalsOf(submissions, misfits, queue.types) };
}

async function judgeAll(submissions: readonly Submission[], types: QueuePort['types']): Promise<Misfits> {
  const misfits = new Map<number, readonly Misfit[]>();
  for (const [index, submission] of submissions.entries()) {
    const schema = types.get(submission.type)?.schema;
    const found = schema ? await misfitsOf(schema, submission) : [];
    if (found.length > 0) misfits.set(index, found);
  }
  return misfits;
}

function refusalsOf(submissions: readonly Submission[], misfits: Misfits, types: QueuePort['types']): Refusal[] {
  return submissions.flatMap(({ type }, index): Refusal[] => {
    if (!types.has(type)) return [{ reason: 'unknown-type', index, type }];
    const found = misfits.get(index);
    return found === undefined ? [] : [{ reason: 'payload-mismatch', index, misfits: found }];
  });
}

async function misfitsOf(schema: StandardSchemaV1, { payload }: Submission): Promise<readonly Misfit[]> {
  // A copy of its own: a schema that changes what it validates changes nothing that is stored.
  const verdict = await judge(schema, JSON.parse(payload));
  if (verdict.fits) return [];
  if (verdict.issues.length === 0) return [{ path: '/payload', message: 'does not fit the schema of its type' }];
  return verdict.issues.map(({ message, path }) => ({ path: `/payload${pathOf(path)}`, message }));
}

const pathOf = (path: StandardSchemaV1.Issue['path']): string =>
  pointer(...(path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)));

// Holds payloads against the schemas that handlers declare (Standard Schema). A schema only judges: what it would make
// of the payload (defaults, coercions) is not stored, since a job's payload is what its client sent.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Submission } from '../../core/queue/command.ts';
import type { QueuePort } from '../queue-port.ts';
import { pointer, summary } from './problem.ts';
import type { FieldError, Problem } from './problem.ts';

/**
 * `prefix(index)` is the pointer to a submission in its body. Where a payload does not fit, types without a handler are
 * named beside it, unless a key could make the submission a replay: all errors of this status belong into one answer.
 */
export async function payloadProblem(
  submissions: readonly Submission[],
  types: QueuePort['types'],
  prefix: (index: number) => string,
): Promise<Problem | undefined> {
  const errors: FieldError[] = [];
  const unknownTypes: FieldError[] = [];
  for (const [index, submission] of submissions.entries()) {
    const type = types.get(submission.type);
    if (type === undefined && submission.idempotencyKey === null) {
      unknownTypes.push({ path: `${prefix(index)}/type`, message: `names no handler: ${submission.type}` });
    }
    if (type?.schema) errors.push(...(await mismatches(type.schema, submission, `${prefix(index)}/payload`)));
  }
  if (errors.length === 0) return undefined;
  const all = [...errors, ...unknownTypes];
  return { kind: unknownTypes.length === 0 ? 'payload-mismatch' : 'unprocessable', detail: summary(all), errors: all };
}

async function mismatches(schema: StandardSchemaV1, { payload }: Submission, at: string): Promise<FieldError[]> {
  // A copy of its own: a schema that changes what it validates changes nothing that is stored.
  const validated = schema['~standard'].validate(JSON.parse(payload));
  const { issues } = validated instanceof Promise ? await validated : validated;
  return (issues ?? []).map(({ message, path }) => ({ path: at + pathOf(path), message }));
}

const pathOf = (path: StandardSchemaV1.Issue['path']): string =>
  pointer(...(path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)));

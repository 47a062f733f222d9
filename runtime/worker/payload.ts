// The payload as a handler gets it: parsed afresh for each attempt, so that one that changes its payload changes nothing
// for the next, and fit for the type's schema as it is today.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonText } from '../../core/job/job.ts';
import { judge } from '../judge.ts';

/** The stored payload does not fit the schema: no retry will make it fit. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
  readonly retryable = false;
}

/** Issues named in the message; the rest is only counted. */
const ISSUES_SHOWN = 5;

/**
 * The schema's output, or the payload itself where there is no schema.
 * @throws {PayloadError} if the payload does not fit; whatever the schema itself throws.
 */
export async function validPayload(schema: StandardSchemaV1 | null, payload: JsonText): Promise<unknown> {
  const value: unknown = JSON.parse(payload);
  if (schema === null) return value;
  const verdict = await judge(schema, value);
  if (verdict.fits) return verdict.value;
  const { issues } = verdict;
  const shown = issues.slice(0, ISSUES_SHOWN).map(describeIssue);
  if (issues.length > ISSUES_SHOWN) shown.push(`and ${issues.length - ISSUES_SHOWN} more`);
  const why = shown.length === 0 ? '' : `: ${shown.join('; ')}`;
  throw new PayloadError(`the payload does not fit the schema of its type${why}`);
}

function describeIssue({ path = [], message }: StandardSchemaV1.Issue): string {
  const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}

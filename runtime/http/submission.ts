// One submission: from JSON text to what the core is asked, or to every error that is in it.
//
// The text is scanned first (json-scan.ts), then parsed, then held against the schema. Where the scan found something
// wrong, only a reduced text is parsed: the known fields, without what is too deep or needlessly long. So all errors of
// a hostile body are listed, and none of its excesses is ever built in memory.

import { Instant, JsonText } from '../../core/job/job.ts';
import type { JobId } from '../../core/job/job.ts';
import type { Start, Submission } from '../../core/queue/command.ts';
import { headerKey } from './idempotency-key.ts';
import type { HeaderKey } from './idempotency-key.ts';
import { FIELDS_RECORDED_MAX, scanObject, skipSpace, skipValue, JsonSyntaxError } from './json-scan.ts';
import type { Field, ObjectScan } from './json-scan.ts';
import { accept, invalid, pointer, refuse } from './problem.ts';
import type { FieldError, Outcome } from './problem.ts';
import { parseInstant } from './rfc3339.ts';
import { PAYLOAD_LEVELS_MAX } from './settings.ts';
import { SUBMISSION_FIELDS, SubmissionSchema } from './submission-schema.ts';
import type { SubmissionFields } from './submission-schema.ts';

/** UTF-16 units of a value in a reduced text: longer than every legal value but a payload. */
const REDUCED_VALUE_MAX = 4_096;

export const NOT_AN_OBJECT = 'must be a JSON object';
export const NO_KEY: HeaderKey = { key: null };

/** A body that holds one submission. `keyLines` are the lines of its Idempotency-Key header. */
export function parseSubmission(
  text: string,
  { keyLines, newJobId }: { readonly keyLines: readonly string[]; readonly newJobId: () => JobId },
): Outcome<Submission> {
  try {
    const start = skipSpace(text, 0);
    const scan = scanObject(text, start, SUBMISSION_FIELDS);
    requireEnd(text, scan?.end ?? skipValue(text, start));
    if (scan === undefined) return refuse(invalid([{ path: '', message: NOT_AN_OBJECT }]));
    const fromHeader = keyLines.length === 0 ? NO_KEY : headerKey(keyLines);
    const read = readSubmission(text, { scan, start, oversize: false, at: '', newJobId, fromHeader });
    return 'errors' in read ? refuse(invalid(read.errors)) : accept(read.submission);
  } catch (error) {
    return refuse(syntaxProblem(error));
  }
}

/** The problem of a text that is not JSON. Rethrows every other error. */
export function syntaxProblem(error: unknown): ReturnType<typeof invalid> {
  if (!(error instanceof JsonSyntaxError)) throw error;
  return invalid([{ path: '', message: `is not JSON: the error is at offset ${error.offset}` }]);
}

export function requireEnd(text: string, at: number): void {
  const end = skipSpace(text, at);
  if (end !== text.length) throw new JsonSyntaxError(end);
}

export type ReadSubmission = { readonly submission: Submission } | { readonly errors: readonly FieldError[] };

/** `start` is where the object begins in the text; `at` is the pointer to it. */
export function readSubmission(
  text: string,
  source: {
    readonly scan: ObjectScan;
    readonly start: number;
    /** The object is over its limit of bytes: its errors are wanted, itself is not. */
    readonly oversize: boolean;
    readonly at: string;
    readonly newJobId: () => JobId;
    readonly fromHeader: HeaderKey;
  },
): ReadSubmission {
  const { scan, start, oversize, at, newJobId, fromHeader } = source;
  const errors = scanErrors(scan, at);
  const whole = errors.length === 0 && !oversize;
  const value: unknown = JSON.parse(whole ? text.slice(start, scan.end) : reducedText(text, scan));
  const result = SubmissionSchema.safeParse(value);
  if (!result.success) errors.push(...schemaErrors(result.error.issues, errors, at));
  errors.push(...pairErrors(value, fromHeader, at));
  if (result.success && errors.length === 0) {
    return { submission: toSubmission(result.data, 'key' in fromHeader ? fromHeader.key : null, newJobId) };
  }
  return { errors };
}

/** What only the text shows. */
function scanErrors({ fields, fieldCount }: ObjectScan, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const { name, tooDeep, outOfRange } of fields) {
    if (!SUBMISSION_FIELDS.has(name)) errors.push(fieldError(at, name, 'is not a field of a job'));
    else if (seen.has(name)) errors.push(fieldError(at, name, 'is given twice'));
    if (tooDeep) errors.push(fieldError(at, name, `is nested deeper than ${PAYLOAD_LEVELS_MAX} levels`));
    if (outOfRange) errors.push(fieldError(at, name, 'has a number beyond the range of IEEE doubles'));
    seen.add(name);
  }
  if (fieldCount > FIELDS_RECORDED_MAX) errors.push({ path: at, message: `has ${fieldCount} fields` });
  return errors;
}

const fieldError = (at: string, name: string, message: string): FieldError => ({ path: at + pointer(name), message });

function reducedText(text: string, { fields }: ObjectScan): string {
  const members = fields
    .filter((field) => SUBMISSION_FIELDS.has(field.name))
    .map((field) => `${JSON.stringify(field.name)}:${reducedValue(text, field)}`);
  return `{${members.join(',')}}`;
}

/** An empty array stands for a long value: it is as wrong in every field but the payload, where anything is right. */
function reducedValue(text: string, { start, end, tooDeep }: Field): string {
  if (tooDeep) return 'null';
  return end - start > REDUCED_VALUE_MAX ? '[]' : text.slice(start, end);
}

type SchemaIssue = { readonly code?: string; readonly path: readonly PropertyKey[]; readonly message: string };

/** What the schema says of places that the text alone is not wrong at: a reduced value would be judged in place of it. */
function schemaErrors(issues: readonly SchemaIssue[], found: readonly FieldError[], at: string): FieldError[] {
  const seen = new Set(found.map(({ path }) => path));
  const errors: FieldError[] = [];
  for (const { code, path: place, message } of issues) {
    const path = at + pointer(...place.map(String));
    if (code === 'unrecognized_keys' || seen.has(path)) continue;
    seen.add(path);
    errors.push({ path, message });
  }
  return errors;
}

/** Rules that concern two places at once; they are checked even where one of the two is wrong in itself. */
function pairErrors(value: unknown, fromHeader: HeaderKey, at: string): FieldError[] {
  const fields = value as Readonly<Record<keyof SubmissionFields, unknown>>;
  const errors: FieldError[] = [];
  if (isGiven(fields.run_at) && isGiven(fields.delay_ms)) {
    errors.push(fieldError(at, 'delay_ms', 'is not allowed together with run_at'));
  }
  if ('error' in fromHeader) errors.push(fromHeader.error);
  else if (fromHeader.key !== null) {
    if (fromHeader.key.length < 1 || fromHeader.key.length > 255) {
      errors.push(fieldError('', 'idempotency_key', 'must have 1 to 255 UTF-16 units in the header'));
    } else if (isGiven(fields.idempotency_key) && fields.idempotency_key !== fromHeader.key) {
      errors.push(fieldError('', 'idempotency_key', 'differs from the Idempotency-Key header'));
    }
  }
  return errors;
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

function toSubmission(fields: SubmissionFields, keyOfHeader: string | null, newJobId: () => JobId): Submission {
  return {
    id: newJobId(),
    type: fields.type,
    queue: fields.queue ?? 'default',
    payload: JsonText(fields.payload ?? null),
    priority: (fields.priority ?? 0) || 0, // −0 is 0
    maxRetries: fields.max_retries == null ? null : fields.max_retries || 0,
    timeoutMs: fields.timeout_ms ?? null,
    idempotencyKey: fields.idempotency_key ?? keyOfHeader,
    start: startOf(fields),
  };
}

function startOf(fields: SubmissionFields): Start {
  const instant = fields.run_at == null ? undefined : parseInstant(fields.run_at);
  if (instant !== undefined) return { kind: 'at', instant: Instant(instant) };
  const delayMs = fields.delay_ms ?? 0;
  return delayMs === 0 ? { kind: 'now' } : { kind: 'after', delayMs };
}

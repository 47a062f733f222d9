// Every error of the API, in the shape of RFC 9457. What a client is told is written by us: no message of an exception,
// no stack and no path of the machine gets in here.

import { PROBLEM_HEADERS } from './reply.ts';
import { ERRORS_LISTED_MAX } from './settings.ts';

export type ProblemType = { readonly status: number; readonly title: string; readonly retryAfterSeconds?: number };

export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request breaks a rule' },
  unauthorized: { status: 401, title: 'A bearer token is needed' },
  'foreign-origin': { status: 403, title: 'Requests of other sites are refused' },
  'not-found': { status: 404, title: 'There is no such thing here' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'wrong-state': { status: 409, title: 'The state of the job forbids it' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'Only JSON in UTF-8 is taken' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'misdirected-request': { status: 421, title: 'The host is not served here' },
  unprocessable: { status: 422, title: 'The request cannot be carried out' },
  'unknown-type': { status: 422, title: 'No handler runs this type' },
  'key-reused': { status: 422, title: 'The idempotency key belongs to another request' },
  'payload-mismatch': { status: 422, title: "The payload does not fit the type's schema" },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'queue-full': { status: 429, title: 'The queue is full', retryAfterSeconds: 1 },
  'storage-full': { status: 429, title: 'The storage for jobs is full', retryAfterSeconds: 10 },
  internal: { status: 500, title: 'The server failed' },
  overloaded: { status: 503, title: 'Too much is waiting', retryAfterSeconds: 1 },
  unavailable: { status: 503, title: 'Jobs cannot be stored now', retryAfterSeconds: 5 },
} as const satisfies Record<string, ProblemType>;

export type ProblemKind = keyof typeof PROBLEMS;

/** `path` is a JSON Pointer into the body; for a parameter of the URL it is `/` and its name. */
export type FieldError = { readonly path: string; readonly message: string };

export type Problem = {
  readonly kind: ProblemKind;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
};

/** What a parser found: the value, or why there is none. */
export type Outcome<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problem: Problem };

export const accept = <Value>(value: Value): Outcome<Value> => ({ ok: true, value });
export const refuse = (problem: Problem): { readonly ok: false; readonly problem: Problem } => ({ ok: false, problem });

/** One error names itself in the detail; of several the detail tells the number, which may be more than are kept. */
export function invalid(errors: readonly FieldError[], count = errors.length): Problem {
  return { kind: 'invalid-request', detail: summary(errors, count), errors };
}

export function summary(errors: readonly FieldError[], count = errors.length): string {
  const [first] = errors;
  if (first === undefined) return 'The request breaks a rule.';
  const said = `${first.path === '' ? 'The body' : first.path} ${first.message}.`;
  return count === 1 ? said : `${said} There are ${count} errors in all.`;
}

export function problemText(problem: Problem): string {
  const { status, title } = PROBLEMS[problem.kind];
  return JSON.stringify({
    type: `urn:perdure:problem:${problem.kind}`,
    title,
    status,
    detail: problem.detail,
    ...(problem.errors === undefined ? {} : { errors: problem.errors.slice(0, ERRORS_LISTED_MAX) }),
  });
}

export function problemHeaders(problem: Problem): Record<string, string> {
  const type: ProblemType = PROBLEMS[problem.kind];
  const headers: Record<string, string> = { ...PROBLEM_HEADERS, ...problem.headers };
  if (type.retryAfterSeconds !== undefined) headers['retry-after'] = String(type.retryAfterSeconds);
  return headers;
}

export function problemResponse(problem: Problem): Response {
  const { status } = PROBLEMS[problem.kind];
  return new Response(problemText(problem), { status, headers: problemHeaders(problem) });
}

/** A part of a JSON Pointer (RFC 6901). */
export const pointer = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

// What a call of the embedded queue rejects with: the same words as the problems of the HTTP API.

import { PROBLEMS } from '../http/problem.ts';
import type { FieldError, Problem, ProblemKind, ProblemType } from '../http/problem.ts';

/**
 * The queue refused; nothing was changed, unless the message says that the outcome is unknown: then the same
 * idempotency key is safe to submit again.
 */
export class QueueError extends Error {
  override readonly name = 'QueueError';
  /** Why, in one word: `not-found`, `wrong-state`, `queue-full`, `key-reused`, … */
  readonly kind: ProblemKind;
  /** Every field that is wrong; `path` is a JSON Pointer. Empty where no field is to blame. */
  readonly errors: readonly FieldError[];
  /** When it may be worth trying again, in milliseconds; null where it is not. */
  readonly retryAfterMs: number | null;

  constructor({ kind, detail, errors = [] }: Problem) {
    super(detail);
    this.kind = kind;
    this.errors = errors;
    const { retryAfterSeconds }: ProblemType = PROBLEMS[kind];
    this.retryAfterMs = retryAfterSeconds === undefined ? null : retryAfterSeconds * 1_000;
  }
}

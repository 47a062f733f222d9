// Every way in which the queue refuses, as an answer: the one place that maps them.

import { unreachable } from '../../core/job/assert.ts';
import type { Refusal } from '../../core/queue/effect.ts';
import { nearestFirst } from './nearest.ts';
import { PROBLEMS, summary } from './problem.ts';
import type { FieldError, Problem } from './problem.ts';

export type RefusalContext = {
  readonly types: Iterable<string>;
  /** The pointer to a submission in its body: empty for a single one. */
  readonly prefix: (index: number) => string;
};

type Told = { readonly problem: Problem; readonly errors?: readonly FieldError[] };

/** Of several refusals the lowest status is answered, with every error of that status. */
export function refusalProblem(refusals: readonly Refusal[], context: RefusalContext): Problem {
  const told = refusals.map((refusal) => tell(refusal, context));
  const statusOf = ({ problem }: Told): number => PROBLEMS[problem.kind].status;
  const lowest = Math.min(...new Set(told.map(statusOf)));
  const answered = told.filter((each) => statusOf(each) === lowest);
  const [first] = answered;
  if (first === undefined) return { kind: 'internal', detail: 'The queue refused without a reason.' };
  const errors = answered.flatMap(({ errors: told }) => told ?? []);
  if (errors.length === 0) return { ...first.problem, detail: joined(answered.map(({ problem }) => problem.detail)) };
  if (answered.length === 1) return { ...first.problem, errors };
  const sameKind = answered.every(({ problem }) => problem.kind === first.problem.kind);
  if (sameKind && first.problem.kind === 'payload-mismatch')
    return { ...first.problem, detail: summary(errors), errors };
  return {
    kind: sameKind ? first.problem.kind : 'unprocessable',
    detail: `${first.problem.detail} ${summary(errors)}`,
    errors,
  };
}

const NOTHING_STORED = 'Nothing was stored.';

/** Each detail, and what they have in common once, at the end. */
function joined(details: readonly string[]): string {
  const last = details.length - 1;
  return details.map((detail, index) => (index < last ? detail.replace(` ${NOTHING_STORED}`, '') : detail)).join(' ');
}

function tell(refusal: Refusal, { types, prefix }: RefusalContext): Told {
  switch (refusal.reason) {
    case 'not-found':
      return { problem: { kind: 'not-found', detail: 'There is no job of this id.' } };
    case 'wrong-state':
      return { problem: { kind: 'wrong-state', detail: `The job is ${refusal.state}.` } };
    case 'unknown-type':
      return {
        problem: { kind: 'unknown-type', detail: unknownType(refusal.type, types) },
        errors: [{ path: `${prefix(refusal.index)}/type`, message: `names no handler: ${refusal.type}` }],
      };
    case 'payload-mismatch': {
      const errors = refusal.misfits.map(({ path, message }) => ({ path: prefix(refusal.index) + path, message }));
      return { problem: { kind: 'payload-mismatch', detail: summary(errors) }, errors };
    }
    case 'key-reused':
      return {
        problem: {
          kind: 'key-reused',
          detail: `Job ${refusal.jobId} was submitted with this idempotency key and another type, queue or payload.`,
        },
        errors: [
          {
            path: `${prefix(refusal.index)}/idempotency_key`,
            message: `belongs to another request, which made job ${refusal.jobId}`,
          },
        ],
      };
    case 'depth-limit':
      return {
        problem: {
          kind: 'queue-full',
          detail: `${refusal.depth} of at most ${refusal.limit} jobs are pending or running. ${NOTHING_STORED}`,
        },
      };
    case 'bytes-limit':
      return {
        problem: {
          kind: 'storage-full',
          detail: `The stored jobs take ${refusal.bytes} of at most ${refusal.limit} bytes. ${NOTHING_STORED}`,
        },
      };
    case 'lease-lost':
      return { problem: { kind: 'wrong-state', detail: `Attempt ${refusal.attempt} has lost its lease.` } };
    case 'draining':
      return { problem: { kind: 'unavailable', detail: 'The server is shutting down. Nothing was stored.' } };
    case 'overloaded':
      return { problem: { kind: 'overloaded', detail: 'Too many requests wait for the disk. Nothing was stored.' } };
    case 'read-only':
      return { problem: { kind: 'unavailable', detail: 'The disk has no space left. Nothing was stored.' } };
    case 'disk-failed':
      return { problem: { kind: 'unavailable', detail: 'The disk refuses writes. Nothing was stored.' } };
    case 'outcome-unknown':
      return {
        problem: {
          kind: 'unavailable',
          detail:
            'The disk failed while the request was stored: its outcome is unknown. ' +
            'A submission with an idempotency key is safe to send again with the same key.',
        },
      };
    default:
      return unreachable(refusal);
  }
}

export function unknownType(type: string, types: Iterable<string>): string {
  const known = nearestFirst(type, types);
  const list = known.length === 0 ? 'There are no handlers.' : `Known types, nearest first: ${known.join(', ')}.`;
  return `No handler runs the type ${type}. ${list}`;
}

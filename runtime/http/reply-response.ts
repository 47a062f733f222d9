// A reply of the queue that is not a submission's, as an answer.

import type { Reply } from '../../core/queue/effect.ts';
import { problemResponse } from './problem.ts';
import { refusalProblem } from './refusal.ts';

const NOT_A_SUBMISSION = { types: [], prefix: () => '' };

/** `expected` turns the reply that the command asked for into an answer, and leaves every other one. */
export function replyResponse(reply: Reply, expected: (reply: Reply) => Response | undefined): Response {
  if (reply.kind === 'refused') return problemResponse(refusalProblem(reply.refusals, NOT_A_SUBMISSION));
  const response = expected(reply);
  return response ?? problemResponse({ kind: 'internal', detail: 'The queue gave an answer to another question.' });
}

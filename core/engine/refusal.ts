// Refusals that no step has decided: the queue never saw these inputs, or the disk took its answer away.

import type { Input } from '../queue/command.ts';
import type { Effect, Refusal } from '../queue/effect.ts';

type FailureReason = 'outcome-unknown' | 'disk-failed' | 'draining';

export function refusalOfOverload(input: Input): Effect[] {
  return refuse(input, { reason: 'overloaded' });
}

export function refusalOfFailure(inputs: readonly Input[], reason: FailureReason): Effect[] {
  return inputs.flatMap((input) => refuse(input, { reason }));
}

function refuse({ requestId }: Input, refusal: Refusal): Effect[] {
  return requestId === null ? [] : [{ kind: 'reply', requestId, reply: { kind: 'refused', refusals: [refusal] } }];
}

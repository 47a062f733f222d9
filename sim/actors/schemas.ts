// The schemas of a process, as far as the queue hears of them: what does not fit is found outside and handed in with the
// submission. A restart with other settings has tightened them, so that what was accepted before may not fit any more.

import type { ClientCommand, Misfit } from '../../core/queue/command.ts';

/** One payload in so many does not fit a schema that was tightened. */
const MISFITS_IN = 2;

export function judged(command: ClientCommand, schemas: 'as planned' | 'tightened'): ClientCommand {
  if (command.kind !== 'submit' || schemas === 'as planned') return command;
  const misfits = new Map<number, readonly Misfit[]>();
  for (const [index, { payload }] of command.submissions.entries()) {
    if (payload.length % MISFITS_IN === 0) misfits.set(index, [{ path: '/payload', message: 'is of no good length' }]);
  }
  return misfits.size === 0 ? command : { ...command, misfits };
}

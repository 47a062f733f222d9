import type { ClientCommand } from '../../core/queue/command.ts';
import type { Exchange } from '../ledger.ts';
import type { Check } from './check.ts';

/** What a submission takes in memory beside its payload, roughly, in UTF-16 units. */
const SUBMISSION_TEXT = 256;

export const overloadIsReal: Check = {
  name: 'S40',
  sentence: 'a request is refused as one too many only while others wait: what was given up leaves its place free',
  watch({ world, process, fail }) {
    const { waitingTextMax } = world.plan.limits;
    /** The latest request, if it came while nothing was under way and nothing waited. */
    let alone: Exchange | null = null;
    return {
      offered(exchange) {
        const isIdle = process()?.restingTables != null;
        alone = isIdle && textOf(exchange.command) <= waitingTextMax ? exchange : null;
      },
      released(effect, exchange) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'refused' || alone === null || exchange !== alone) return;
        if (effect.reply.refusals.some(({ reason }) => reason === 'overloaded'))
          fail(`${alone.command.kind} of ${alone.client} is refused as one too many, and no other request waits`);
      },
    };
  },
};

const textOf = (command: ClientCommand): number =>
  command.kind === 'submit'
    ? command.submissions.reduce((sum, { payload }) => sum + payload.length + SUBMISSION_TEXT, 0)
    : SUBMISSION_TEXT;

import type { Refusal } from '../../core/queue/effect.ts';
import type { Submission } from '../../core/queue/command.ts';
import type { Check } from './check.ts';

/** What may refuse any request: the queue has not looked at it, or cannot say what it saw. */
const UNSEEN: ReadonlySet<Refusal['reason']> = new Set(['draining', 'overloaded', 'disk-failed', 'outcome-unknown']);

export const replayIsAnswered: Check = {
  name: 'S31',
  sentence: 'a request that comes again is answered as a replay, whatever would refuse it as a new one',
  watch({ model, ledger, fail }) {
    return {
      released(effect, exchange) {
        if (effect.kind !== 'reply' || exchange?.command.kind !== 'submit') return;
        const { submissions } = exchange.command;
        const { reply } = effect;
        if (reply.kind === 'submitted' && reply.outcomes.length !== submissions.length) {
          fail(`${submissions.length} submissions are answered with ${reply.outcomes.length} jobs`);
        }
        if (reply.kind !== 'refused' || reply.refusals.some(({ reason }) => UNSEEN.has(reason))) return;
        // The holder of the key must be older than what this turn decided: a job of the same turn may have come later.
        const isReplay = ({ idempotencyKey, type, queue, payload }: Submission): boolean => {
          const holder = idempotencyKey === null ? undefined : model.keys.get(idempotencyKey);
          const known = holder === undefined ? undefined : model.jobs.get(holder);
          const first = holder === undefined ? undefined : ledger.offers.get(holder)?.submission;
          if (known === undefined || first === undefined || known.submittedSeq > exchange.shownSeq) return false;
          return first.type === type && first.queue === queue && first.payload === payload;
        };
        if (submissions.every(isReplay)) {
          fail(
            `key "${submissions[0]?.idempotencyKey ?? ''}" is refused as ${reply.refusals[0]?.reason ?? ''}, and known`,
          );
        }
      },
    };
  },
};

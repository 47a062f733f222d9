import type { RequestId } from '../../core/queue/command.ts';
import type { Check } from './check.ts';

export const orderlyShutdown: Check = {
  name: 'S35',
  sentence: 'once a shutdown has begun nothing new is accepted, and an orderly exit leaves no attempt running',
  watch({ ledger, fail }) {
    const late = new Set<RequestId>();
    return {
      offered({ requestId }) {
        if (ledger.shutdown === 'begun') late.add(requestId);
      },
      released(effect) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'submitted' || !late.has(effect.requestId)) return;
        fail(`job ${effect.reply.outcomes[0]?.job.id ?? ''} is accepted after the shutdown had begun`);
      },
      recovered(tables) {
        if (ledger.shutdown !== 'done') return;
        for (const { id } of tables.jobsIn('running')) fail(`an orderly exit left job ${id} running`);
      },
    };
  },
};

import type { Check } from './check.ts';

export const anotherPayloadIsRefused: Check = {
  name: 'S5',
  sentence: 'a key that comes again with another request is refused: nobody is answered with a stranger’s job',
  watch({ ledger, fail }) {
    return {
      released(effect, exchange) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'submitted' || exchange?.command.kind !== 'submit') return;
        for (const [index, { job }] of effect.reply.outcomes.entries()) {
          const submission = exchange.command.submissions[index];
          for (const name of ['type', 'queue', 'payload'] as const) {
            const offered = ledger.offers.get(job.id)?.submission[name];
            if (offered !== submission?.[name]) fail(`job ${job.id} is the answer to a request with another ${name}`);
            if (job[name] !== offered) fail(`job ${job.id} is shown with another ${name}`);
          }
        }
      },
    };
  },
};

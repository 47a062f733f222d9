import type { Check } from './check.ts';

export const refusedIsNeverSeen: Check = {
  name: 'S3',
  sentence: 'a submission that was refused is never seen later, unless the refusal said that its outcome is unknown',
  watch({ model, ledger, fail }) {
    return {
      released(effect, exchange) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'refused' || exchange?.command.kind !== 'submit') return;
        if (effect.reply.refusals.some(({ reason }) => reason === 'outcome-unknown')) return;
        for (const { id } of exchange.command.submissions) {
          if (model.known.has(id)) fail(`job ${id} is refused and yet stored`);
        }
      },
      happened({ row }) {
        if (row.kind === 'submitted' && row.jobId !== null && ledger.refused.has(row.jobId)) {
          fail(`job ${row.jobId} appears, though its client was told that it was not accepted`);
        }
      },
    };
  },
};

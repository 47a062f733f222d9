import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

export const succeededHasRun: Check = {
  name: 'S6',
  sentence: 'a succeeded job was run by a handler that returned, and no acknowledged job is missing from the counts',
  watch({ model, ledger, fail }) {
    return {
      happened({ row }) {
        if (row.kind !== 'succeeded' || row.jobId === null || row.attempt === null) return;
        if (!ledger.returned.has(fenceOf(row.jobId, row.attempt))) {
          fail(`job ${row.jobId} succeeded with attempt ${row.attempt}, whose handler did not return`);
        }
      },
      released(effect) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'submitted') return;
        for (const { job } of effect.reply.outcomes) {
          if (!model.known.has(job.id)) fail(`job ${job.id} is acknowledged and in no state`);
        }
      },
    };
  },
};

import type { Check } from './check.ts';

export const acknowledgedIsKept: Check = {
  name: 'S1',
  sentence: 'every acknowledged submission is found after recovery, unless it was forgotten as promised',
  watch({ model, ledger, fail }) {
    return {
      recovered(tables) {
        for (const id of ledger.acknowledged) {
          // A job that the history has forgotten may be gone; one that the history knows may not.
          if (model.known.has(id) && !model.jobs.has(id)) continue;
          const job = tables.job(id);
          if (job === undefined) return fail(`job ${id} was acknowledged and is absent after the recovery`);
          if (job.payload !== ledger.offers.get(id)?.submission.payload)
            fail(`job ${id} came back with another payload`);
        }
      },
    };
  },
};

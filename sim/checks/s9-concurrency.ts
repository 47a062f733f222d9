import type { Check } from './check.ts';

export const concurrency: Check = {
  name: 'S9',
  sentence: 'never more attempts run at once than there are workers, and never more of a type than its limit',
  watch({ model, settings, fail }) {
    return {
      happened({ row, after }) {
        if (row.kind !== 'started' || after === undefined) return;
        const { workerCount, types } = settings();
        if (model.running.size > workerCount) fail(`${model.running.size} attempts run on ${workerCount} workers`);
        const limit = types.get(after.type)?.concurrency;
        if (limit === undefined) return fail(`job ${after.id} starts, and no handler runs its type ${after.type}`);
        if (limit === null) return;
        let running = 0;
        for (const job of model.running.values()) if (job.type === after.type) running += 1;
        if (running > limit) fail(`${running} attempts of ${after.type} run, its limit is ${limit}`);
      },
    };
  },
};

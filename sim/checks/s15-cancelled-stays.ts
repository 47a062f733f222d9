import type { Check } from './check.ts';

export const cancelledStays: Check = {
  name: 'S15',
  sentence: 'after a cancellation was acknowledged, nothing of the job starts until somebody retries it',
  watch({ ledger, fail }) {
    return {
      happened({ row }) {
        if (row.kind === 'started' && row.jobId !== null && ledger.cancelAcknowledged.has(row.jobId)) {
          fail(`job ${row.jobId} starts after its cancellation was acknowledged`);
        }
      },
      released(effect) {
        if (effect.kind === 'start' && ledger.cancelAcknowledged.has(effect.job.id)) {
          fail(`a handler of job ${effect.job.id} starts after its cancellation was acknowledged`);
        }
      },
    };
  },
};

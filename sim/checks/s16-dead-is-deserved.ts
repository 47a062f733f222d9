import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

export const deadIsDeserved: Check = {
  name: 'S16',
  sentence: 'a job is dead exactly when its budget is spent or its error was final',
  watch({ ledger, settings, fail }) {
    return {
      happened({ row, before, after }) {
        if (before === undefined || after === undefined) return;
        const isDead = after.state === 'dead';
        if (row.kind === 'failed' || row.kind === 'expired') {
          const isFinal = row.kind === 'failed' && ledger.threw.get(fenceOf(after.id, after.attempt))?.isFinal === true;
          if (isDead !== (isFinal || after.failures > after.maxRetries)) {
            fail(`job ${after.id} is ${after.state} after failure ${after.failures} of ${after.maxRetries + 1}`);
          }
        }
        if (row.kind === 'crashed' && isDead !== after.crashes >= settings().crashesMax) {
          fail(`job ${after.id} is ${after.state} after crash ${after.crashes} of ${settings().crashesMax}`);
        }
        if (row.kind === 'failed' && !ledger.threw.has(fenceOf(after.id, after.attempt))) {
          fail(`attempt ${after.attempt} of job ${after.id} failed, and its handler never threw`);
        }
      },
    };
  },
};

import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

export const lostLeaseIsTold: Check = {
  name: 'S33',
  sentence: 'a handler whose job was cancelled, or whose lease is over, has its signal aborted, and no other has',
  watch({ fail }) {
    let untold = new Set<string>();
    const settled = (): void => {
      for (const fence of untold) fail(`attempt ${fence} has lost its lease and was not told`);
    };
    return {
      turned: settled,
      happened({ row, before }) {
        if (before?.state !== 'running' || (row.kind !== 'cancelled' && row.kind !== 'expired')) return;
        untold.add(fenceOf(before.id, before.attempt));
      },
      released(effect) {
        if (effect.kind !== 'abort') return;
        const fence = fenceOf(effect.jobId, effect.attempt);
        if (!untold.delete(fence)) fail(`attempt ${fence} is told that it has lost a lease that it has`);
      },
      recovered() {
        // The handlers died with their process.
        untold = new Set();
      },
      ended: settled,
    };
  },
};

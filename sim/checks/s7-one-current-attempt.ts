import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

const ENDS: ReadonlySet<string> = new Set(['succeeded', 'failed', 'expired', 'crashed', 'released']);

export const oneCurrentAttempt: Check = {
  name: 'S7',
  sentence: 'a job has at most one current attempt, and what an older one says changes nothing',
  watch({ ledger, fail }) {
    return {
      happened({ row, before }) {
        if (!ENDS.has(row.kind) || before === undefined) return;
        if (before.state !== 'running' || before.attempt !== row.attempt) {
          fail(
            `${row.kind} of job ${before.id} names attempt ${String(row.attempt)}; it is ${before.state}, attempt ${before.attempt}`,
          );
        }
      },
      released(effect) {
        if (effect.kind !== 'start') return;
        const { id, attempt } = effect.job;
        if (ledger.started.has(fenceOf(id, attempt))) fail(`attempt ${attempt} of job ${id} is started twice`);
      },
    };
  },
};

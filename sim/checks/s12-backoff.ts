import { DEFAULT_BACKOFF } from '../../core/job/retry.ts';
import type { Check } from './check.ts';

export const backoffIsKept: Check = {
  name: 'S12',
  sentence: 'a retry waits between nothing and the ceiling of its backoff; crashed and released jobs wait not at all',
  watch({ settings, fail }) {
    return {
      happened({ row, after }) {
        if (after?.state !== 'pending') return;
        const waitMs = after.runAt - row.at;
        if (row.kind === 'crashed' || row.kind === 'released' || row.kind === 'retried') {
          if (waitMs !== 0) fail(`job ${after.id} waits ${waitMs} ms after it was ${row.kind}`);
        }
        if (row.kind !== 'failed' && row.kind !== 'expired') return;
        const backoff = settings().types.get(after.type)?.backoff ?? DEFAULT_BACKOFF;
        if (typeof backoff === 'function') return;
        const ceilingMs = Math.min(backoff.baseMs * backoff.factor ** (after.failures - 1), backoff.maxMs);
        if (!(waitMs >= 0 && waitMs <= ceilingMs)) {
          fail(`job ${after.id} waits ${waitMs} ms after failure ${after.failures}; the ceiling is ${ceilingMs} ms`);
        }
      },
    };
  },
};

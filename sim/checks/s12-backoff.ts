import { DEFAULT_BACKOFF, RETRY_DELAY_MS_MAX } from '../../core/job/retry.ts';
import type { Check } from './check.ts';

/** Less likely than that is no chance, however many lives are lived. */
const ODDS_MIN = 1e-12;

export const backoffIsKept: Check = {
  name: 'S12',
  sentence: 'a retry waits between nothing and the ceiling of its backoff; crashed and released jobs wait not at all',
  watch({ settings, fail }) {
    /** Chances that so many retries in a row wait not at all, if each wait is drawn from its whole range. */
    let odds = 1;
    return {
      happened({ row, after }) {
        if (after?.state !== 'pending') return;
        const waitMs = after.runAt - row.at;
        if (row.kind === 'crashed' || row.kind === 'released' || row.kind === 'retried') {
          if (waitMs !== 0) fail(`job ${after.id} waits ${waitMs} ms after it was ${row.kind}`);
        }
        if (row.kind !== 'failed' && row.kind !== 'expired') return;
        const backoff = settings().types.get(after.type)?.backoff ?? DEFAULT_BACKOFF;
        if (typeof backoff === 'function') {
          if (!(waitMs >= 0 && waitMs <= RETRY_DELAY_MS_MAX)) fail(`job ${after.id} waits ${waitMs} ms`);
          return;
        }
        const ceilingMs = Math.min(backoff.baseMs * backoff.factor ** (after.failures - 1), backoff.maxMs);
        if (!(waitMs >= 0 && waitMs <= ceilingMs)) {
          fail(`job ${after.id} waits ${waitMs} ms after failure ${after.failures}; the ceiling is ${ceilingMs} ms`);
        }
        odds = waitMs === 0 ? odds / (Math.floor(ceilingMs) + 1) : 1;
        if (odds < ODDS_MIN) fail(`job ${after.id} is tried again at once, as so many before it that it is no chance`);
      },
    };
  },
};

import type { Check } from './check.ts';

/** Faults after which the queue's time is not true time. */
const CLOCK_FAULTS = ['C1', 'C2', 'C3', 'C4', 'C6', 'C8'] as const;

export const neverEarly: Check = {
  name: 'S13',
  sentence: 'a job never starts before its time',
  watch({ world, ledger, fail }) {
    return {
      happened({ row, before, after }) {
        if (row.kind === 'submitted' && after !== undefined) {
          const start = ledger.offers.get(after.id)?.submission.start;
          if (start?.kind === 'after' && after.runAt !== row.at + start.delayMs) {
            fail(`job ${after.id} is due ${after.runAt - row.at} ms after its submission, not ${start.delayMs} ms`);
          }
        }
        if (row.kind !== 'started' || before === undefined) return;
        if (row.at < before.runAt) fail(`job ${before.id} starts ${before.runAt - row.at} ms early`);
        const counts = world.faults.counts();
        if (CLOCK_FAULTS.some((code) => (counts.get(code) ?? 0) > 0)) return;
        // Nobody has moved a clock: then the delay is kept on true time too, across restarts.
        const offer = ledger.offers.get(before.id);
        if (offer?.submission.start.kind !== 'after' || before.attempt > 0 || ledger.retryAsked.has(before.id)) return;
        const waitedMs = world.clock.monotonicMs - offer.monotonicMs;
        if (waitedMs < offer.submission.start.delayMs) {
          fail(`job ${before.id} starts after ${waitedMs} ms, its delay is ${offer.submission.start.delayMs} ms`);
        }
      },
    };
  },
};

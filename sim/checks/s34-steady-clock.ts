import type { Check } from './check.ts';

/** Faults of the process's own clock: then its time is not true time. */
const OWN_CLOCK_FAULTS = ['C3', 'C4'] as const;

export const steadyClock: Check = {
  name: 'S34',
  sentence: 'while a process lives its clock runs as true time does, however the wall clock is set',
  watch({ world, fail }) {
    /** The turn that an event belongs to lies between the end of the one before and its own, in true time. */
    let before = 0;
    let ended = { ms: 0, us: 0 };
    let first: { at: number; fromMs: number; toMs: number } | null = null;
    return {
      turned() {
        before = ended.ms;
        ended = { ms: world.clock.monotonicMs, us: world.clock.nowUs };
      },
      happened({ row }) {
        // What a recovery brings to light was decided by another process.
        if (ended.us !== world.clock.nowUs) return;
        const counts = world.faults.counts();
        if (OWN_CLOCK_FAULTS.some((code) => (counts.get(code) ?? 0) > 0)) return;
        const now = { at: row.at, fromMs: before, toMs: ended.ms };
        first ??= now;
        const passedMs = row.at - first.at;
        const fewestMs = now.fromMs - first.toMs - 1;
        const mostMs = now.toMs - first.fromMs + 1;
        if (passedMs < fewestMs) fail(`the queue counts ${passedMs} ms, and at least ${fewestMs} ms have passed`);
        if (passedMs > mostMs) fail(`the queue counts ${passedMs} ms, and at most ${mostMs} ms have passed`);
      },
      recovered() {
        first = null;
        ended = { ms: world.clock.monotonicMs, us: -1 };
      },
    };
  },
};

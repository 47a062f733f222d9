import type { Check } from './check.ts';

/**
 * Syncs that may follow an event though no other does: a seal, a segment, the reserve, the two of an orderly end, and the
 * two of each of two snapshots, one that was under way and one that became due.
 */
const IDLE_SYNCS_MAX = 9;
/** Wakes that may turn out to be for nothing: so many of a process, and so many for each event and each live job. */
const IDLE_WAKES_MAX = 16;
const IDLE_WAKES_PER_EVENT = 3;
/** Simulated time that is good for one more: the disk is looked at again, old jobs are looked for. */
const IDLE_WAKE_EVERY_US = 500_000;
/** A clock that stands still does not come to what is due, and a timer that fires twice finds nothing the second time. */
const EXCUSES = ['C4', 'C7'] as const;

export const idleIsQuiet: Check = {
  name: 'S39',
  sentence: 'a process with nothing to do writes nothing but a seal, and is not woken again and again',
  watch({ world, model, process, fail }) {
    /** Syncs and failures of this process when the latest event happened, or something had to be tried again. */
    let syncs = 0;
    let failures = 0;
    let wakesSeen = 0;
    let wakesLeft = 0;
    let paidUntilUs = 0;

    const writesNothing = (hasEvents: boolean): void => {
      const disk = process()?.descriptors;
      if (disk === undefined) return;
      if (hasEvents || disk.failures !== failures) ({ syncs, failures } = disk);
      else if (disk.syncs - syncs > IDLE_SYNCS_MAX)
        fail(`${disk.syncs - syncs} syncs since the latest event; ${IDLE_SYNCS_MAX} may be`);
    };

    const isNotWoken = (events: number, effects: number): void => {
      const wakes = process()?.clock.wakes ?? 0;
      const hasWoken = wakes !== wakesSeen;
      wakesSeen = wakes;
      const { nowUs } = world.clock;
      const wakesMax = IDLE_WAKES_MAX + IDLE_WAKES_PER_EVENT * (model.pending.size + model.running.size + events);
      const paid = (nowUs - paidUntilUs) / IDLE_WAKE_EVERY_US;
      wakesLeft = Math.min(wakesLeft + IDLE_WAKES_PER_EVENT * events + paid, wakesMax);
      paidUntilUs = nowUs;
      if (!hasWoken || effects > 0 || EXCUSES.some((code) => world.faults.isOn(code))) return;
      wakesLeft -= 1;
      if (wakesLeft < 0) fail('the process is woken again and again, and nothing is due');
    };

    return {
      recovered() {
        ({ syncs = 0, failures = 0 } = process()?.descriptors ?? {});
        wakesSeen = 0;
        wakesLeft = Number.POSITIVE_INFINITY;
      },
      turned({ rows, effects }) {
        writesNothing(rows.length > 0);
        isNotWoken(rows.length, effects);
      },
    };
  },
};

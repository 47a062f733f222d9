import type { Check } from './check.ts';

/** Simulated time within which a process that was read-only must have noticed that there is room. */
const NOTICE_WITHIN_US = 6_000_000;
/** Faults that excuse it: a sync that says there is no room, one that takes as long, a clock that does not move on. */
const EXCUSES = ['D7', 'D15', 'C4'] as const;

export const roomIsNoticed: Check = {
  name: 'L5',
  sentence: 'once there is room on the disk again, submissions are accepted without a restart',
  watch({ world, ledger, fail }) {
    /** Since when this process has refused for want of room, and there has been room whenever somebody looked. */
    let sinceUs: number | null = null;
    const look = (): void => {
      const isExcused = EXCUSES.some((code) => world.faults.isOn(code));
      if (world.disk.capacityBytes !== Number.POSITIVE_INFINITY || isExcused) sinceUs = null;
    };
    return {
      offered: look,
      turned: look,
      recovered() {
        sinceUs = null;
      },
      happened({ row }) {
        // Both are possible only for one that can write.
        if (row.kind === 'submitted' || row.kind === 'started') sinceUs = null;
      },
      released(effect) {
        look();
        if (effect.kind !== 'reply' || effect.reply.kind !== 'refused') return;
        if (!effect.reply.refusals.some(({ reason }) => reason === 'read-only')) return;
        if (world.disk.capacityBytes !== Number.POSITIVE_INFINITY) return;
        sinceUs ??= world.clock.nowUs;
        // What was decided before everything stood still is told after it.
        const waitedUs = ledger.turnBeganUs - sinceUs;
        if (waitedUs > NOTICE_WITHIN_US)
          fail(`there has been room for ${waitedUs / 1_000} ms, and it refuses for want of it`);
      },
    };
  },
};

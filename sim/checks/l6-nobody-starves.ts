import type { JobId } from '../../core/job/job.ts';
import { SPACE_RETRY_MS } from '../../core/job/limits.ts';
import type { ModelJob } from '../model.ts';
import type { Check } from './check.ts';

/** Simulated time that a job may be passed over. */
const PASSED_OVER_US_MAX = 20_000_000;
/** A process looks for room on its disk now and then only, and starts nothing before. */
const ROOM_NOTICED_US = 2_000 * SPACE_RETRY_MS;
/** Turns that must have passed it over: a process that takes none is no question of fairness. */
const PASSED_OVER_TURNS_MIN = 3;

type Waiting = { readonly sinceUs: number; readonly versionSeq: number; turns: number };

export const nobodyStarves: Check = {
  name: 'L6',
  sentence: 'a job that could start is not passed over while a slot is free',
  watch({ world, model, settings, process, fail }) {
    const waiting = new Map<JobId, Waiting>();
    let seenSeq = 0;
    const shutdowns = (): number => world.faults.counts().get('P11') ?? 0;
    let shutdownsBefore = 0;
    /** Times that the disk has run full, as the turn before knew them, and when it was last known to be. */
    let fillingsBefore = 0;
    let fullUs = Number.NEGATIVE_INFINITY;
    return {
      recovered() {
        shutdownsBefore = shutdowns();
        waiting.clear();
      },
      /** The model is still as the turn before left it, and its clock too, if anything happened in that turn. */
      turned() {
        if (model.lastSeq === seenSeq) return;
        seenSeq = model.lastSeq;
        const { workerCount, types } = settings();
        const fillings = world.faults.counts().get('D11') ?? 0;
        const isFull = world.disk.capacityBytes !== Number.POSITIVE_INFINITY || fillings > fillingsBefore;
        fillingsBefore = fillings;
        if (isFull) fullUs = world.clock.nowUs;
        const isRoomNew = world.clock.nowUs - fullUs <= ROOM_NOTICED_US;
        // Handlers without a lease take up slots until the queue has heard that they ended; S29 holds its account of them.
        const lingering = process()?.load?.abandoned ?? 0;
        if (model.pending.size === 0 || isRoomNew || Math.max(model.running.size, lingering) >= workerCount) {
          return waiting.clear();
        }
        const runningByType = new Map<string, number>();
        let hasSuspect = false;
        for (const job of model.running.values()) {
          runningByType.set(job.type, (runningByType.get(job.type) ?? 0) + 1);
          hasSuspect ||= job.suspect;
        }
        const couldStart = (job: ModelJob): boolean => {
          const type = types.get(job.type);
          if (type === undefined || job.runAt > model.lastAt || model.paused.has(job.queue)) return false;
          if (job.suspect && hasSuspect) return false;
          return type.concurrency === null || (runningByType.get(job.type) ?? 0) < type.concurrency;
        };
        for (const job of model.pending.values()) {
          if (couldStart(job)) passedOver(job);
          else waiting.delete(job.id);
        }
      },
    };

    function passedOver({ id, versionSeq }: ModelJob): void {
      const { nowUs } = world.clock;
      const known = waiting.get(id);
      if (known?.versionSeq !== versionSeq) {
        waiting.set(id, { sinceUs: nowUs, versionSeq, turns: 1 });
        return;
      }
      known.turns += 1;
      const waitedUs = nowUs - known.sinceUs;
      if (known.turns < PASSED_OVER_TURNS_MIN || waitedUs < PASSED_OVER_US_MAX) return;
      // A process that drains starts nothing, however long its end takes.
      if (shutdowns() > shutdownsBefore) return;
      fail(`job ${id} could have started in each of ${known.turns} turns over ${waitedUs / 1_000} ms, and did not`);
    }
  },
};

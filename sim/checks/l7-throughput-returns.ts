import type { JobId } from '../../core/job/job.ts';
import { BURST_CLIENT, BURST_WORK_MS, slotsOf } from '../actors/burst.ts';
import type { Check } from './check.ts';

/** The share of a fault-free life's throughput that must be there again. */
const SHARE_MIN = 0.9;

export const throughputReturns: Check = {
  name: 'L7',
  sentence: 'once all faults are over, a burst of jobs is done as fast as in a life without them, but for a tenth',
  watch({ world, settings, fail }) {
    /** Those of the burst that are not over. */
    const open = new Set<JobId>();
    let jobs = 0;
    let acceptedUs = 0;
    let withinMs = 0;
    return {
      released(effect, exchange) {
        if (exchange?.client !== BURST_CLIENT || effect.kind !== 'reply' || effect.reply.kind !== 'submitted') return;
        for (const { job } of effect.reply.outcomes) open.add(job.id);
        jobs = open.size;
        acceptedUs = world.clock.nowUs;
        let slots = 0;
        for (const count of slotsOf(settings()).values()) slots += count;
        withinMs = (Math.ceil(jobs / slots) * BURST_WORK_MS) / SHARE_MIN;
      },
      happened({ row }) {
        if (jobs === 0) return;
        if (row.kind === 'succeeded' && row.jobId !== null) open.delete(row.jobId);
        const tookMs = (world.clock.nowUs - acceptedUs) / 1_000;
        if (tookMs > withinMs && (open.size > 0 || row.kind === 'succeeded'))
          fail(`${jobs - open.size} of ${jobs} jobs took ${tookMs} ms; all may take ${Math.floor(withinMs)}`);
        if (open.size === 0) jobs = 0;
      },
    };
  },
};

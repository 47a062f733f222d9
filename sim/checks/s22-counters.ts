import { JOB_STATES } from '../../core/job/job.ts';
import type { StateCounts } from '../../core/queue/effect.ts';
import type { Check } from './check.ts';

/** How many past counts are kept: replies come within the turn that they describe. */
const COUNTS_KEPT = 4_096;

export const counters: Check = {
  name: 'S22',
  sentence: 'the counts that the queue keeps are the counts of its jobs',
  watch({ model, fail }) {
    const bySeq = new Map<number, StateCounts>();
    return {
      happened({ row }) {
        bySeq.set(row.seq, { ...model.counts });
        if (bySeq.size <= COUNTS_KEPT) return;
        for (const seq of bySeq.keys()) {
          bySeq.delete(seq);
          break;
        }
      },
      released(effect) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'stats') return;
        const { stats } = effect.reply;
        const counts = bySeq.get(stats.durableSeq);
        if (counts === undefined) return;
        for (const state of JOB_STATES) {
          if (stats.jobs[state] !== counts[state]) {
            fail(
              `stats count ${stats.jobs[state]} ${state} jobs at event ${stats.durableSeq}; there are ${counts[state]}`,
            );
          }
        }
        if (stats.depth !== counts.pending + counts.running) fail(`the depth is ${stats.depth}`);
        for (const [name, groups] of [
          ['type', [...stats.types.values()].map(({ pending }) => pending)],
          ['queue', stats.queues.map(({ pending }) => pending)],
        ] as const) {
          const sum = groups.reduce((total, pending) => total + pending, 0);
          if (sum !== counts.pending) fail(`${sum} jobs are pending by ${name}, ${counts.pending} in all`);
        }
      },
    };
  },
};

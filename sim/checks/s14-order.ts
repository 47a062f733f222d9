import type { ModelJob } from '../model.ts';
import type { Check } from './check.ts';

export const order: Check = {
  name: 'S14',
  sentence: 'of the jobs that may start, the one with the smallest priority, then run_at, then submission starts first',
  watch({ model, settings, fail }) {
    return {
      happened({ row, before }) {
        if (row.kind !== 'started' || before === undefined) return;
        if (model.paused.has(before.queue)) fail(`job ${before.id} starts in the paused queue ${before.queue}`);
        const { types } = settings();
        const runningByType = new Map<string, number>();
        let hasSuspect = false;
        for (const job of model.running.values()) {
          if (job.id === before.id) continue;
          runningByType.set(job.type, (runningByType.get(job.type) ?? 0) + 1);
          hasSuspect ||= job.suspect;
        }
        for (const other of model.pending.values()) {
          if (other.runAt > row.at || !isBefore(other, before)) continue;
          const type = types.get(other.type);
          if (type === undefined || model.paused.has(other.queue) || (other.suspect && hasSuspect)) continue;
          if (type.concurrency !== null && (runningByType.get(other.type) ?? 0) >= type.concurrency) continue;
          fail(`job ${before.id} starts before job ${other.id}, whose turn it is`);
        }
      },
    };
  },
};

function isBefore(a: ModelJob, b: ModelJob): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  if (a.runAt !== b.runAt) return a.runAt < b.runAt;
  return a.submittedSeq < b.submittedSeq;
}

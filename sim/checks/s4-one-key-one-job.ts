import type { JobId } from '../../core/job/job.ts';
import type { Check } from './check.ts';

export const oneKeyOneJob: Check = {
  name: 'S4',
  sentence: 'one idempotency key never names two jobs at a time',
  watch({ model, fail }) {
    const holders = new Map<string, JobId>();
    return {
      happened({ row, before, after }) {
        const key = (after ?? before)?.key;
        if (key === null || key === undefined || row.jobId === null) return;
        const holder = holders.get(key);
        if (row.kind === 'submitted' && holder !== undefined && model.jobs.has(holder)) {
          fail(`key "${key}" names job ${holder}, and now job ${row.jobId} too`);
        }
        if (row.kind === 'submitted') holders.set(key, row.jobId);
      },
      released(effect, exchange) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'submitted' || exchange?.command.kind !== 'submit') return;
        for (const [index, { job, replayed }] of effect.reply.outcomes.entries()) {
          const submission = exchange.command.submissions[index];
          if (submission === undefined) return fail('there are more outcomes than submissions');
          if (job.idempotencyKey !== submission.idempotencyKey) fail(`job ${job.id} is answered under another key`);
          if (replayed && submission.idempotencyKey === null) fail(`job ${job.id} is a replay without a key`);
          if (!replayed && job.id !== submission.id)
            fail(`job ${submission.id} is answered as ${job.id}, not replayed`);
        }
      },
    };
  },
};

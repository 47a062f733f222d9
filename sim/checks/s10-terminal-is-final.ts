import type { Job } from '../../core/job/job.ts';
import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

export const terminalIsFinal: Check = {
  name: 'S10',
  sentence: 'the result of a succeeded job is what its handler returned, and never changes',
  watch({ ledger, fail }) {
    const verify = (job: Job): void => {
      if (job.state !== 'succeeded') return;
      if (job.result !== ledger.returned.get(fenceOf(job.id, job.attempt))) fail(`job ${job.id} shows another result`);
    };
    return {
      released(effect) {
        if (effect.kind !== 'reply') return;
        if (effect.reply.kind === 'job') verify(effect.reply.job);
        if (effect.reply.kind === 'jobs') effect.reply.jobs.forEach(verify);
      },
      recovered(tables) {
        for (const job of tables.jobsIn('succeeded')) verify(job);
      },
    };
  },
};

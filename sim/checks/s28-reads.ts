import type { Job, JobId } from '../../core/job/job.ts';
import type { ModelJob } from '../model.ts';
import type { Check } from './check.ts';

export const reads: Check = {
  name: 'S28',
  sentence: 'a read shows a job as it was at one moment, not older than what was shown before it was asked',
  watch({ model, fail }) {
    const versions = new Map<JobId, ModelJob[]>();

    const verify = (job: Job, shownSeq: number, versionSeq: number | undefined): void => {
      const known = versions.get(job.id);
      if (known === undefined) return fail(`job ${job.id} is shown, and no event tells of it`);
      const floor = known.findLast(({ versionSeq: seq }) => seq <= shownSeq)?.versionSeq ?? 0;
      const fits = known.some(
        (version) =>
          version.versionSeq >= floor &&
          (versionSeq === undefined || version.versionSeq === versionSeq) &&
          version.state === job.state &&
          version.attempt === job.attempt &&
          version.failures === job.failures &&
          version.crashes === job.crashes,
      );
      if (!fits) fail(`job ${job.id} is shown ${job.state}, attempt ${job.attempt}, as it was at no moment it may be`);
    };

    return {
      happened({ after }) {
        if (after === undefined) return;
        const known = versions.get(after.id);
        if (known === undefined) versions.set(after.id, [after]);
        else if (known.at(-1)?.versionSeq !== after.versionSeq) known.push(after);
      },
      released(effect, exchange) {
        if (effect.kind !== 'reply' || exchange === undefined) return;
        const { reply } = effect;
        const { shownSeq } = exchange;
        if (reply.kind === 'job') verify(reply.job, shownSeq, reply.history.at(-1)?.seq);
        if (reply.kind === 'stats' && reply.stats.durableSeq < shownSeq) fail('stats are older than what was shown');
        if (reply.kind === 'events') {
          if (reply.lastSeq < shownSeq) fail('the feed is older than what was shown');
          for (const [index, row] of reply.rows.entries()) {
            if (row.seq <= (reply.rows[index - 1]?.seq ?? 0)) fail(`event ${row.seq} of the feed is out of order`);
          }
        }
        if (reply.kind === 'jobs' && exchange.command.kind === 'list') {
          const { filter, before, limit } = exchange.command;
          if (reply.jobs.length > limit) fail(`a page of ${limit} holds ${reply.jobs.length} jobs`);
          for (const [index, job] of reply.jobs.entries()) {
            verify(job, shownSeq, undefined);
            const bound = reply.jobs[index - 1]?.submittedSeq ?? before ?? Number.POSITIVE_INFINITY;
            if (job.submittedSeq >= bound) fail(`job ${job.id} is out of order in its list`);
            if (filter.state !== undefined && job.state !== filter.state) fail(`job ${job.id} does not fit the filter`);
            if (filter.queue !== undefined && job.queue !== filter.queue) fail(`job ${job.id} does not fit the filter`);
          }
        }
        if (reply.kind === 'refused') {
          for (const refusal of reply.refusals) {
            if (refusal.reason !== 'not-found') continue;
            const job = model.jobs.get(refusal.jobId);
            if (job !== undefined && job.submittedSeq <= shownSeq) fail(`job ${job.id} is there and is not found`);
          }
        }
      },
    };
  },
};

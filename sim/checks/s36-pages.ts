import type { Check } from './check.ts';

export const pages: Check = {
  name: 'S36',
  sentence: 'a list holds every job that fits, and its cursor goes on where the page ends: none is skipped or repeated',
  watch({ model, fail }) {
    let beforeTurnSeq = 0;
    let lastSeq = 0;
    return {
      turned() {
        beforeTurnSeq = lastSeq;
      },
      happened({ row }) {
        lastSeq = row.seq;
      },
      recovered() {
        beforeTurnSeq = lastSeq;
      },
      released(effect, exchange) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'jobs' || exchange?.command.kind !== 'list') return;
        const { jobs, nextBefore } = effect.reply;
        const { filter, before = Number.POSITIVE_INFINITY } = exchange.command;
        const end = jobs.at(-1)?.submittedSeq ?? 0;
        if (nextBefore !== null && nextBefore !== end)
          fail(`the page ends at ${end}, and the next begins at ${nextBefore}`);
        const listed = new Set(jobs.map(({ id }) => id));
        const from = nextBefore ?? 0;
        for (const job of model.jobs.values()) {
          // What this turn has changed may have fitted another filter when the list was made.
          if (job.versionSeq > beforeTurnSeq || job.submittedSeq >= before || job.submittedSeq < from) continue;
          if (filter.state !== undefined && filter.state !== job.state) continue;
          if (filter.type !== undefined && filter.type !== job.type) continue;
          if (filter.queue !== undefined && filter.queue !== job.queue) continue;
          if (!listed.has(job.id)) fail(`job ${job.id} is missing in its list`);
        }
      },
    };
  },
};

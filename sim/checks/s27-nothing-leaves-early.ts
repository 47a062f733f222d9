import type { Check } from './check.ts';

export const nothingLeavesEarly: Check = {
  name: 'S27',
  sentence: 'no effect leaves the process that tells of an event that is not durable',
  watch({ model, fail }) {
    const known = (what: string, seq: number): void => {
      if (seq > model.lastSeq) fail(`${what} tells of event ${seq}; durable are events up to ${model.lastSeq}`);
    };
    return {
      released(effect) {
        if (effect.kind === 'publish') for (const row of effect.rows) known('the feed', row.seq);
        if (effect.kind === 'start') {
          const job = model.jobs.get(effect.job.id);
          if (job === undefined ? !model.known.has(effect.job.id) : job.attempt < effect.job.attempt) {
            fail(`attempt ${effect.job.attempt} of job ${effect.job.id} starts before its record is durable`);
          }
        }
        if (effect.kind !== 'reply') return;
        const { reply } = effect;
        if (reply.kind === 'submitted') for (const { job } of reply.outcomes) known('a receipt', job.submittedSeq);
        if (reply.kind === 'job') known('a job', reply.history.at(-1)?.seq ?? 0);
        if (reply.kind === 'jobs') for (const job of reply.jobs) known('a list', job.submittedSeq);
        if (reply.kind === 'stats') known('stats', reply.stats.durableSeq);
        if (reply.kind === 'events') known('the feed', Math.max(reply.lastSeq, reply.rows.at(-1)?.seq ?? 0));
      },
    };
  },
};

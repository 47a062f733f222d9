import type { Check } from './check.ts';

export const retention: Check = {
  name: 'S20',
  sentence: 'a job is forgotten only when somebody deletes it or its retention is over',
  watch({ ledger, settings, fail }) {
    return {
      happened({ row, before }) {
        if (row.kind !== 'deleted' || before === undefined || ledger.deleteAsked.has(before.id)) return;
        const { retentionMs } = settings();
        const ageMs = before.finishedAt === null ? Number.NaN : row.at - before.finishedAt;
        if (retentionMs === 0 || !(ageMs >= retentionMs)) {
          fail(`job ${before.id} (${before.state}) is forgotten at the age of ${ageMs} ms; kept are ${retentionMs} ms`);
        }
      },
    };
  },
};

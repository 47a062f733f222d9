import { FEED_ONLY_EVENTS_MAX } from '../../core/job/limits.ts';
import type { JobId } from '../../core/job/job.ts';
import type { EventRow } from '../../core/store/tables.ts';
import type { Check } from './check.ts';

export const feedIsWhole: Check = {
  name: 'S37',
  sentence:
    'the feed goes on right after the event that was asked for: none is skipped, repeated or silently forgotten',
  watch({ model, fail }) {
    const rows: EventRow[] = [];
    const deletedSeq = new Map<JobId, number>();
    const reports = new Map<JobId, number>();
    let beforeTurnSeq = 0;
    return {
      recovered(tables) {
        // A deletion that nobody was told of is known by the tables alone, if the job's events went with it.
        for (const { kind, jobId, seq } of tables.eventsAfter(beforeTurnSeq, Number.MAX_SAFE_INTEGER)) {
          if (kind === 'deleted' && jobId !== null) deletedSeq.set(jobId, seq);
        }
      },
      turned() {
        beforeTurnSeq = model.lastSeq;
      },
      happened({ row }) {
        rows.push(row);
        const { kind, jobId, seq } = row;
        if (jobId === null) return;
        if (kind === 'deleted') deletedSeq.set(jobId, seq);
        if (kind === 'extended' || kind === 'progressed') reports.set(jobId, (reports.get(jobId) ?? 0) + 1);
      },
      released(effect, exchange) {
        if (effect.kind !== 'reply' || effect.reply.kind !== 'events' || exchange?.command.kind !== 'feed') return;
        const { after, limit } = exchange.command;
        const { reply } = effect;
        const first = reply.rows[0]?.seq;
        if (first !== undefined && first <= after) fail(`event ${first} comes again after event ${after}`);
        const end = reply.rows.length >= limit ? (reply.rows.at(-1)?.seq ?? after) : reply.lastSeq;
        const sent = new Set(reply.rows.map(({ seq }) => seq));
        for (const { seq, jobId, kind } of rows) {
          if (seq <= after || seq > end || sent.has(seq)) continue;
          // What happened to a job is forgotten with it, and of an eager handler's reports the oldest.
          if (jobId === null || kind === 'deleted') return fail(`event ${seq} is missing after event ${after}`);
          if ((reports.get(jobId) ?? 0) > FEED_ONLY_EVENTS_MAX) continue;
          const goneSeq = deletedSeq.get(jobId);
          if (goneSeq === undefined) return fail(`event ${seq} is missing after event ${after}`);
          if (goneSeq <= beforeTurnSeq && !reply.gap) fail(`event ${seq} is forgotten, and nobody is told of the gap`);
        }
      },
    };
  },
};

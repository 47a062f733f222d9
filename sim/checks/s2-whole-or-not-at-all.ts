import { JOB_STATES } from '../../core/job/job.ts';
import type { Exchange } from '../ledger.ts';
import type { Check } from './check.ts';

export const wholeOrNotAtAll: Check = {
  name: 'S2',
  sentence: 'a submission is stored whole or not at all, and so is a list of them',
  watch({ model, ledger, fail }) {
    let bulk: Exchange[] = [];
    return {
      offered(exchange) {
        if (exchange.offers.length > 1) bulk.push(exchange);
      },
      recovered(tables) {
        for (const state of JOB_STATES) {
          for (const job of tables.jobsIn(state)) {
            const offer = ledger.offers.get(job.id);
            if (offer === undefined) return fail(`job ${job.id} was never submitted`);
            const { submission, maxRetries, timeoutMs } = offer;
            for (const name of ['type', 'queue', 'payload', 'priority', 'idempotencyKey'] as const) {
              if (job[name] !== submission[name]) fail(`${name} of job ${job.id} is not what was submitted`);
            }
            if (job.maxRetries !== maxRetries || job.timeoutMs !== timeoutMs) {
              fail(`job ${job.id} came back with other retries or another timeout`);
            }
          }
        }
        for (const { offers } of bulk) {
          // A submission with a key may have become a replay of an older job: it tells nothing about the list.
          const fresh = offers.filter(({ submission }) => submission.idempotencyKey === null);
          const stored = fresh.filter(({ submission }) => model.known.has(submission.id)).length;
          if (stored !== 0 && stored !== fresh.length) fail(`${stored} of ${fresh.length} jobs of one list are stored`);
        }
        bulk = [];
      },
    };
  },
};

import type { JobId } from '../../core/job/job.ts';
import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

/** The effect of a handler on a world outside, which cannot be taken back: what a second one must be excused for. */
type Run = {
  readonly attempt: number;
  /** Counts the processes: a crash is the end of the one that ran it. */
  readonly process: number;
  /** What excuses another run; null while nothing does. */
  excuse: string | null;
  /** What is wrong with the excuse; null if it holds. */
  flaw: string | null;
};

export const duplicatesAreExplained: Check = {
  name: 'O6',
  sentence:
    'a handler runs again only after a crash, an expiry, a failure, a give-back or a retry that really happened',
  watch({ ledger, fail }) {
    let process = 0;
    const latest = new Map<JobId, Run>();
    return {
      recovered() {
        process += 1;
      },
      happened({ row, before }) {
        const run = row.jobId === null ? undefined : latest.get(row.jobId);
        if (run === undefined || row.jobId === null || before === undefined) return;
        if (row.kind === 'retried') {
          run.excuse = row.kind;
          run.flaw = ledger.retryAsked.has(row.jobId) ? null : 'nobody asked for it';
        }
        if (row.attempt !== run.attempt) return;
        const fence = fenceOf(row.jobId, run.attempt);
        switch (row.kind) {
          case 'crashed':
            run.excuse = row.kind;
            run.flaw = run.process === process ? 'the process that ran it is alive' : null;
            break;
          case 'expired':
            run.excuse = row.kind;
            run.flaw = before.leaseUntil !== null && row.at >= before.leaseUntil ? null : 'its lease was not over';
            break;
          case 'failed':
            run.excuse = row.kind;
            run.flaw = ledger.threw.has(fence) ? null : 'its handler did not throw';
            break;
          case 'released':
            run.excuse = row.kind;
            run.flaw = ledger.released.has(fence) ? null : 'nobody gave it back';
            break;
          default:
            break;
        }
      },
      released(effect) {
        if (effect.kind !== 'start') return;
        const { id, attempt } = effect.job;
        const before = latest.get(id);
        if (before !== undefined && before.excuse === null) {
          fail(`attempt ${attempt} of job ${id} runs, and nothing has ended attempt ${before.attempt}`);
        }
        if (before !== undefined && before.flaw !== null) {
          const ending = `attempt ${before.attempt} is ${String(before.excuse)}, but ${before.flaw}`;
          fail(`attempt ${attempt} of job ${id} runs: ${ending}`);
        }
        latest.set(id, { attempt, process, excuse: null, flaw: null });
      },
    };
  },
};

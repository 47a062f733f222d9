import type { EventKind } from '../../core/job/event.ts';
import type { Check } from './check.ts';

/** From the contract: where each kind of event may come from, and where it may lead. `none` is a job that is not there. */
export const TRANSITIONS: Readonly<
  Record<Exclude<EventKind, 'paused' | 'resumed'>, readonly [from: string, to: string]>
> = {
  submitted: ['none', 'pending'],
  started: ['pending', 'running'],
  extended: ['running', 'running'],
  progressed: ['running', 'running'],
  succeeded: ['running', 'succeeded'],
  failed: ['running', 'pending dead'],
  expired: ['running', 'pending dead'],
  crashed: ['running', 'pending dead'],
  released: ['running', 'pending'],
  cancelled: ['pending running', 'cancelled'],
  retried: ['dead cancelled', 'pending'],
  deleted: ['succeeded dead cancelled', 'none'],
};

export const legalTransitions: Check = {
  name: 'S11',
  sentence: 'a job changes only along the arrows of its diagram',
  watch({ ledger, fail }) {
    let lastAt = 0;
    return {
      happened({ row, before, after }) {
        if (row.at < lastAt) fail(`event ${row.seq} is stamped ${row.at}, after ${lastAt}`);
        lastAt = row.at;
        if (row.kind === 'paused' || row.kind === 'resumed' || row.jobId === null) return;
        const [from, to] = TRANSITIONS[row.kind];
        const source = before?.state ?? 'none';
        const target = after === undefined ? 'none' : (row.state ?? 'none');
        if (!from.split(' ').includes(source) || !to.split(' ').includes(target)) {
          fail(`${row.kind} took job ${row.jobId} from ${source} to ${target}`);
        }
        if (row.kind === 'cancelled' && !ledger.cancelAsked.has(row.jobId)) fail(`nobody asked to cancel ${row.jobId}`);
        if (row.kind === 'retried' && !ledger.retryAsked.has(row.jobId)) fail(`nobody asked to retry ${row.jobId}`);
      },
    };
  },
};

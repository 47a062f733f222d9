// Planted where a lease is over: who judges that, by which clock, and what is heard from its handler after it.

import { Instant } from '../../core/job/job.ts';
import type { JobId } from '../../core/job/job.ts';
import type { Command, Input, WorkerCommand } from '../../core/queue/command.ts';
import { fenceKey } from '../../core/queue/memory.ts';
import { Timetable } from '../../core/queue/timetable.ts';
import { getter, instead, method } from './instead.ts';
import type { Mutant, Planted } from './mutant.ts';
import { hearing, leasesOf, overhearing, stepping } from './overheard.ts';

/** How long a lapsed attempt is remembered where it is not for good. */
const FENCED_MS = 1_000;

/** How long an attempt has been without its lease, and how many have begun since. */
type Late = { readonly byMs: number; readonly attempts: number };

/** What an older attempt says by such a command counts for the one that runs now. */
function fenceForgotten(kinds: readonly WorkerCommand['kind'][], isTaken: (late: Late) => boolean): Planted {
  const running = new Map<JobId, number>();
  const lapsedAt = new Map<string, Instant>();
  const heardAs = (input: Input, at: Instant): Input => {
    const { command } = input;
    if (!('attempt' in command) || !kinds.includes(command.kind)) return input;
    const attempt = running.get(command.jobId);
    const since = lapsedAt.get(fenceKey(command));
    if (attempt === undefined || since === undefined) return input;
    const late = { byMs: at - since, attempts: attempt - command.attempt };
    return isTaken(late) ? { ...input, command: { ...command, attempt } } : input;
  };
  return {
    instead: instead(
      overhearing((change, after) => {
        const { jobId, at } = change;
        if (change.kind === 'expired') lapsedAt.set(fenceKey({ jobId, attempt: change.attempt }), at);
        if (after?.state === 'running') running.set(jobId, after.attempt);
        else running.delete(jobId);
      }),
      hearing((inputs, at) => inputs.map((input) => heardAs(input, at))),
    ),
  };
}

/** A handler's answer is held against the end of its lease, though nobody has judged that yet. */
function answersTimed(isTooLate: (at: Instant, leaseUntil: Instant) => boolean): Planted {
  const leases = new Map<JobId, { readonly attempt: number; readonly leaseUntil: Instant }>();
  const isLate = ({ command }: Input, at: Instant): boolean => {
    if (!ENDS.has(command.kind) || !('attempt' in command)) return false;
    const lease = leases.get(command.jobId);
    return lease?.attempt === command.attempt && isTooLate(at, lease.leaseUntil);
  };
  return {
    instead: instead(
      leasesOf(leases),
      hearing((inputs, at) => inputs.filter((input) => !isLate(input, at))),
    ),
  };
}

const ENDS: ReadonlySet<Command['kind']> = new Set<WorkerCommand['kind']>(['succeed', 'fail', 'release']);

/** Leases are given by the queue's clock, and the wall clock says when they are over. */
function judgedByTheWall(): Planted {
  let aheadMs = 0;
  return {
    instead: instead(
      stepping((decide, inputs, options) => {
        aheadMs = options.now.wallAheadMs;
        return decide(inputs, options);
      }),
      method(
        Timetable.prototype,
        'expired',
        (real) =>
          function (this: Timetable, at) {
            return real.call(this, Instant(at + aheadMs));
          },
      ),
      getter(Timetable.prototype, 'nextExpiryAt', (real) => (real === null ? null : Instant(real - aheadMs))),
    ),
  };
}

export const LEASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'fence-one-deep',
    sentence: 'only the attempt before the current one is fenced off, and what older ones say counts',
    rule: 'S6',
    others: ['S7', 'S10', 'S12', 'S16', 'S32', 'O1', 'O6'],
    among: ['P15'],
    plant: () => fenceForgotten(['succeed', 'fail'], ({ attempts }) => attempts > 1),
  },
  {
    name: 'fence-forgotten-in-time',
    sentence: 'an attempt that has lost its lease is fenced off for a second, and what it says later counts',
    rule: 'S6',
    others: ['S7', 'S10', 'S12', 'S16', 'S32', 'O1', 'O6'],
    among: ['P15'],
    plant: () => fenceForgotten(['succeed', 'fail', 'extend'], ({ byMs }) => byMs > FENCED_MS),
  },
  {
    name: 'late-failure-counts',
    sentence: 'a handler that fails after its lease is gone makes the attempt fail that runs now',
    rule: 'S16',
    others: ['S7', 'S10', 'S12', 'S32', 'O1', 'O6', 'S30', 'L1'],
    among: ['P15'],
    plant: () => fenceForgotten(['fail'], () => true),
  },
  {
    name: 'late-extension-counts',
    sentence: 'a handler that asks for time after its lease is gone prolongs the attempt that runs now',
    rule: 'S32',
    others: ['S7', 'O1', 'S38', 'L1'],
    among: ['P15'],
    plant: () => fenceForgotten(['extend'], () => true),
  },
  {
    name: 'late-report-counts',
    sentence: 'what a handler reports after its lease is gone is taken for a report of the attempt that runs now',
    rule: 'S32',
    others: ['S7', 'O1'],
    among: ['P15'],
    plant: () => fenceForgotten(['progress'], () => true),
  },
  {
    name: 'answer-held-against-the-clock',
    sentence: 'an answer that comes when its lease is over is not heard, though the lease was never judged',
    rule: 'S32',
    others: ['O1', 'L1'],
    plant: () => answersTimed((at, leaseUntil) => at >= leaseUntil),
  },
  {
    name: 'last-millisecond-is-nobodys',
    sentence: 'a lease is not over in its last millisecond, and an answer is not heard in it',
    rule: 'S32',
    others: ['O1', 'L1'],
    among: ['W4'],
    from: 10n,
    plant: () => answersTimed((at, leaseUntil) => at === leaseUntil),
  },
  {
    name: 'leases-end-by-the-wall',
    sentence: 'leases are given by one clock and judged by the other',
    rule: 'S32',
    others: ['S38', 'L1', 'O1', 'O6'],
    plant: judgedByTheWall,
  },
];

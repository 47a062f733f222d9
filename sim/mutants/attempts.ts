// Planted in what is decided of an attempt: how it starts, how it ends, and what that counts for.

import type { JobChange } from '../../core/job/event.ts';
import { Instant } from '../../core/job/job.ts';
import type { Job, JobId } from '../../core/job/job.ts';
import type { Input } from '../../core/queue/command.ts';
import { Step } from '../../core/queue/step.ts';
import { Timetable } from '../../core/queue/timetable.ts';
import { dressed } from './tables.ts';
import { getter, instead, method } from './instead.ts';
import type { Mutant, Planted } from './mutant.ts';
import { hearing, leasesOf } from './overheard.ts';

/** Another change is decided. */
const deciding = (twist: (change: JobChange, job: Job | undefined, step: Step) => JobChange): Planted => ({
  instead: instead(
    method(
      Step.prototype,
      'happen',
      (real) =>
        function (this: Step, jobId, job, change) {
          return real.call(this, jobId, job, twist(change, job, this));
        },
    ),
  ),
});

/** With a tick, what the handlers whose lease is over have answered waits for the next step, when it is too late. */
function expiryFirst(): Planted {
  const leases = new Map<JobId, { readonly attempt: number; readonly leaseUntil: Instant }>();
  let late: Input[] = [];
  const isOver = ({ command }: Input, at: number): boolean => {
    if (command.kind !== 'succeed' && command.kind !== 'fail' && command.kind !== 'release') return false;
    const lease = leases.get(command.jobId);
    return lease?.attempt === command.attempt && lease.leaseUntil <= at;
  };
  return {
    settings: (settings) => {
      late = [];
      return settings;
    },
    instead: instead(
      leasesOf(leases),
      hearing((inputs, at) => {
        const hasTick = inputs.some(({ command }) => command.kind === 'tick');
        const heard = [...late, ...inputs.filter((input) => !hasTick || !isOver(input, at))];
        late = inputs.filter((input) => !heard.includes(input));
        return heard;
      }),
    ),
  };
}

export const ATTEMPT_MUTANTS: readonly Mutant[] = [
  {
    name: 'backoff-forgotten',
    sentence: 'a failed job is tried again at once',
    rule: 'S12',
    others: [],
    plant: () =>
      deciding((change, _, step) =>
        (change.kind === 'failed' || change.kind === 'expired') && change.next.state === 'pending'
          ? { ...change, next: { ...change.next, runAt: step.at } }
          : change,
      ),
  },
  {
    name: 'crash-backs-off',
    sentence: 'a crashed job waits as a failed one does',
    rule: 'S12',
    others: [],
    plant: () =>
      deciding((change, _, step) =>
        change.kind === 'crashed' && change.next.state === 'pending'
          ? { ...change, next: { ...change.next, runAt: Instant(step.at + 1_000) } }
          : change,
      ),
  },
  {
    name: 'one-retry-too-few',
    sentence: 'the last retry is not given',
    rule: 'S16',
    others: [],
    plant: () =>
      deciding((change, job) =>
        (change.kind === 'failed' || change.kind === 'expired') && (job?.failures ?? 0) + 1 >= (job?.maxRetries ?? 0)
          ? { ...change, next: { state: 'dead' } }
          : change,
      ),
  },
  {
    name: 'final-error-retried',
    sentence: 'an error that is not retryable is retried',
    rule: 'S16',
    others: [],
    plant: () => ({
      input: (input): Input =>
        input.command.kind === 'fail' ? { ...input, command: { ...input.command, retryable: true } } : input,
    }),
  },
  {
    name: 'expiry-gives-back',
    sentence: 'a lease that ran out is given back without counting as a failure',
    rule: 'S32',
    others: ['S12', 'L1', 'L4'],
    plant: () =>
      deciding((change, _, step) =>
        change.kind === 'expired' ? { kind: 'released', attempt: change.attempt, runAt: step.at } : change,
      ),
  },
  {
    name: 'give-back-is-a-failure',
    sentence: 'an attempt given back at a shutdown counts as failed',
    rule: 'S16',
    others: ['S12', 'S32'],
    plant: () => ({
      input: (input): Input => {
        const { command } = input;
        if (command.kind !== 'release') return input;
        const error = { name: 'ShutdownError', message: 'the process shuts down', stack: null };
        return { ...input, command: { ...command, kind: 'fail', error, retryable: true } };
      },
    }),
  },
  {
    name: 'give-back-lost',
    sentence: 'a shutdown does not wait until attempts are given back',
    rule: 'S35',
    others: ['S32', 'L1'],
    plant: () => ({ input: (input) => (input.command.kind === 'release' ? null : input) }),
  },
  {
    name: 'failures-outlive-a-retry',
    sentence: 'a retry by hand does not begin to count anew',
    rule: 'S24',
    others: ['S8', 'S16', 'S28', 'S30'],
    plant: () => ({
      tables: dressed((tables) => ({
        putJob: (job) => {
          const before = tables.job(job.id);
          const isRetried = job.state === 'pending' && (before?.state === 'dead' || before?.state === 'cancelled');
          tables.putJob(isRetried ? { ...job, failures: before.failures, crashes: before.crashes } : job);
        },
      })),
    }),
  },
  {
    name: 'attempts-begin-anew',
    sentence: 'a retry by hand numbers the attempts from one again',
    rule: 'S7',
    others: ['S8', 'S24', 'S28', 'S30'],
    plant: () => ({
      tables: dressed((tables) => ({
        putJob: (job) => {
          const before = tables.job(job.id);
          const isRetried = job.state === 'pending' && (before?.state === 'dead' || before?.state === 'cancelled');
          tables.putJob(isRetried ? { ...job, attempt: 0 } : job);
        },
      })),
    }),
  },
  {
    name: 'failure-counted-twice',
    sentence: 'a failure adds two',
    rule: 'S28',
    others: ['S16', 'S24', 'S8'],
    plant: () => ({
      tables: dressed((tables) => ({
        putJob: (job) => {
          const isFailed = job.failures > (tables.job(job.id)?.failures ?? 0);
          tables.putJob(isFailed ? { ...job, failures: job.failures + 1 } : job);
        },
      })),
    }),
  },
  {
    name: 'crash-counted-twice',
    sentence: 'a crash adds two',
    rule: 'S24',
    others: ['S16', 'S28', 'S8'],
    plant: () => ({
      tables: dressed((tables) => ({
        putJob: (job) => {
          const isCrashed = job.crashes > (tables.job(job.id)?.crashes ?? 0);
          tables.putJob(isCrashed ? { ...job, crashes: job.crashes + 1 } : job);
        },
      })),
    }),
  },
  {
    name: 'poison-never-dies',
    sentence: 'no number of crashes makes a job dead',
    rule: 'S8',
    others: ['S16'],
    plant: () => ({ settings: (settings) => ({ ...settings, crashesMax: Number.MAX_SAFE_INTEGER }) }),
  },
  {
    name: 'suspects-side-by-side',
    sentence: 'jobs that may have taken the process down run at the same time',
    rule: 'S8',
    others: [],
    plant: () => ({ instead: instead(getter(Timetable.prototype, 'suspectsRunning', () => 0)) }),
  },
  {
    name: 'expired-by-a-hair',
    sentence: 'a lease is over one millisecond before its end',
    rule: 'S32',
    others: [],
    plant: () => ({
      instead: instead(
        method(
          Timetable.prototype,
          'expired',
          (real) =>
            function (this: Timetable, at) {
              return real.call(this, Instant(at + 1));
            },
        ),
        getter(Timetable.prototype, 'nextExpiryAt', (real) => (real === null ? null : Instant(real - 1))),
      ),
    }),
  },
  {
    name: 'leases-never-end',
    sentence: 'a handler that hangs keeps its job',
    rule: 'S38',
    others: ['L1'],
    among: ['W6'],
    from: 42n,
    plant: () => ({
      instead: instead(
        method(Timetable.prototype, 'expired', () => () => []),
        getter(Timetable.prototype, 'nextExpiryAt', () => null),
      ),
    }),
  },
  {
    name: 'expiry-before-answers',
    sentence: 'a lease is judged before the answers that came with the tick',
    rule: 'S32',
    others: [],
    plant: expiryFirst,
  },
  {
    name: 'extension-not-kept',
    sentence: 'an extension is answered, and the lease ends as before',
    rule: 'S32',
    others: ['S25', 'S24'],
    plant: () => ({
      instead: instead(
        method(
          Timetable.prototype,
          'note',
          (real) =>
            function (this: Timetable, before, after) {
              const isExtended = before?.state === 'running' && after?.state === 'running';
              if (!isExtended) real.call(this, before, after);
            },
        ),
      ),
    }),
  },
  {
    name: 'abort-of-cancelled-left-out',
    sentence: 'the handler of a cancelled job is not told',
    rule: 'S33',
    others: ['O1'],
    plant: () => ({
      turn: (turn) => ({
        ...turn,
        effects: turn.effects.filter((effect) => effect.kind !== 'abort' || effect.reason !== 'cancelled'),
      }),
    }),
  },
  {
    name: 'abort-of-expired-left-out',
    sentence: 'a handler that has outlived its lease is not told',
    rule: 'S33',
    others: ['O1'],
    plant: () => ({
      turn: (turn) => ({
        ...turn,
        effects: turn.effects.filter((effect) => effect.kind !== 'abort' || effect.reason !== 'timeout'),
      }),
    }),
  },
  {
    name: 'start-lost',
    sentence: 'every other attempt is recorded as started and its handler never called',
    rule: 'S32',
    others: ['L1', 'S38', 'O1'],
    plant: () => {
      let starts = 0;
      return {
        turn: (turn) => ({
          ...turn,
          effects: turn.effects.filter((effect) => {
            if (effect.kind !== 'start') return true;
            starts += 1;
            return starts % 2 === 1;
          }),
        }),
      };
    },
  },
  {
    name: 'one-crash-recovered',
    sentence: 'a start finds one of the attempts that died, and forgets the others',
    rule: 'S22',
    others: ['L1', 'S9', 'S24', 'S28', 'S30'],
    plant: () => ({
      tables: dressed((tables) => ({
        jobsIn: (state) => (state === 'running' ? [...tables.jobsIn(state)].slice(0, 1) : tables.jobsIn(state)),
      })),
    }),
  },
  {
    name: 'result-cut',
    sentence: 'a result is cut at twenty characters',
    rule: 'S10',
    others: [],
    plant: () => ({
      input: (input): Input => {
        const { command } = input;
        if (command.kind !== 'succeed') return input;
        return { ...input, command: { ...command, result: command.result.slice(0, 20) as typeof command.result } };
      },
    }),
  },
  {
    name: 'backoff-believed',
    sentence: 'what the backoff of a user answers is taken as it is',
    rule: 'S12',
    others: ['S30', 'L1', 'O1'],
    plant: () =>
      deciding((change, job, step) => {
        const backoff = step.settings.types.get(job?.type ?? '')?.backoff;
        if ((change.kind !== 'failed' && change.kind !== 'expired') || change.next.state === 'dead') return change;
        if (typeof backoff !== 'function') return change;
        return { ...change, next: { ...change.next, runAt: Instant(step.at + backoff((job?.failures ?? 0) + 1)) } };
      }),
  },
];

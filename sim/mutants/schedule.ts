// Planted in which job is next, when, and how many run.

import { Instant } from '../../core/job/job.ts';
import type { Job } from '../../core/job/job.ts';
import { Census } from '../../core/queue/census.ts';
import { Memory } from '../../core/queue/memory.ts';
import type { TypeSettings } from '../../core/queue/settings.ts';
import type { Tables } from '../../core/store/tables.ts';
import { Timetable } from '../../core/queue/timetable.ts';
import { getter, instead, method } from './instead.ts';
import type { Mutant, Planted } from './mutant.ts';

/** The timetable sees the jobs otherwise than they are. */
const seen = (change: (job: Job) => Job): Planted => ({
  instead: instead(
    method(
      Timetable.prototype,
      'note',
      (real) =>
        function (this: Timetable, before, after) {
          real.call(this, before && change(before), after && change(after));
        },
    ),
  ),
});

/** The tables as they are, but for what a start reads of one state. */
const readAtStart = (tables: Tables, change: (jobs: readonly Job[]) => readonly Job[]): Tables =>
  new Proxy(tables, {
    get(target, name) {
      if (name === 'jobsIn') return (state: Job['state']) => change([...target.jobsIn(state)]);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

/** Slots that are gone, or are there twice, for good. */
function slots(change: (before: Job | undefined, after: Job | undefined) => number): Planted {
  let missing = 0;
  return {
    settings: (settings) => {
      missing = 0;
      return settings;
    },
    instead: instead(
      method(
        Memory.prototype,
        'note',
        (real) =>
          function (this: Memory, before, after) {
            real.call(this, before, after);
            missing += change(before, after);
          },
      ),
      getter(Census.prototype, 'running', (running) => running + missing),
    ),
  };
}

export const SCHEDULE_MUTANTS: readonly Mutant[] = [
  {
    name: 'last-in-first-out',
    sentence: 'of equal jobs the one that was submitted last starts first',
    rule: 'S14',
    others: [],
    plant: () => seen((job) => ({ ...job, submittedSeq: -job.submittedSeq })),
  },
  {
    name: 'largest-priority-first',
    sentence: 'a greater number means a greater priority',
    rule: 'S14',
    others: [],
    plant: () => seen((job) => ({ ...job, priority: -job.priority })),
  },
  {
    name: 'priority-starved',
    sentence: 'priorities are kept within a queue and forgotten between retries: a retry comes last',
    rule: 'S14',
    others: [],
    plant: () => seen((job) => (job.failures > 0 ? { ...job, priority: job.priority + 1_000 } : job)),
  },
  {
    name: 'early-by-a-second',
    sentence: 'a job is due a second before its time',
    rule: 'S13',
    others: [],
    plant: () => seen((job) => ({ ...job, runAt: Instant(job.runAt - 1_000) })),
  },
  {
    name: 'pause-ignored-for-retries',
    sentence: 'a pause holds back new jobs and lets retries through',
    rule: 'S14',
    others: [],
    plant: () => seen((job) => (job.attempt > 0 ? { ...job, queue: `retries of ${job.queue}` } : job)),
  },
  {
    name: 'delayed-forgotten',
    sentence: 'a start does not put the jobs whose time is still to come on the timetable',
    rule: 'L1',
    others: ['S30', 'S14'],
    plant: () => ({
      instead: instead(
        method(Timetable, 'of', (real) => (tables) => {
          const { lastAt } = tables.meta();
          return real.call(
            Timetable,
            readAtStart(tables, (jobs) => jobs.filter(({ runAt }) => runAt <= lastAt)),
          );
        }),
      ),
    }),
  },
  {
    name: 'suspicion-outlives-no-restart',
    sentence: 'a start takes the jobs that have crashed for innocent',
    rule: 'S8',
    others: ['S14'],
    plant: () => ({
      instead: instead(
        method(
          Timetable,
          'of',
          (real) => (tables) =>
            real.call(
              Timetable,
              readAtStart(tables, (jobs) => jobs.map((job) => ({ ...job, suspect: false }))),
            ),
        ),
      ),
    }),
  },
  {
    name: 'timer-late',
    sentence: 'the timer is set ten minutes too late',
    rule: 'L1',
    others: ['L2'],
    plant: () => ({
      turn: (turn) => ({ ...turn, wakeAt: turn.wakeAt === null ? null : Instant(turn.wakeAt + 600_000) }),
    }),
  },
  {
    name: 'timer-only-for-leases',
    sentence: 'no timer is set for jobs whose time is to come',
    rule: 'L1',
    others: [],
    plant: () => ({ instead: instead(getter(Timetable.prototype, 'nextReadyAt', () => null)) }),
  },
  {
    name: 'type-limit-ignored',
    sentence: 'a type runs on all workers, whatever its limit is',
    rule: 'S9',
    others: [],
    plant: () => ({
      settings: (settings) => ({
        ...settings,
        types: new Map(
          [...settings.types].map(([name, type]): [string, TypeSettings] => [name, { ...type, concurrency: null }]),
        ),
      }),
    }),
  },
  {
    name: 'slot-lost-by-a-cancel',
    sentence: 'the slot of a running job that was cancelled stays taken',
    rule: 'L1',
    others: ['S14'],
    plant: () => slots((before, after) => (before?.state === 'running' && after?.state === 'cancelled' ? 1 : 0)),
  },
  {
    name: 'slot-lost-by-an-expiry',
    sentence: 'the slot of a lease that ran out stays taken',
    rule: 'L1',
    others: ['S14'],
    plant: () =>
      slots((before, after) =>
        before?.state === 'running' &&
        after !== undefined &&
        after.failures > before.failures &&
        'leaseUntil' in before &&
        after.lastError?.name === 'TimeoutError'
          ? 1
          : 0,
      ),
  },
  {
    name: 'slot-freed-twice',
    sentence: 'an answer that comes twice frees two slots',
    rule: 'S9',
    others: [],
    among: ['W2'],
    from: 32n,
    plant: () => {
      let ended = new Set<string>();
      let freed = 0;
      return {
        settings: (settings) => {
          ended = new Set();
          freed = 0;
          return settings;
        },
        input: (input) => {
          const { command } = input;
          if (command.kind !== 'succeed') return input;
          const fence = `${command.jobId} ${command.attempt}`;
          if (ended.has(fence)) freed += 1;
          ended.add(fence);
          return input;
        },
        instead: instead(getter(Census.prototype, 'running', (running) => running - freed)),
      };
    },
  },
  {
    name: 'abandoned-for-ever',
    sentence: 'a handler that ends after its lease is still counted as lingering',
    rule: 'L1',
    others: ['S14', 'S29'],
    plant: () => ({
      instead: instead(
        method(
          Memory.prototype,
          'note',
          (real) =>
            function (this: Memory, before, after) {
              this.abandoned.delete = () => false;
              real.call(this, before, after);
            },
        ),
      ),
    }),
  },
  {
    name: 'counts-begin-wrong',
    sentence: 'a start does not count the jobs that were running',
    rule: 'S22',
    others: ['S9', 'S30'],
    plant: () => ({
      instead: instead(
        method(
          Census,
          'of',
          (real) => (tables) =>
            real.call(
              Census,
              readAtStart(tables, (jobs) => jobs.filter(({ state }) => state !== 'running')),
            ),
        ),
      ),
    }),
  },
  {
    name: 'unknown-type-runs',
    sentence: 'the handlers of an earlier process are still taken for there',
    rule: 'S9',
    others: [],
    plant: () => {
      const known = new Map<string, TypeSettings>();
      return {
        settings: (settings) => {
          for (const [name, type] of settings.types) known.set(name, type);
          return { ...settings, types: new Map(known) };
        },
      };
    },
  },
  {
    name: 'settings-of-the-first-start',
    sentence: 'settings are read at the first start and never again',
    rule: 'S9',
    others: ['S16', 'S20', 'S8', 'S32'],
    plant: () => {
      let first: Parameters<NonNullable<Planted['settings']>>[0] | null = null;
      return { settings: (settings) => (first ??= settings) };
    },
  },
];

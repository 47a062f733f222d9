// Planted in what time the queue takes it to be, and what it makes of its timer.

import { Instant } from '../../core/job/job.ts';
import type { Now } from '../../core/queue/command.ts';
import { Step } from '../../core/queue/step.ts';
import { instead, method } from './instead.ts';
import type { Mutant, Planted } from './mutant.ts';
import { stepping } from './overheard.ts';

/** Microseconds as a signed integer of 32 bits counts them: half an hour and a little. */
const WRAP_MS = 2 ** 31 / 1_000;
/** A tick that is later than that is taken for one of another timer. */
const STALE_MS = 1_000;

/** Another time is told to the queue; `began` is what its process was told first. */
function telling(change: (now: Now, began: Instant) => Instant, begin: () => void = () => undefined): Planted {
  let began: Instant | null = null;
  return {
    settings: (settings) => {
      began = null;
      begin();
      return settings;
    },
    instead: instead(
      stepping((decide, inputs, options) => {
        began ??= options.now.at;
        return decide(inputs, { ...options, now: { ...options.now, at: change(options.now, began) } });
      }),
    ),
  };
}

/** A timer that has rung late is given up, and none is set again. */
function timerGivenUp(): Planted {
  let dueAt: Instant | null = null;
  let isGivenUp = false;
  return {
    settings: (settings) => {
      dueAt = null;
      isGivenUp = false;
      return settings;
    },
    instead: instead(
      stepping((decide, inputs, options) => {
        const isStale = dueAt !== null && options.now.at > dueAt + STALE_MS;
        if (isStale && inputs.some(({ command }) => command.kind === 'tick')) isGivenUp = true;
        const decided = decide(inputs, options);
        dueAt = isGivenUp ? null : decided.wakeAt;
        return { ...decided, wakeAt: dueAt };
      }),
    ),
  };
}

export const CLOCK_MUTANTS: readonly Mutant[] = [
  {
    name: 'wall-clock-believed',
    sentence: 'leases and delays run on the wall clock',
    rule: 'S34',
    others: ['S13', 'S32', 'L1', 'S11'],
    plant: () => telling((now) => Instant(now.at + now.wallAheadMs)),
  },
  {
    name: 'clock-wraps',
    sentence: 'the time since the start is counted in microseconds, in 32 bits',
    rule: 'S34',
    others: ['L1', 'L2', 'S38'],
    among: ['P8'],
    from: 5n,
    plant: () => telling((now, began) => Instant(began + ((now.at - began) % WRAP_MS))),
  },
  {
    name: 'timer-given-up',
    sentence: 'a timer that rings much too late is taken for another one, and none is set again',
    rule: 'L1',
    others: ['L2'],
    plant: timerGivenUp,
  },
  {
    name: 'timer-not-set-twice',
    sentence: 'a timer that has rung is not set again for the same instant, though that is still to come',
    rule: 'L1',
    others: ['L2', 'S38'],
    plant: () => {
      let setFor: Instant | null = null;
      let hasRung = false;
      return {
        settings: (settings) => {
          setFor = null;
          hasRung = false;
          return settings;
        },
        input: (input) => {
          hasRung ||= input.command.kind === 'tick';
          return input;
        },
        turn: (turn) => {
          const isKnown = hasRung && turn.wakeAt !== null && turn.wakeAt === setFor;
          setFor = turn.wakeAt;
          if (!isKnown) hasRung = false;
          return isKnown ? { ...turn, wakeAt: null } : turn;
        },
      };
    },
  },
  {
    name: 'starts-at-the-wall',
    sentence: 'a start takes the wall clock for the time, though stored times are later',
    rule: 'S34',
    others: ['L1', 'S13', 'S38', 'O1'],
    among: ['P1', 'C6'],
    from: 0n,
    plant: () => {
      let aheadMs: number | null = null;
      return {
        ...telling(
          (now) => {
            aheadMs ??= Math.min(now.wallAheadMs, 0);
            return Instant(now.at + aheadMs);
          },
          () => (aheadMs = null),
        ),
      };
    },
  },
  {
    name: 'run-at-in-32-bits',
    sentence: 'the time until a job is due is counted in 32 bits',
    rule: 'O1',
    others: ['S13', 'S12'],
    among: ['C8'],
    from: 13n,
    plant: () => ({
      instead: instead(
        method(
          Step.prototype,
          'happen',
          (real) =>
            function (this: Step, jobId, job, change) {
              if (change.kind !== 'submitted') return real.call(this, jobId, job, change);
              return real.call(this, jobId, job, {
                ...change,
                runAt: Instant(this.at + ((change.runAt - this.at) | 0)),
              });
            },
        ),
      ),
    }),
  },
];

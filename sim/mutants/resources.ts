// Planted where something is used up: a start that reads too much, files, timers and requests that are kept, an idle
// process that is not quiet. No answer is wrong, and none is missing.

import { Backlog } from '../../core/engine/backlog.ts';
import { Engine } from '../../core/engine/engine.ts';
import { RESERVE_FILE } from '../../core/store/survey.ts';
import { Instant, earliest } from '../../core/job/job.ts';
import type { RequestId } from '../../core/queue/command.ts';
import { Timetable } from '../../core/queue/timetable.ts';
import { Journal } from '../../core/store/journal.ts';
import { ProcessClock } from '../actors/process-clock.ts';
import { getter, instead, method } from './instead.ts';
import type { Mutant, Planted } from './mutant.ts';
import { stepping } from './overheard.ts';
import { pass, relay, without } from './relay.ts';

/** On a full disk, what is due is tried again behind every turn that did not try it, though there is no room yet. */
function dueTriedAtEachTurn(): Planted {
  let dueAt: Instant | null = null;
  let hasTried = false;
  return {
    instead: instead(
      stepping((decide, inputs, options) => {
        const decided = decide(inputs, options);
        hasTried ||= inputs.some(({ command }) => command.kind === 'tick');
        dueAt = options.isWritable || hasTried ? null : decided.wakeAt;
        return decided;
      }),
    ),
    turn: (turn) => {
      hasTried = false;
      return { ...turn, wakeAt: earliest(turn.wakeAt, dueAt) };
    },
  };
}

/** Once it has been started again, it looks for free slots a second after one became free, and not at once. */
function slotsFilledLater(): Planted {
  let starts = 0;
  let at = 0;
  let isLooking = true;
  let lookAt: Instant | null = null;
  return {
    settings: (settings) => {
      starts += 1;
      lookAt = null;
      return settings;
    },
    turn: (turn) => ({ ...turn, wakeAt: earliest(turn.wakeAt, lookAt) }),
    instead: instead(
      stepping((decide, inputs, options) => {
        ({ at } = options.now);
        isLooking = starts < 2 || (lookAt !== null && at >= lookAt);
        if (isLooking) lookAt = null;
        return decide(inputs, options);
      }),
      method(
        Timetable.prototype,
        'next',
        (real) =>
          function (this: Timetable, isOpen) {
            const next = real.call(this, isOpen);
            if (isLooking || next === undefined) return next;
            lookAt ??= Instant(at + 1_000);
            return undefined;
          },
      ),
    ),
  };
}

export const RESOURCE_MUTANTS: readonly Mutant[] = [
  {
    name: 'reads-from-the-first-again',
    sentence: 'a start that comes to a segment reads all those before it once more',
    rule: 'L3',
    others: [],
    plant: () => ({
      instead: instead(
        method(
          Engine,
          'open',
          (real) =>
            function* (options) {
              const before: string[] = [];
              return yield* relay(real.call(Engine, options), function* (operation) {
                if (operation.kind !== 'read' || !operation.file.endsWith('.log')) return yield* pass(operation);
                for (const file of before) yield { kind: 'read', file };
                before.push(operation.file);
                return yield* pass(operation);
              });
            },
        ),
      ),
    }),
  },
  {
    name: 'segment-left-open',
    sentence: 'a segment that is full is never closed',
    rule: 'S29',
    others: [],
    plant: () => ({
      instead: instead(
        method(
          Journal.prototype,
          'rotate',
          (real) =>
            function* (this: Journal) {
              return yield* without(real.call(this), ({ kind }) => kind === 'close');
            },
        ),
      ),
    }),
  },
  {
    name: 'timer-left-armed',
    sentence: 'after each turn a timer is armed, and the one before is not cancelled',
    rule: 'S29',
    others: ['S39'],
    plant: () => ({
      instead: instead(
        method(
          ProcessClock.prototype,
          'arm',
          (real) =>
            function (this: ProcessClock, ...told) {
              return { ...real.apply(this, told) };
            },
        ),
      ),
    }),
  },
  {
    name: 'broken-request-kept',
    sentence: 'a request whose connection has broken is not answered, and kept for ever',
    rule: 'S29',
    others: ['O1'],
    plant: () => {
      const broken = new Set<RequestId>();
      return {
        reset: (requestId) => broken.add(requestId),
        turn: (turn) => ({
          ...turn,
          effects: turn.effects.filter((effect) => effect.kind !== 'reply' || !broken.has(effect.requestId)),
        }),
      };
    },
  },
  {
    name: 'held-many-times',
    sentence: 'what a full disk holds back is held sixteen times as often after each look for room',
    rule: 'S29',
    others: [],
    among: ['D11', 'W4'],
    plant: () => ({
      instead: instead(
        method(
          Backlog.prototype,
          'giveBack',
          (real) =>
            function (this: Backlog, inputs) {
              real.call(this, Array.from({ length: 16 }, () => inputs).flat());
            },
        ),
      ),
    }),
  },
  {
    name: 'snapshots-given-up',
    sentence: 'a process takes one snapshot and no other',
    rule: 'S29',
    others: [],
    among: ['N10'],
    plant: () => {
      let hasOne = false;
      return {
        settings: (settings) => {
          hasOne = false;
          return settings;
        },
        turn: (turn) => {
          if (turn.snapshot === null || !hasOne) {
            hasOne ||= turn.snapshot !== null;
            return turn;
          }
          return { ...turn, snapshot: null };
        },
      };
    },
  },
  {
    name: 'empty-segment-rotated',
    sentence: 'a segment that holds no record is closed like any other, at each wake',
    rule: 'S39',
    others: ['L4'],
    plant: () => ({ instead: instead(getter(Journal.prototype, 'isEmpty', () => false)) }),
  },
  {
    name: 'woken-in-the-past',
    sentence: 'the instant of the next wake has always passed already',
    rule: 'S39',
    others: ['L4'],
    plant: () => ({ turn: (turn) => (turn.wakeAt === null ? turn : { ...turn, wakeAt: Instant(0) }) }),
  },
  {
    name: 'due-tried-at-each-turn',
    sentence: 'what a full disk has no room for is tried again whenever anybody asks for anything',
    rule: 'S39',
    others: ['L4'],
    among: ['D11'],
    plant: dueTriedAtEachTurn,
  },
  {
    name: 'reserve-kept-at-a-start',
    sentence: 'a start on a full disk does not know of the reserve, and ends',
    rule: 'D11',
    others: [],
    plant: () => ({
      result: ({ kind }, result) =>
        kind === 'list' && Array.isArray(result) ? result.filter(({ file }) => file !== RESERVE_FILE) : result,
    }),
  },
  {
    name: 'slots-filled-later',
    sentence: 'after a restart a slot that becomes free is filled a second later',
    rule: 'L7',
    others: ['L6'],
    plant: slotsFilledLater,
  },
  {
    name: 'slot-lost-at-each-start',
    sentence: 'each start has one worker less than the one before, as long as there is one',
    rule: 'L7',
    others: ['O1', 'S14', 'L1', 'L6'],
    plant: () => {
      let lost = -1;
      return {
        settings: (settings) => {
          lost += 1;
          return { ...settings, workerCount: Math.max(1, settings.workerCount - lost) };
        },
      };
    },
  },
];

// Planted where requests come in: they come in part, cannot be read, or lose their connection while the queue has them.

import { Engine } from '../../core/engine/engine.ts';
import { ENGINE_LIMITS } from '../../core/engine/limits.ts';
import type { EngineLimits } from '../../core/engine/limits.ts';
import type { Command, RequestId } from '../../core/queue/command.ts';
import { instead, method } from './instead.ts';
import type { Mutant, Planted } from './mutant.ts';

const keysOf = (command: Command): readonly string[] =>
  command.kind === 'submit' ? command.submissions.flatMap(({ idempotencyKey }) => idempotencyKey ?? []) : [];

/** A key is held from the head of its request until the rest comes. */
function keysHeld(): Planted {
  let held = new Map<string, number>();
  let refused = new Set<RequestId>();
  const hold = (key: string, by: 1 | -1): number => {
    const count = (held.get(key) ?? 0) + by;
    held.set(key, count);
    return count;
  };
  return {
    settings: (settings) => {
      held = new Map();
      refused = new Set();
      return settings;
    },
    begun: (command) => {
      for (const key of keysOf(command)) hold(key, 1);
    },
    input: (input) => {
      const { requestId, command } = input;
      if (requestId === null) return input;
      const isHeld = keysOf(command).filter((key) => hold(key, -1) > 0).length > 0;
      if (!isHeld) return input;
      refused.add(requestId);
      return { requestId, command: { kind: 'stats' } };
    },
    turn: (turn) => ({
      ...turn,
      effects: turn.effects.map((effect) => {
        if (effect.kind !== 'reply' || !refused.has(effect.requestId)) return effect;
        return { ...effect, reply: { kind: 'refused', refusals: [{ reason: 'depth-limit', depth: 0, limit: 0 }] } };
      }),
    }),
  };
}

/** The place of a request whose connection has broken stays taken until the process ends. */
function placesKept(): Planted {
  let kept = 0;
  const fewer = (limits: EngineLimits): EngineLimits => ({
    ...limits,
    get waitingRequestsMax() {
      return limits.waitingRequestsMax - kept;
    },
  });
  return {
    settings: (settings) => {
      kept = 0;
      return settings;
    },
    reset: () => {
      kept += 1;
    },
    instead: instead(
      method(
        Engine,
        'open',
        (real) =>
          function* (options) {
            return yield* real.call(Engine, { ...options, limits: fewer(options.limits ?? ENGINE_LIMITS) });
          },
      ),
    ),
  };
}

export const INTAKE_MUTANTS: readonly Mutant[] = [
  {
    name: 'key-held-by-its-head',
    sentence: 'the head of a request holds its key until the rest comes, and for ever if it never does',
    rule: 'O1',
    others: ['O2'],
    plant: keysHeld,
  },
  {
    name: 'list-read-as-far-as-it-goes',
    sentence: 'of a list that arrives cut, what can be read is stored, and it is answered as unreadable',
    rule: 'S3',
    others: ['S2', 'O1', 'O2', 'S30'],
    plant: () => ({
      garbled: (command) => {
        if (command.kind !== 'submit' || command.submissions.length < 2) return null;
        return { ...command, submissions: command.submissions.slice(0, -1) };
      },
    }),
  },
  {
    name: 'place-kept-by-the-gone',
    sentence: 'the place of a request whose connection has broken is never given back',
    rule: 'S40',
    others: ['L1', 'L2', 'L7'],
    plant: placesKept,
  },
  {
    name: 'dead-connection-stops-effects',
    sentence: 'an answer to a connection that has broken throws, and the effects behind it are lost',
    rule: 'S32',
    others: ['S33', 'S25', 'S27', 'L1', 'L2', 'S38', 'O1', 'O2', 'O6', 'FEED', 'S28', 'S30', 'S29'],
    plant: () => {
      const dead = new Set<RequestId>();
      return {
        reset: (requestId) => dead.add(requestId),
        turn: (turn) => {
          const first = turn.effects.findIndex((effect) => effect.kind === 'reply' && dead.has(effect.requestId));
          return first === -1 ? turn : { ...turn, effects: turn.effects.slice(0, first + 1) };
        },
      };
    },
  },
];

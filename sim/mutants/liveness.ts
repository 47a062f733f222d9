// Planted where something must go on by itself: no answer is wrong, it only never gets better.

import type { RequestId } from '../../core/queue/command.ts';
import type { Mutant } from './mutant.ts';

export const LIVENESS_MUTANTS: readonly Mutant[] = [
  {
    name: 'read-only-for-ever',
    sentence: 'a process that once had no room takes no submission any more',
    rule: 'L5',
    others: ['O1', 'O2'],
    plant: () => {
      let isReadOnly = false;
      const submits = new Set<RequestId>();
      return {
        // Another process: what was true of the last one is forgotten.
        tables: (factory) => ({
          create: () => ((isReadOnly = false), factory.create()),
          load: (bytes) => factory.load(bytes),
        }),
        input: (input) => {
          if (input.command.kind !== 'submit' || input.requestId === null || !isReadOnly) return input;
          submits.add(input.requestId);
          return { ...input, command: { kind: 'stats' } };
        },
        turn: (turn) => ({
          ...turn,
          effects: turn.effects.map((effect) => {
            if (effect.kind !== 'reply') return effect;
            const { requestId, reply } = effect;
            isReadOnly ||= reply.kind === 'refused' && reply.refusals.some(({ reason }) => reason === 'read-only');
            if (!submits.has(requestId)) return effect;
            return { ...effect, reply: { kind: 'refused', refusals: [{ reason: 'read-only' }] } };
          }),
        }),
      };
    },
  },
  {
    name: 'slot-left-idle',
    sentence: 'one worker is never used',
    rule: 'L6',
    others: ['L1', 'O1', 'S14'],
    plant: () => ({ settings: (settings) => ({ ...settings, workerCount: Math.max(1, settings.workerCount - 1) }) }),
  },
];

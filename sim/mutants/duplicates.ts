// Planted where an attempt ends: a handler runs a second time, and nothing in the world is to blame.

import type { Command, Input } from '../../core/queue/command.ts';
import type { Mutant, Planted } from './mutant.ts';

const instead = (change: (command: Command) => Command): Planted => ({
  input: (input): Input => ({ ...input, command: change(input.command) }),
});

export const DUPLICATE_MUTANTS: readonly Mutant[] = [
  {
    name: 'report-gives-back',
    sentence: 'an attempt that reports its progress is given back, and runs again beside itself',
    rule: 'O6',
    others: ['O1', 'S32'],
    plant: () =>
      instead((command) => {
        if (command.kind !== 'progress') return command;
        return { kind: 'release', jobId: command.jobId, attempt: command.attempt };
      }),
  },
  {
    name: 'living-taken-for-crashed',
    sentence: 'a timer takes what runs for what an earlier process left behind',
    rule: 'O6',
    others: ['O1', 'S32'],
    plant: () => instead((command) => (command.kind === 'tick' ? { kind: 'recover' } : command)),
  },
];

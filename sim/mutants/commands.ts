// Planted between those who ask and the queue.

import type { JobId } from '../../core/job/job.ts';
import type { Command, Input, Submission } from '../../core/queue/command.ts';
import type { Mutant } from './mutant.ts';

/** Every command of one kind becomes another one; null: it is lost. */
const instead =
  <Kind extends Command['kind']>(kind: Kind, change: (command: Extract<Command, { kind: Kind }>) => Command | null) =>
  (input: Input): Input | null => {
    if (input.command.kind !== kind) return input;
    const command = change(input.command as Extract<Command, { kind: Kind }>);
    return command === null ? null : { ...input, command };
  };

const submitting = (change: (submission: Submission) => Submission) =>
  instead('submit', (command) => ({ ...command, submissions: command.submissions.map(change) }));

export const COMMAND_MUTANTS: readonly Mutant[] = [
  {
    name: 'late-answer-counts',
    sentence: 'what an older attempt says counts for the current one',
    rule: 'S6',
    others: ['S7', 'S10', 'S16'],
    plant: () => {
      const latest = new Map<JobId, number>();
      return {
        turn: (turn) => {
          for (const effect of turn.effects) if (effect.kind === 'start') latest.set(effect.job.id, effect.job.attempt);
          return turn;
        },
        input: (input): Input => {
          const { command } = input;
          if (!('attempt' in command)) return input;
          return { ...input, command: { ...command, attempt: latest.get(command.jobId) ?? command.attempt } };
        },
      };
    },
  },
  {
    name: 'tick-ignored',
    sentence: 'the timer fires and nobody listens',
    rule: 'L1',
    others: ['L2'],
    plant: () => ({ input: instead('tick', () => null) }),
  },
  {
    name: 'answer-lost',
    sentence: 'a handler’s answer is dropped on its way to the queue',
    rule: 'L1',
    others: [],
    plant: () => ({ input: instead('succeed', () => null) }),
  },
  {
    name: 'key-dropped',
    sentence: 'a submission loses its idempotency key',
    rule: 'S4',
    others: ['S2', 'S24'],
    plant: () => ({ input: submitting((submission) => ({ ...submission, idempotencyKey: null })) }),
  },
  {
    name: 'delay-shortened',
    sentence: 'a delay is taken for half as long',
    rule: 'S13',
    others: [],
    plant: () => ({
      input: submitting((submission) => {
        const { start } = submission;
        if (start.kind !== 'after') return submission;
        return { ...submission, start: { ...start, delayMs: Math.floor(start.delayMs / 2) } };
      }),
    }),
  },
  {
    name: 'priority-ignored',
    sentence: 'all jobs have one priority',
    rule: 'S14',
    others: ['S2', 'S24'],
    plant: () => ({ input: submitting((submission) => ({ ...submission, priority: 0 })) }),
  },
  {
    name: 'cancel-only-read',
    sentence: 'a cancellation is answered and not done',
    rule: 'S15',
    others: ['O1'],
    plant: () => ({ input: instead('cancel', ({ jobId }) => ({ kind: 'get', jobId })) }),
  },
  {
    name: 'delete-cancels',
    sentence: 'a job that cannot be deleted yet is cancelled',
    rule: 'S11',
    others: ['S20'],
    plant: () => ({ input: instead('delete', ({ jobId }) => ({ kind: 'cancel', jobId })) }),
  },
  {
    name: 'failure-made-final',
    sentence: 'every failure is taken for a final one',
    rule: 'S16',
    others: [],
    plant: () => ({ input: instead('fail', (command) => ({ ...command, retryable: false })) }),
  },
];

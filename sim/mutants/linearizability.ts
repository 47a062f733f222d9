// Planted where each answer is right by itself, and wrong beside the others.

import { isTerminal } from '../../core/job/job.ts';
import type { JobId } from '../../core/job/job.ts';
import type { Command, Input, RequestId } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { Mutant, Planted } from './mutant.ts';

type Swap = {
  /** What the queue is asked instead; null leaves the command alone. */
  readonly ask: (command: Command) => Command | null;
  /** What is answered in place of the reply to what was asked instead. */
  readonly answer: (command: Command, reply: Reply) => Reply;
  /** Every reply is seen by it, before it leaves. */
  readonly watch?: (command: Command, reply: Reply) => void;
};

/** Asks the queue something else and answers as if it had been asked. */
function swapping({ ask, answer, watch = () => undefined }: Swap): Planted {
  const asked = new Map<RequestId, Command>();
  const swapped = new Set<RequestId>();
  return {
    input({ requestId, command }): Input {
      const other = ask(command);
      if (requestId === null) return { requestId, command };
      asked.set(requestId, command);
      if (other !== null) swapped.add(requestId);
      return { requestId, command: other ?? command };
    },
    turn: (turn) => ({
      ...turn,
      effects: turn.effects.map((effect) => {
        const command = effect.kind === 'reply' ? asked.get(effect.requestId) : undefined;
        if (effect.kind !== 'reply' || command === undefined) return effect;
        const reply = swapped.has(effect.requestId) ? answer(command, effect.reply) : effect.reply;
        watch(command, reply);
        return { ...effect, reply };
      }),
    }),
  };
}

const isNotFound = (reply: Reply): boolean =>
  reply.kind === 'refused' && reply.refusals.some(({ reason }) => reason === 'not-found');

export const LINEARIZABILITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'forgotten-still-shown',
    sentence: 'a read of a job that is gone is answered from a cache that nobody cleared',
    rule: 'O2',
    others: ['O1', 'S28'],
    plant: () => {
      const cached = new Map<JobId, Reply>();
      return swapping({
        ask: (command) => (command.kind === 'get' ? { ...command } : null),
        answer: (command, reply) => {
          const known = command.kind === 'get' && isNotFound(reply) ? cached.get(command.jobId) : undefined;
          return known ?? reply;
        },
        watch: (_, reply) => {
          if (reply.kind === 'job') cached.set(reply.job.id, reply);
        },
      });
    },
  },
  {
    name: 'deletion-only-answered',
    sentence: 'a deletion is answered and not done',
    rule: 'O2',
    others: ['O1'],
    plant: () =>
      swapping({
        ask: (command) => (command.kind === 'delete' ? { kind: 'get', jobId: command.jobId } : null),
        answer: (_, reply) => {
          if (reply.kind !== 'job') return reply;
          const { id: jobId, state } = reply.job;
          if (isTerminal(reply.job)) return { kind: 'deleted' };
          return { kind: 'refused', refusals: [{ reason: 'wrong-state', jobId, state }] };
        },
      }),
  },
  {
    name: 'cancellation-refused-untruly',
    sentence: 'a job that runs is said to be over already when somebody wants to cancel it',
    rule: 'O2',
    others: ['O1'],
    plant: () =>
      swapping({
        ask: (command) => (command.kind === 'cancel' ? { kind: 'get', jobId: command.jobId } : null),
        answer: (_, reply) => {
          if (reply.kind !== 'job') return reply;
          const state = isTerminal(reply.job) ? reply.job.state : 'succeeded';
          return { kind: 'refused', refusals: [{ reason: 'wrong-state', jobId: reply.job.id, state }] };
        },
      }),
  },
  {
    name: 'key-answers-two-ids',
    sentence: 'a submission that comes again is answered with an id of its own',
    rule: 'O2',
    others: ['O1', 'S6'],
    plant: () =>
      swapping({
        ask: (command) => (command.kind === 'submit' ? { ...command } : null),
        answer(command, reply) {
          if (command.kind !== 'submit' || reply.kind !== 'submitted') return reply;
          const outcomes = reply.outcomes.map((outcome, index) => {
            const id = command.submissions[index]?.id ?? outcome.job.id;
            return { ...outcome, job: { ...outcome.job, id } };
          });
          return { ...reply, outcomes };
        },
      }),
  },
];

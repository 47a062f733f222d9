// Planted where no promise is broken, and yet something is said or done that the contract does not say.

import { JsonText } from '../../core/job/job.ts';
import type { Effect, QueueView, Refusal, Reply } from '../../core/queue/effect.ts';
import type { Mutant, Planted } from './mutant.ts';

const effects = (change: (effect: Effect) => readonly Effect[]): Planted => ({
  turn: (turn) => ({ ...turn, effects: turn.effects.flatMap(change) }),
});

const replying = <Kind extends Reply['kind']>(
  kind: Kind,
  change: (reply: Extract<Reply, { kind: Kind }>) => Reply,
): Planted =>
  effects((effect) => {
    if (effect.kind !== 'reply' || effect.reply.kind !== kind) return [effect];
    return [{ ...effect, reply: change(effect.reply as Extract<Reply, { kind: Kind }>) }];
  });

const refusing = (change: (refusal: Refusal) => Refusal): Planted =>
  replying('refused', (reply) => ({ ...reply, refusals: reply.refusals.map(change) }));

const waitingLonger = (queue: QueueView): QueueView =>
  queue.oldestPendingMs === null ? queue : { ...queue, oldestPendingMs: queue.oldestPendingMs + queue.pending * 1_000 };

export const REFERENCE_MUTANTS: readonly Mutant[] = [
  {
    name: 'page-cut-short',
    sentence: 'the last job of a page of several is left out',
    rule: 'O1',
    others: ['S36'],
    plant: () =>
      replying('jobs', (reply) => (reply.jobs.length < 2 ? reply : { ...reply, jobs: reply.jobs.slice(0, -1) })),
  },
  {
    name: 'last-page-unsaid',
    sentence: 'a list never says that it goes on',
    rule: 'O1',
    others: ['S36'],
    plant: () => replying('jobs', (reply) => ({ ...reply, nextBefore: null })),
  },
  {
    name: 'history-begins-late',
    sentence: 'the history of a job leaves out that it was submitted',
    rule: 'O1',
    others: [],
    plant: () =>
      replying('job', (reply) => ({ ...reply, history: reply.history.filter(({ kind }) => kind !== 'submitted') })),
  },
  {
    name: 'receipt-out-of-date',
    sentence: 'a replay is answered with the job as it was submitted, not as it is',
    rule: 'O1',
    others: ['O2'],
    plant: () =>
      replying('submitted', (reply) => ({
        ...reply,
        outcomes: reply.outcomes.map(({ job, replayed }) => ({
          job: replayed && job.state !== 'running' ? { ...job, attempt: 0 } : job,
          replayed,
        })),
      })),
  },
  {
    name: 'state-untrue',
    sentence: 'a refusal says that the job is pending, whatever it is',
    rule: 'O1',
    others: ['O2'],
    plant: () => refusing((refusal) => (refusal.reason === 'wrong-state' ? { ...refusal, state: 'pending' } : refusal)),
  },
  {
    name: 'limit-reached-early',
    sentence: 'one job fewer is taken than may wait',
    rule: 'O1',
    others: [],
    plant: () => ({ settings: (settings) => ({ ...settings, depthLimit: settings.depthLimit - 1 }) }),
  },
  {
    name: 'worker-left-idle',
    sentence: 'one of several workers gets nothing to do',
    rule: 'O1',
    others: ['L6'],
    plant: () => ({ settings: (settings) => ({ ...settings, workerCount: Math.max(1, settings.workerCount - 1) }) }),
  },
  {
    name: 'handler-gets-nothing',
    sentence: 'a handler is called without the payload on every attempt but the first',
    rule: 'O1',
    others: [],
    plant: () =>
      effects((effect) => {
        if (effect.kind !== 'start' || effect.job.attempt === 1) return [effect];
        return [{ ...effect, job: { ...effect.job, payload: JsonText(null) } }];
      }),
  },
  {
    name: 'abort-lost',
    sentence: 'a handler is never told that its lease is gone',
    rule: 'O1',
    others: ['S33'],
    plant: () => effects((effect) => (effect.kind === 'abort' ? [] : [effect])),
  },
  {
    name: 'wait-overstated',
    sentence: 'the age of the oldest pending job grows with the length of its queue',
    rule: 'O1',
    others: [],
    plant: () => replying('queues', (reply) => ({ ...reply, queues: reply.queues.map(waitingLonger) })),
  },
];

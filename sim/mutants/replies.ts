// Planted between the queue and those who are told.

import type { JobId } from '../../core/job/job.ts';
import type { Turn } from '../../core/engine/engine.ts';
import type { Effect, Reply } from '../../core/queue/effect.ts';
import type { Mutant } from './mutant.ts';

const effects =
  (change: (effect: Effect) => readonly Effect[]) =>
  (turn: Turn): Turn => ({
    ...turn,
    effects: turn.effects.flatMap(change),
  });

const replying = (change: (reply: Reply) => Reply) =>
  effects((effect) => [effect.kind === 'reply' ? { ...effect, reply: change(effect.reply) } : effect]);

export const REPLY_MUTANTS: readonly Mutant[] = [
  {
    name: 'start-repeated',
    sentence: 'a handler is started twice for one attempt',
    rule: 'S7',
    others: [],
    plant: () => ({ turn: effects((effect) => (effect.kind === 'start' ? [effect, effect] : [effect])) }),
  },
  {
    name: 'refusal-untrue',
    sentence: 'a submission that was stored is answered as refused',
    rule: 'S3',
    others: [],
    plant: () => ({
      turn: replying((reply) =>
        reply.kind === 'submitted' ? { kind: 'refused', refusals: [{ reason: 'overloaded' }] } : reply,
      ),
    }),
  },
  {
    name: 'stats-miscounted',
    sentence: 'the counts are off by one',
    rule: 'S22',
    others: [],
    plant: () => ({
      turn: replying((reply) => {
        if (reply.kind !== 'stats') return reply;
        const { jobs } = reply.stats;
        return { ...reply, stats: { ...reply.stats, jobs: { ...jobs, pending: jobs.pending + 1 } } };
      }),
    }),
  },
  {
    name: 'told-too-early',
    sentence: 'a reply tells of an event that is still to be written',
    rule: 'S27',
    others: ['S22'],
    plant: () => ({
      turn: replying((reply) => {
        if (reply.kind !== 'stats') return reply;
        return { ...reply, stats: { ...reply.stats, durableSeq: reply.stats.durableSeq + 1 } };
      }),
    }),
  },
  {
    name: 'stale-read',
    sentence: 'a job is shown as it was when it was first asked for',
    rule: 'S28',
    others: [],
    plant: () => {
      const first = new Map<JobId, Reply>();
      return {
        turn: replying((reply) => {
          if (reply.kind !== 'job') return reply;
          const known = first.get(reply.job.id);
          if (known === undefined) first.set(reply.job.id, reply);
          return known ?? reply;
        }),
      };
    },
  },
];

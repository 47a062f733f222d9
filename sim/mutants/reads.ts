// Planted in what readers are shown.

import type { Reply } from '../../core/queue/effect.ts';
import type { Turn } from '../../core/engine/engine.ts';
import type { Command, Input } from '../../core/queue/command.ts';
import type { Mutant } from './mutant.ts';

const replying =
  (change: (reply: Reply) => Reply) =>
  (turn: Turn): Turn => ({
    ...turn,
    effects: turn.effects.map((effect) =>
      effect.kind === 'reply' ? { ...effect, reply: change(effect.reply) } : effect,
    ),
  });

const asked =
  (change: (command: Command) => Command) =>
  (input: Input): Input => ({ ...input, command: change(input.command) });

export const READ_MUTANTS: readonly Mutant[] = [
  {
    name: 'cursor-skips',
    sentence: 'the next page begins one job too far',
    rule: 'S36',
    others: [],
    plant: () => ({
      turn: replying((reply) =>
        reply.kind === 'jobs' && reply.nextBefore !== null ? { ...reply, nextBefore: reply.nextBefore - 1 } : reply,
      ),
    }),
  },
  {
    name: 'cursor-repeats',
    sentence: 'the next page begins with the last job of this one',
    rule: 'S36',
    others: [],
    plant: () => ({
      turn: replying((reply) =>
        reply.kind === 'jobs' && reply.nextBefore !== null ? { ...reply, nextBefore: reply.nextBefore + 1 } : reply,
      ),
    }),
  },
  {
    name: 'page-without-its-first',
    sentence: 'the newest job is left out of its list',
    rule: 'S36',
    others: ['S28'],
    plant: () => ({
      turn: replying((reply) => (reply.kind === 'jobs' ? { ...reply, jobs: reply.jobs.slice(1) } : reply)),
    }),
  },
  {
    name: 'filter-ignored',
    sentence: 'a list of one state holds the jobs of all',
    rule: 'S28',
    others: ['S36'],
    plant: () => ({
      input: asked((command) => (command.kind === 'list' ? { ...command, filter: {} } : command)),
    }),
  },
  {
    name: 'feed-skips',
    sentence: 'the feed goes on one event after the next one',
    rule: 'S37',
    others: [],
    plant: () => ({
      input: asked((command) => (command.kind === 'feed' ? { ...command, after: command.after + 1 } : command)),
    }),
  },
  {
    name: 'feed-repeats',
    sentence: 'the feed goes on with the event that was seen last',
    rule: 'S37',
    others: [],
    plant: () => ({
      input: asked((command) =>
        command.kind === 'feed' ? { ...command, after: Math.max(command.after - 1, 0) } : command,
      ),
    }),
  },
  {
    name: 'gap-hidden',
    sentence: 'nobody is told that events between have been forgotten',
    rule: 'S37',
    others: [],
    plant: () => ({ turn: replying((reply) => (reply.kind === 'events' ? { ...reply, gap: false } : reply)) }),
  },
  {
    name: 'feed-begins-at-the-end',
    sentence: 'a reader that comes back is told only what happens from then on',
    rule: 'FEED',
    others: ['S37', 'O1'],
    plant: () => ({
      input: asked((command) =>
        command.kind === 'feed' && command.after > 0 ? { ...command, after: Number.MAX_SAFE_INTEGER } : command,
      ),
    }),
  },
];

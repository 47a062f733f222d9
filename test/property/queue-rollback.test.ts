// A step that is rolled back leaves no trace: not in the tables, and not in what memory coordinates.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonText } from '../../core/job/job.ts';
import type { JobId } from '../../core/job/job.ts';
import type { Command } from '../../core/queue/command.ts';
import { Queue } from '../../core/queue/queue.ts';
import { SETTINGS, TestQueue, submission } from '../support/queue.ts';

const settings = { ...SETTINGS, retentionMs: 50, workerCount: 3 };

type Move = { readonly kind: string; readonly pick: number; readonly skipMs: number; readonly isRefused: boolean };

const moves = fc.array(
  fc.record<Move>({
    kind: fc.constantFrom(
      'submit',
      'succeed',
      'fail',
      'cancel',
      'retry',
      'delete',
      'pause',
      'resume',
      'tick',
      'extend',
    ),
    pick: fc.nat(7),
    skipMs: fc.constantFrom(0, 1, 100, 40_000),
    isRefused: fc.boolean(),
  }),
  { maxLength: 40 },
);

it('a queue after rolled-back steps behaves as one that never took them', () => {
  fc.assert(
    fc.property(moves, (steps) => {
      const queue = new TestQueue(settings);
      const ids: JobId[] = [];
      for (const move of steps) {
        queue.at += move.skipMs;
        const command = commandOf(move, queue, ids);
        if (command === undefined) continue;
        queue.decide([command], { isWritable: true });
        if (move.isRefused) queue.queue.rollback();
        else queue.queue.commit();
      }
      const rebuilt = new TestQueue(settings, queue.tables);
      rebuilt.at = queue.at;
      expect(read(queue)).toEqual(read(rebuilt));
      // Abandoned handlers are known to the old queue alone; without them both start the same jobs.
      expect(queue.queue.running).toBe(new Queue({ tables: queue.tables, settings }).running);
    }),
    { numRuns: 300 },
  );
});

function read(queue: TestQueue): unknown {
  const stats = queue.ask({ kind: 'stats' });
  return stats.kind === 'stats' ? { ...stats.stats, abandoned: 0, durableSeq: 0 } : stats;
}

function commandOf({ kind, pick }: Move, queue: TestQueue, ids: JobId[]): Command | undefined {
  if (kind === 'tick') return { kind };
  if (kind === 'pause' || kind === 'resume') return { kind, queue: 'default' };
  if (kind === 'submit') {
    const one = submission({
      type: pick % 2 === 0 ? 'email' : 'resize',
      start: { kind: 'after', delayMs: pick * 10 },
      idempotencyKey: pick < 2 ? `key-${pick}` : null,
    });
    ids.push(one.id);
    return { kind, submissions: [one] };
  }
  const jobId = ids[pick % Math.max(ids.length, 1)];
  const job = jobId === undefined ? undefined : queue.tables.job(jobId);
  if (job === undefined) return undefined;
  const fence = { jobId: job.id, attempt: job.attempt };
  if (kind === 'succeed') return { kind, ...fence, result: JsonText(pick) };
  if (kind === 'extend') return { kind, ...fence, extendMs: pick * 1_000 };
  if (kind === 'fail') {
    return { kind, ...fence, error: { name: 'E', message: 'no', stack: null }, retryable: pick > 1 };
  }
  return { kind: kind as 'cancel' | 'retry' | 'delete', jobId: job.id };
}

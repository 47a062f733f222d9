// A step that is rolled back leaves no trace: not in the tables, and not in what memory coordinates.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonText } from '../../core/job/job.ts';
import type { JobId } from '../../core/job/job.ts';
import type { Command } from '../../core/queue/command.ts';
import { SETTINGS, TestQueue, started, submission } from '../support/queue.ts';

/** More than any run of moves can start. */
const ATTEMPTS = Array.from({ length: 41 }, (_, index) => index + 1);

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
      // Abandoned handlers are known to this queue alone, and would hold its starts back.
      queue.step(...ids.flatMap((jobId) => ATTEMPTS.map((attempt) => ({ kind: 'ended', jobId, attempt }) as const)));
      const rebuilt = new TestQueue(settings, queue.tables);
      rebuilt.at = queue.at;
      expect(read(queue)).toEqual(read(rebuilt));
    }),
    { numRuns: 300 },
  );
});

/** What the queue would say and start next; the step is rolled back, so that the tables stay as they are. */
function read(queue: TestQueue): unknown {
  const next = queue.decide([{ kind: 'stats' }], { isWritable: true });
  queue.queue.rollback();
  const stats = next.effects.map((effect) => (effect.kind === 'reply' ? effect.reply : null));
  const plain = (key: string, value: unknown) =>
    key === 'abandoned' ? 0 : value instanceof Map ? [...value].sort() : value;
  return JSON.parse(JSON.stringify({ stats, starts: started(next) }, plain));
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

// Checked by the compiler alone: a queue under test takes what the queue of production takes, and nothing else.

import { z } from 'zod';
import { defineHandler, defineHandlers } from '../../runtime/embed/index.ts';
import type { JobView, Queue, QueueCalls } from '../../runtime/embed/index.ts';
import { createTestQueue } from '../../runtime/testing/index.ts';
import type { Run, TestQueue } from '../../runtime/testing/index.ts';

const handlers = defineHandlers({
  greet: async (payload: { name: string }, context) => `${payload.name} ${context.attempt}`,
  schema: defineHandler({
    schema: z.object({ width: z.int().default(640) }),
    handler: ({ width }) => width,
  }),
});

export async function compiles(): Promise<void> {
  const queue: TestQueue<typeof handlers> = await createTestQueue({ handlers, now: new Date(0), maxCrashes: 5 });
  const { job } = await queue.submit('greet', { name: 'Ada' }, { priority: 1 });
  await queue.submit('schema', {});
  queue.crashNext('greet', { moment: 'before-handler', times: 2, powerLoss: true });
  await queue.crash({ powerLoss: true, downMs: 1_000 });
  await queue.drain();
  const runs: readonly Run[] = queue.runs(job.id);
  const view: JobView | null = await queue.get(job.id);
  if (view?.state === runs[0]?.end) await queue.sleep(1, { signal: new AbortController().signal });
}

/** What is handed a queue takes that of production and one under test. */
export const signUp = (queue: QueueCalls<typeof handlers>): unknown => queue.submit('greet', { name: 'Ada' });
export const handed = (production: Queue<typeof handlers>, tested: TestQueue<typeof handlers>): unknown => [
  signUp(production),
  signUp(tested),
];

export async function doesNotCompile(queue: TestQueue<typeof handlers>): Promise<void> {
  // @ts-expect-error no such type
  await queue.submit('grete', { name: 'Ada' });
  // @ts-expect-error a payload that its handler does not take
  await queue.submit('greet', { name: 7 });
  // @ts-expect-error a payload that its schema does not take
  await queue.submit('schema', { width: 'wide' });
  // @ts-expect-error the payload of another type
  await queue.submitMany([{ type: 'greet', payload: { width: 2 } }]);
  // @ts-expect-error no such type
  queue.crashNext('grete');
  // @ts-expect-error no such moment
  queue.crashNext('greet', { moment: 'amid' });
  // @ts-expect-error it has no directory
  await createTestQueue({ handlers, directory: './data' });
}

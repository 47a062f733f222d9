// Checked by the compiler alone: a wrong type or payload does not compile.

import { z } from 'zod';
import { defineHandler, defineHandlers } from '../../runtime/embed/index.ts';
import type { Queue } from '../../runtime/embed/index.ts';

const handlers = defineHandlers({
  greet: async (payload: { name: string }, context) => `${payload.name} ${context.attempt}`,
  object: { handler: (payload: { n: number }) => payload.n, concurrency: 2 },
  schema: defineHandler({
    schema: z.object({ width: z.int().default(640) }),
    handler: ({ width }, context) => width.toFixed() + context.id,
  }),
  anything: () => null,
});

export async function compiles(queue: Queue<typeof handlers>): Promise<void> {
  await queue.submit('greet', { name: 'Ada' }, { priority: 1 });
  await queue.submit('object', { n: 1 });
  await queue.submit('schema', {}); // the schema's input: the width has a default
  await queue.submit('anything', ['at', 'all']);
  await queue.submitMany([
    { type: 'greet', payload: { name: 'Ada' } },
    { type: 'object', payload: { n: 2 } },
  ]);
}

export async function doesNotCompile(queue: Queue<typeof handlers>): Promise<void> {
  // @ts-expect-error no such type
  await queue.submit('grete', { name: 'Ada' });
  // @ts-expect-error a payload that its handler does not take
  await queue.submit('greet', { name: 7 });
  // @ts-expect-error a payload that its schema does not take
  await queue.submit('schema', { width: 'wide' });
  // @ts-expect-error no such option
  await queue.submit('greet', { name: 'Ada' }, { maxretries: 3 });
  // @ts-expect-error the payload of another type
  await queue.submitMany([{ type: 'greet', payload: { n: 2 } }]);
}

// @ts-expect-error the handler takes another payload than the schema gives
defineHandler({ schema: z.object({ width: z.int() }), handler: (payload: { width: string }) => payload.width });

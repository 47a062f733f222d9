import { expect, test } from 'vitest';
import { z } from 'zod';
import { DEFAULT_BACKOFF } from '../../../../core/job/retry.ts';
import { defineHandler, defineHandlers } from '../../../../runtime/worker/handler.ts';
import { registerHandlers, settingsOf } from '../../../../runtime/worker/registry.ts';

const handler = (): null => null;

test('a function is a handler with the default settings', () => {
  const registry = registerHandlers({ email: handler });
  expect(registry.get('email')).toEqual({
    handler,
    settings: { concurrency: null, maxRetries: 3, timeoutMs: 30_000, backoff: DEFAULT_BACKOFF },
    schema: null,
  });
});

test('a definition says what differs from the defaults', () => {
  const schema = z.object({ width: z.int() });
  const backoff = (failures: number): number => failures * 10;
  const registry = registerHandlers({
    resize: { handler, concurrency: 2, maxRetries: 0, timeoutMs: 60_000, backoff: { maxMs: 5_000 }, schema },
    'a.b:c-d_E': { handler, backoff },
  });
  expect(registry.get('resize')?.schema).toBe(schema);
  expect(settingsOf(registry)).toEqual(
    new Map([
      [
        'resize',
        { concurrency: 2, maxRetries: 0, timeoutMs: 60_000, backoff: { baseMs: 1_000, maxMs: 5_000, factor: 2 } },
      ],
      ['a.b:c-d_E', { concurrency: null, maxRetries: 3, timeoutMs: 30_000, backoff }],
    ]),
  );
});

test('a Map is read like an object, and a name that objects inherit is a name like any other', () => {
  const exported = new Map([
    ['__proto__', handler],
    ['constructor', handler],
  ]);
  expect([...registerHandlers(exported).keys()]).toEqual(['__proto__', 'constructor']);
  expect(registerHandlers({ email: handler }).has('toString')).toBe(false);
});

test('a schema that is a function is a schema', () => {
  const schema = Object.assign(() => null, {
    '~standard': { version: 1, vendor: 'test', validate: () => ({ value: 1 }) },
  });
  expect(registerHandlers({ email: { handler, schema } }).get('email')?.schema).toBe(schema);
});

test('the types of a payload come from the schema or from the handler', () => {
  const handlers = defineHandlers({
    resize: defineHandler({
      schema: z.object({ width: z.number() }),
      handler: async (payload) => payload.width.toFixed(),
    }),
    email: async (payload: { to: string }, context) => payload.to + context.id,
    plain: (payload: unknown, context) => [payload, context.id],
  });
  expect([...registerHandlers(handlers).keys()]).toEqual(['resize', 'email', 'plain']);
});

test.each([
  [undefined, 'the default export must be an object that maps types to handlers'],
  [handler, 'the default export must be an object'],
  [{}, 'the default export must have at least one handler'],
  [{ 'two words': handler }, 'handlers["two words"]: a type must have'],
  [{ ['x'.repeat(129)]: handler }, 'a type must have 1 to 128'],
  [new Map([[7, handler]]), 'handlers["7"]: a type must have'],
  [{ email: 'no' }, 'handlers.email must be a function or an object with a handler'],
  [{ email: null }, 'handlers.email must be a function'],
  [{ email: {} }, 'handlers.email.handler must be a function'],
  [{ resize: { handler, concurrency: 0 } }, 'handlers.resize.concurrency must be a whole number from 1 to 1000'],
  [{ resize: { handler, concurrency: 1.5 } }, 'handlers.resize.concurrency must be'],
  [{ resize: { handler, maxRetries: 101 } }, 'handlers.resize.maxRetries must be a whole number from 0 to 100'],
  [{ resize: { handler, maxRetries: '3' } }, 'handlers.resize.maxRetries must be'],
  [{ resize: { handler, timeoutMs: 99 } }, 'handlers.resize.timeoutMs must be a whole number from 100 to 86400000'],
  [{ resize: { handler, maxRetry: 3 } }, 'handlers.resize has an unknown field "maxRetry"'],
  [{ resize: { handler, backoff: 5 } }, 'handlers.resize.backoff must be a function or an object'],
  [{ resize: { handler, backoff: { base: 5 } } }, 'handlers.resize.backoff has an unknown field "base"'],
  [{ resize: { handler, backoff: { baseMs: -1 } } }, 'handlers.resize.backoff.baseMs must be'],
  [{ resize: { handler, backoff: { factor: 0.5 } } }, 'handlers.resize.backoff.factor must be a number from 1'],
  [{ resize: { handler, schema: {} } }, 'handlers.resize.schema must be a Standard Schema'],
  [{ 'a.b': { handler, schema: null } }, 'handlers["a.b"].schema must be'],
])('what breaks a rule is refused with its path: %#', (exported, message) => {
  expect(() => registerHandlers(exported)).toThrow(message);
});

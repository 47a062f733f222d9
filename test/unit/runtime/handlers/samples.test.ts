import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { flaky } from '../../../../runtime/handlers/flaky.ts';
import samples from '../../../../runtime/handlers/samples.ts';
import { sleep } from '../../../../runtime/handlers/sleep.ts';
import type { HandlerContext } from '../../../../runtime/worker/handler.ts';
import { registerHandlers } from '../../../../runtime/worker/registry.ts';
import { recordedLog } from '../../../support/recorded-log.ts';

const context = (overrides: Partial<HandlerContext> = {}): HandlerContext => ({
  id: 'job-1',
  type: 'sample',
  queue: 'default',
  attempt: 1,
  failures: 0,
  maxRetries: 3,
  signal: new AbortController().signal,
  extend: () => Promise.resolve(),
  progress: () => Promise.resolve(),
  log: recordedLog().log,
  ...overrides,
});

test('the sample handlers keep the rules that everybody else keeps', () => {
  const registry = registerHandlers(samples);
  expect([...registry.keys()]).toEqual(['email', 'flaky', 'sleep']);
  for (const { schema } of registry.values()) expect(schema).not.toBeNull();
});

test('flaky fails as often as its payload says, whatever the number of starts', () => {
  expect(flaky.handler({ failures: 0 }, context())).toEqual({ attempt: 1, failures: 0 });
  expect(() => flaky.handler({ failures: 2 }, context({ attempt: 5 }))).toThrow('failure 1 of 2, as asked');
  expect(() => flaky.handler({ failures: 2 }, context({ failures: 1 }))).toThrow('failure 2 of 2, as asked');
  expect(flaky.handler({ failures: 2 }, context({ attempt: 7, failures: 2 }))).toEqual({ attempt: 7, failures: 2 });
});

test('sleep takes as long as its payload says', async () => {
  const startedAtMs = performance.now();
  expect(await sleep.handler({ ms: 30 }, context())).toEqual({ sleptMs: 30 });
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(29);
});

test('sleep ends at once when its signal is aborted, and leaves nothing behind', async () => {
  const controller = new AbortController();
  const asleep = sleep.handler({ ms: 86_400_000 }, context({ signal: controller.signal }));
  controller.abort(new Error('cancelled'));
  await expect(asleep).rejects.toMatchObject({ name: 'AbortError', cause: { message: 'cancelled' } });
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

test.each([
  [flaky, { failures: 3 }, true],
  [flaky, { failures: -1 }, false],
  [flaky, { failures: 1.5 }, false],
  [flaky, {}, false],
  [sleep, { ms: 0 }, true],
  [sleep, { ms: 86_400_001 }, false],
  [sleep, { ms: '10' }, false],
  [sleep, null, false],
])('a payload that does not fit is known at submission: %#', async ({ schema }, payload, fits) => {
  const result = await schema?.['~standard'].validate(payload);
  expect(result?.issues === undefined).toBe(fits);
});

// What a handler asks of the queue while it runs.

import { describe, expect, test } from 'vitest';
import type { Reply } from '../../../../core/queue/effect.ts';
import { LeaseLostError } from '../../../../runtime/worker/handler.ts';
import { granted, held, JOB, poolOf, refused, running, until } from '../../../support/worker-pool.ts';
import type { Handle } from '../../../support/worker-pool.ts';

describe('extend', () => {
  test('renews by the visibility timeout or by what is asked', async () => {
    const { handler, context } = held();
    const { pool, asked } = poolOf({ email: handler });
    pool.start(running());
    const { extend } = await context();
    await extend();
    await extend(100);
    await extend(86_400_000);
    const command = { kind: 'extend', jobId: JOB, attempt: 1 };
    expect(asked).toEqual([null, 100, 86_400_000].map((extendMs) => ({ ...command, extendMs })));
  });

  test.each([99, 86_400_001, 100.5, Number.NaN, '1000'])('refuses %j milliseconds', async (durationMs) => {
    const { handler, context } = held();
    const { pool, asked } = poolOf({ email: handler });
    pool.start(running());
    const { extend } = await context();
    await expect(extend(durationMs as number)).rejects.toThrow(RangeError);
    expect(asked).toEqual([]);
  });

  test('rejects with LeaseLostError where the queue says so, and with the reason where it refuses otherwise', async () => {
    for (const [reason, error] of [
      ['lease-lost', LeaseLostError],
      ['read-only', /extend was refused: read-only/],
    ] as const) {
      const { handler, context } = held();
      const { pool } = poolOf({ email: handler }, () => refused(reason));
      pool.start(running());
      const { extend } = await context();
      await expect(extend()).rejects.toThrow(error);
    }
  });

  test.each(['extend', 'progress'] as const)(
    '%s without end, and without awaiting, keeps two on their way',
    async (call) => {
      const { handler, context, resolve } = held();
      const answers: ((reply: Reply) => void)[] = [];
      const { pool, asked, reports } = poolOf({ email: handler }, () => new Promise((answer) => answers.push(answer)));
      pool.start(running());
      const handles = await context();
      const promises = new Set(Array.from({ length: 10_000 }, (_, index) => handles[call](1_000 + index)));
      expect(promises.size).toBe(2);
      expect(asked).toHaveLength(1);

      answers[0]?.(await granted);
      await until(() => answers.length === 2);
      answers[1]?.(await granted);
      await Promise.all(promises);
      expect(asked).toMatchObject(
        call === 'extend' ? [{ extendMs: 1_000 }, { extendMs: 10_999 }] : [{ progress: '1000' }, { progress: '10999' }],
      );
      resolve(null);
      await until(() => reports.length > 0);
    },
  );

  test('that waits when the lease goes is refused, and asks the queue for nothing', async () => {
    const { handler, context } = held();
    const answers: ((reply: Reply) => void)[] = [];
    const { pool, asked } = poolOf({ email: handler }, () => new Promise((answer) => answers.push(answer)));
    pool.start(running());
    const { extend } = await context();
    const calls = [extend(), extend(), extend()];
    pool.abort(JOB, 1, 'timeout');
    answers[0]?.(await refused('lease-lost'));
    for (const call of calls) await expect(call).rejects.toThrow(LeaseLostError);
    expect(asked).toHaveLength(1);
  });

  test('that nobody awaits does not become an unhandled rejection', async () => {
    const strays: unknown[] = [];
    const onStray = (reason: unknown): number => strays.push(reason);
    process.on('unhandledRejection', onStray);
    const careless: Handle = (_, { extend, progress }) => {
      void extend(1);
      void progress(1n);
      void extend();
      void progress(1);
    };
    const { pool, reports } = poolOf({ email: careless }, () => refused('lease-lost'));
    pool.start(running());
    await until(() => reports.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onStray);
    expect(strays).toEqual([]);
  });
});

describe('progress', () => {
  test('is stored as JSON', async () => {
    const { handler, context } = held();
    const { pool, asked } = poolOf({ email: handler });
    pool.start(running());
    const { progress } = await context();
    await progress({ done: 0.5 });
    expect(asked).toEqual([{ kind: 'progress', jobId: JOB, attempt: 1, progress: '{"done":0.5}' }]);
  });

  test.each([[undefined], [1n], [() => 1], [Number.NaN], [new Date(Number.NaN)], ['x'.repeat(70_000)]])(
    'refuses what is not JSON or too large: %#',
    async (value) => {
      const { handler, context } = held();
      const { pool, asked } = poolOf({ email: handler });
      pool.start(running());
      const { progress } = await context();
      await expect(progress(value)).rejects.toThrow(TypeError);
      expect(asked).toEqual([]);
    },
  );
});

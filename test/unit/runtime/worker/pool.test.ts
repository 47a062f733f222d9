import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { JobId, JsonText } from '../../../../core/job/job.ts';
import type { RunningJob } from '../../../../core/job/job.ts';
import type { WorkerCommand } from '../../../../core/queue/command.ts';
import { LeaseLostError } from '../../../../runtime/worker/handler.ts';
import type { HandlerContext } from '../../../../runtime/worker/handler.ts';
import { SETTLE_MS } from '../../../../runtime/worker/pool.ts';
import { held, JOB, poolOf, running, until } from '../../../support/worker-pool.ts';
import type { Handle } from '../../../support/worker-pool.ts';

/** Runs one attempt to its end and tells what was reported. */
async function outcome(email: Handle | object, job: Partial<RunningJob> = {}) {
  const parts = poolOf({ email });
  parts.pool.start(running(job));
  await until(() => parts.reports.length > 0);
  expect(parts.reports).toHaveLength(1);
  expect(parts.pool.size).toBe(0);
  return { report: parts.reports[0], lines: parts.lines };
}

const succeeded = (value: unknown): WorkerCommand => ({
  kind: 'succeed',
  jobId: JOB,
  attempt: 1,
  result: JsonText(value),
});

describe('an attempt', () => {
  test('gets the payload and all of its context', async () => {
    const seen: unknown[] = [];
    const job = running({ attempt: 4, failures: 2, queue: 'night', payload: JsonText({ a: [1, '\ud800'] }) });
    const { pool, reports, lines } = poolOf({
      email: (payload: unknown, { signal, extend, progress, log, ...rest }: HandlerContext) => {
        seen.push(payload, rest, signal.aborted, typeof extend, typeof progress);
        log.info({ mails: 2 }, 'sending');
        return 'sent';
      },
    });
    pool.start(job);
    await until(() => reports.length > 0);
    const rest = { id: 'job-1', type: 'email', queue: 'night', attempt: 4, failures: 2, maxRetries: 3 };
    expect(seen).toEqual([{ a: [1, '\ud800'] }, rest, false, 'function', 'function']);
    const fields = { jobId: 'job-1', type: 'email', attempt: 4, mails: 2 };
    expect(lines).toEqual([{ severity: 'info', message: 'sending', fields }]);
  });

  test('gets a payload of its own: what one attempt does to it the next never sees', async () => {
    const seen: string[] = [];
    const { pool, reports } = poolOf({
      email: (payload: Record<string, unknown>) => {
        seen.push(JSON.stringify(payload));
        payload['to'] = 'mallory@example.com';
      },
    });
    pool.start(running({ attempt: 1 }));
    pool.start(running({ attempt: 2 }));
    await until(() => reports.length === 2);
    expect(seen[0]).toBe(seen[1]);
  });

  test('keeps a payload key named __proto__ as data', async () => {
    const payload = '{"__proto__":{"admin":true}}' as JsonText;
    const { report } = await outcome((value) => [Object.keys(value as object), Reflect.get(value as object, 'admin')], {
      payload,
    });
    expect(report).toEqual(succeeded([['__proto__'], null]));
  });

  test.each([
    ['a value', { sent: 1 }, { sent: 1 }],
    ['nothing', undefined, null],
    ['a lone surrogate', '\udfff', '\udfff'],
    ['a promise', Promise.resolve([1]), [1]],
    ['what has a toJSON', new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('that returns %s has succeeded with it', async (_, returned, result) => {
    expect(await outcome(() => returned)).toEqual({ report: succeeded(result), lines: [] });
  });

  const throwing = (thrown: object): never => {
    throw thrown;
  };
  const trap = (): never => throwing(new Error('trapped'));
  const unreadable = new Proxy({}, { get: trap, getPrototypeOf: trap, ownKeys: trap });
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const deep = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)) as unknown;
  test.each<[string, () => unknown]>([
    ['a BigInt', () => 1n],
    ['a cycle', () => cycle],
    ['a function', () => () => 1],
    ['a toJSON that throws', () => ({ toJSON: () => JSON.parse('{') as unknown })],
    ['a toJSON that throws what cannot be read', () => ({ toJSON: () => throwing(unreadable) })],
    ['too many levels', () => deep],
    ['more than a mebibyte', () => 'x'.repeat(1024 * 1024 - 1)],
  ])('that returns %s has succeeded with null, and the log says so', async (_, handler) => {
    const { report, lines } = await outcome(handler);
    expect(report).toEqual(succeeded(null));
    expect(lines).toMatchObject([{ severity: 'error', fields: { jobId: 'job-1', type: 'email', attempt: 1 } }]);
  });

  test('may return a mebibyte to the byte', async () => {
    const { report, lines } = await outcome(() => 'x'.repeat(1024 * 1024 - 2));
    expect(report?.kind === 'succeed' && report.result.length).toBe(1024 * 1024);
    expect(lines).toEqual([]);
  });

  test.each<[string, Handle]>([
    ['at once', () => JSON.parse('{') as unknown],
    ['later', async () => JSON.parse('{') as unknown],
    ['from a thenable', () => ({ then: () => JSON.parse('{') as unknown })],
    [
      'from the getter of a thenable',
      () => Object.defineProperty({}, 'then', { get: () => JSON.parse('{') as unknown }),
    ],
  ])('that throws %s has failed', async (_, handler) => {
    const { report } = await outcome(handler);
    expect(report).toMatchObject({ kind: 'fail', jobId: JOB, attempt: 1, retryable: true });
    expect(report).toMatchObject({ error: { name: 'SyntaxError', stack: expect.stringContaining('SyntaxError') } });
  });

  test('says itself that it is not to be retried', async () => {
    const { report } = await outcome(() => Promise.reject(Object.assign(new Error('gone'), { retryable: false })));
    expect(report).toMatchObject({ kind: 'fail', retryable: false, error: { message: 'gone' } });
  });

  test('with a schema gets its output', async () => {
    const schema = z.object({ to: z.string().transform((to) => to.toUpperCase()), copies: z.int().default(1) });
    const { report } = await outcome({ schema, handler: (payload: unknown) => payload });
    expect(report).toEqual(succeeded({ to: 'ADA@EXAMPLE.COM', copies: 1 }));
  });

  test('whose payload no longer fits the schema has failed for good, naming what does not fit', async () => {
    const schema = z.object({ cc: z.array(z.string()) }).refine(async () => true);
    const { report } = await outcome({ schema, handler: () => 'never' });
    expect(report).toMatchObject({ kind: 'fail', retryable: false, error: { name: 'PayloadError' } });
    expect(report).toMatchObject({ error: { message: expect.stringMatching(/cc: .*expected array/) } });
  });

  test('whose schema throws has failed', async () => {
    const validate = () => JSON.parse('{') as never;
    const schema = { '~standard': { version: 1, vendor: 'test', validate } };
    const { report } = await outcome({ schema, handler: () => 'never' });
    expect(report).toMatchObject({ kind: 'fail', retryable: true, error: { name: 'SyntaxError' } });
  });
});

describe('a lease that is lost', () => {
  test.each([
    ['timeout', 'TimeoutError'],
    ['cancelled', 'CancelledError'],
  ] as const)(
    'by %s aborts the signal, and the late answer only tells that the handler has ended',
    async (why, name) => {
      for (const end of ['resolve', 'reject'] as const) {
        const { handler, context, ...ends } = held();
        const { pool, reports } = poolOf({ email: handler });
        pool.start(running());
        const { signal } = await context();
        pool.abort(JOB, 1, why);
        expect(signal.reason).toMatchObject({ name });
        expect([reports, pool.size]).toEqual([[], 1]);

        ends[end](new Error('late'));
        await until(() => reports.length > 0);
        expect([reports, pool.size]).toEqual([[{ kind: 'ended', jobId: JOB, attempt: 1 }], 0]);
      }
    },
  );

  test('is told to the handler that still asks for something, without asking the queue', async () => {
    const { handler, context, resolve } = held();
    const { pool, asked, reports } = poolOf({ email: handler });
    pool.start(running());
    const { extend, progress } = await context();
    pool.abort(JOB, 1, 'timeout');
    await expect(extend()).rejects.toThrow(LeaseLostError);
    await expect(progress(1)).rejects.toThrow(LeaseLostError);
    resolve(null);
    await until(() => reports.length > 0);
    await expect(extend()).rejects.toThrow(LeaseLostError);
    expect(asked).toEqual([]);
  });

  test('belongs to one attempt: aborting another changes nothing', async () => {
    const { handler, context, resolve } = held();
    const { pool, reports } = poolOf({ email: handler });
    pool.start(running({ attempt: 2 }));
    const { signal } = await context();
    pool.abort(JOB, 1, 'timeout');
    pool.abort(JobId('job-2'), 2, 'cancelled');
    expect(signal.aborted).toBe(false);
    resolve('fine');
    await until(() => reports.length > 0);
    expect(reports).toEqual([{ ...succeeded('fine'), attempt: 2 }]);
    pool.abort(JOB, 2, 'timeout');
    expect(reports).toHaveLength(1);
  });
});

describe('a shutdown', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** Whether the promise has resolved by now. */
  async function isDone(promise: Promise<void>): Promise<boolean> {
    let done = false;
    void promise.then(() => (done = true));
    await turn();
    return done;
  }

  test('of an idle pool is over at once', async () => {
    const { pool, reports } = poolOf({ email: () => 1 });
    expect(await isDone(pool.shutdown({ graceMs: 10_000 }))).toBe(true);
    expect(reports).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('waits for the handlers within the grace', async () => {
    const { handler, context, resolve } = held();
    const { pool, reports } = poolOf({ email: handler });
    pool.start(running());
    await turn();
    const { signal } = await context();
    const over = pool.shutdown({ graceMs: 10_000 });
    await vi.advanceTimersByTimeAsync(9_999);
    expect([await isDone(over), signal.aborted]).toEqual([false, false]);
    resolve('done');
    expect(await isDone(over)).toBe(true);
    expect(reports).toEqual([succeeded('done')]);
  });

  test('past the grace aborts the signals; throwing then is a give-back, returning a success', async () => {
    const byThrow: Handle = (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    const byReturn: Handle = (_, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason.name)));
    const { pool, reports } = poolOf({ byThrow, byReturn });
    pool.start(running({ type: 'byThrow' }));
    pool.start(running({ type: 'byReturn', attempt: 2 }));
    await turn();
    const over = pool.shutdown({ graceMs: 10_000 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await isDone(over)).toBe(true);
    expect(reports).toHaveLength(2);
    expect(reports).toContainEqual({ kind: 'release', jobId: JOB, attempt: 1 });
    expect(reports).toContainEqual({ ...succeeded('ShutdownError'), attempt: 2 });
  });

  test('gives back what does not end, and hears no late answer', async () => {
    const { handler, context, resolve } = held();
    const { pool, reports } = poolOf({ email: handler });
    pool.start(running());
    await turn();
    const { extend } = await context();
    const over = pool.shutdown({ graceMs: 0 });
    await vi.advanceTimersByTimeAsync(0);
    expect(await isDone(over)).toBe(false);
    await vi.advanceTimersByTimeAsync(SETTLE_MS);
    expect(await isDone(over)).toBe(true);
    const release = [{ kind: 'release', jobId: JOB, attempt: 1 }];
    expect(reports).toEqual(release);

    await expect(extend()).rejects.toThrow(LeaseLostError);
    resolve('late');
    await turn();
    expect([reports, pool.size]).toEqual([release, 0]);
  });

  test('does not wait for a handler whose lease is gone, and still hears it end', async () => {
    const { handler, context, resolve } = held();
    const { pool, reports } = poolOf({ email: handler });
    pool.start(running());
    await turn();
    await context();
    const over = pool.shutdown({ graceMs: 10_000 });
    expect(await isDone(over)).toBe(false);
    pool.abort(JOB, 1, 'timeout');
    expect(await isDone(over)).toBe(true);
    resolve(null);
    await turn();
    expect(reports).toEqual([{ kind: 'ended', jobId: JOB, attempt: 1 }]);
  });

  test('that takes longer than timers can count still waits', async () => {
    const { handler } = held();
    const { pool } = poolOf({ email: handler });
    pool.start(running());
    const over = pool.shutdown({ graceMs: Number.MAX_SAFE_INTEGER });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await isDone(over)).toBe(false);
  });

  test('gives back untouched what is started after it began', async () => {
    const handler = vi.fn();
    const { pool, reports } = poolOf({ email: handler });
    await pool.shutdown({ graceMs: 0 });
    pool.start(running());
    await turn();
    expect(reports).toEqual([{ kind: 'release', jobId: JOB, attempt: 1 }]);
    expect(handler).not.toHaveBeenCalled();
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  LockedError,
  QueueError,
  createQueue,
  defineHandler,
  defineHandlers,
} from '../../../../runtime/embed/index.ts';
import type { EventView } from '../../../../runtime/embed/index.ts';

const gates = new Map<string, () => void>();

const handlers = defineHandlers({
  greet: (payload: { name: string }, context) => `Hello, ${payload.name} (attempt ${context.attempt})`,
  resize: defineHandler({ schema: z.object({ width: z.int() }), handler: ({ width }) => ({ width }) }),
  wait: (payload: { gate: string }, { signal }) =>
    new Promise<void>((resolve, reject) => {
      gates.set(payload.gate, resolve);
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    }),
});

const open = (directory: string, options: Partial<Parameters<typeof createQueue<typeof handlers>>[0]> = {}) =>
  createQueue({ directory, handlers, log: silent, ...options });

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'perdure-test-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('an embedded queue', () => {
  it('runs what is submitted, and keeps it over a restart', async () => {
    const queue = await open(directory);
    const { job, replayed } = await queue.submit('greet', { name: 'Ada' }, { idempotencyKey: 'k' });
    expect([job.state, replayed, job.payload]).toEqual(['pending', false, { name: 'Ada' }]);
    await queue.drain();
    await queue.close();

    const again = await open(directory);
    const found = await again.get(job.id);
    expect(found).toMatchObject({ state: 'succeeded', result: 'Hello, Ada (attempt 1)', idempotencyKey: 'k' });
    expect(found?.history.map(({ kind }) => kind)).toEqual(['submitted', 'started', 'succeeded']);
    expect(found?.createdAt).toBeInstanceOf(Date);
    expect((await again.submit('greet', { name: 'Ada' }, { idempotencyKey: 'k' })).replayed).toBe(true);
    await again.close();
  });

  it('takes many jobs at once, all or nothing', async () => {
    const queue = await open(directory, { workerCount: 0 });
    const good = { type: 'greet', payload: { name: 'Ada' } } as const;
    const bad = { type: 'greet', payload: { name: 'Bob' }, options: { priority: 5_000 } } as const;
    await expect(queue.submitMany([good, bad])).rejects.toMatchObject({
      kind: 'invalid-request',
      errors: [{ path: '/1/priority' }],
    });
    expect((await queue.stats()).depth).toBe(0);
    expect(await queue.submitMany([good, good])).toHaveLength(2);
    expect((await queue.list()).jobs).toHaveLength(2);
    await queue.close();
  });

  it('hands each event on once it is durable', async () => {
    const queue = await open(directory);
    const events: EventView[] = [];
    const stop = queue.on('event', (event) => events.push(event));
    await queue.submit('greet', { name: 'Ada' });
    await queue.drain();
    stop();
    await queue.submit('greet', { name: 'Bob' });
    await queue.drain();
    expect(events.map(({ kind, state }) => [kind, state])).toEqual([
      ['submitted', 'pending'],
      ['started', 'running'],
      ['succeeded', 'succeeded'],
    ]);
    await queue.close();
  });

  it('cancels, retries, deletes, pauses and resumes', async () => {
    const queue = await open(directory);
    await queue.pause('default');
    const { job } = await queue.submit('greet', { name: 'Ada' });
    expect((await queue.cancel(job.id)).state).toBe('cancelled');
    expect((await queue.retry(job.id)).state).toBe('pending');
    await expect(queue.delete(job.id)).rejects.toMatchObject({ kind: 'wrong-state' });
    await queue.resume('default');
    await queue.drain();
    await queue.delete(job.id);
    expect(await queue.get(job.id)).toBeNull();
    await queue.close();
  });

  it('gives back what does not end within the grace', async () => {
    const queue = await open(directory);
    const { job } = await queue.submit('wait', { gate: 'never' });
    await queue.close({ graceMs: 0 });
    const again = await open(directory, { workerCount: 0 });
    expect(await again.get(job.id)).toMatchObject({ state: 'pending', failures: 0, crashes: 0 });
    await again.close();
  });

  it('serves its HTTP API from a server of the program', async () => {
    const queue = await open(directory);
    const response = await queue.app().request('/createJob', {
      method: 'POST',
      headers: { 'content-type': 'application/json', host: 'localhost' },
      body: JSON.stringify({ type: 'greet', payload: { name: 'Ada' } }),
    });
    expect(response.status).toBe(201);
    await queue.close();
  });
});

describe('refusals', () => {
  it.each([
    ['a payload that is no JSON', 'greet', { name: 10n }, {}, 'invalid-request'],
    ['a number beyond JSON', 'greet', { name: NaN }, {}, 'invalid-request'],
    ['a payload that does not fit the schema', 'resize', { width: 'wide' }, {}, 'payload-mismatch'],
    ['an unknown type', 'fax', {}, {}, 'unknown-type'],
    ['two times at once', 'greet', { name: 'Ada' }, { delayMs: 1, runAt: new Date() }, 'invalid-request'],
    ['an impossible date', 'greet', { name: 'Ada' }, { runAt: new Date(NaN) }, 'invalid-request'],
  ])('%s is refused and nothing is stored', async (_, type, payload, options, kind) => {
    const queue = await open(directory);
    const refused = queue.submit(type as 'greet', payload as { name: string }, options);
    await expect(refused).rejects.toBeInstanceOf(QueueError);
    await expect(refused).rejects.toMatchObject({ kind });
    expect((await queue.stats()).depth).toBe(0);
    await queue.close();
  });

  it('a second queue on the directory says who holds it', async () => {
    const queue = await open(directory);
    await expect(open(directory)).rejects.toBeInstanceOf(LockedError);
    await queue.close();
  });

  it('an option that breaks its rule is named', async () => {
    await expect(open(directory, { workerCount: -1 })).rejects.toThrow(/^workerCount is -1: it must be a whole number/);
  });

  it('is closed once, however often it is asked to: the next one on the directory keeps its lock', async () => {
    const queue = await open(directory);
    await Promise.all([queue.close(), queue.close()]);
    const next = await open(directory);
    await queue.close();
    await expect(open(directory)).rejects.toThrow(`held by process ${process.pid}`);
    const { job } = await next.submit('greet', { name: 'Ada' });
    await next.drain();
    expect(await next.get(job.id)).toMatchObject({ state: 'succeeded' });
    await next.close();
  });

  it('after close every submission is refused', async () => {
    const queue = await open(directory);
    await queue.close();
    await expect(queue.submit('greet', { name: 'Ada' })).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

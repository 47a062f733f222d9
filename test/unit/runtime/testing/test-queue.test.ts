// A program tests its own handlers with `perdure/testing`, under the crashes that they must bear.

import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, QueueError, defineHandler, defineHandlers } from '../../../../runtime/embed/index.ts';
import type { EventView } from '../../../../runtime/embed/index.ts';
import { createTestQueue } from '../../../../runtime/testing/index.ts';
import type { TestQueue, TestQueueOptions } from '../../../../runtime/testing/index.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

const START = new Date('2030-01-01T00:00:00.000Z');
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What the handlers have done outside of the queue. */
let done: string[];
const charged = new Map<string, number>();
let failuresLeft: number;
let gate: { readonly opened: Promise<void>; readonly open: () => void };

const handlers = defineHandlers({
  note: (payload: { text: string }) => void done.push(payload.text),
  /** Idempotent: what it has charged for the job is not charged again. */
  charge: (payload: { cents: number }, { id }) => {
    if (!charged.has(id)) charged.set(id, payload.cents);
    return charged.get(id);
  },
  flaky: () => {
    if ((failuresLeft -= 1) >= 0) throw new Error('not yet');
    return 'at last';
  },
  hang: { handler: () => new Promise<void>(() => undefined), timeoutMs: 5_000, maxRetries: 1 },
  obedient: (_: null, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  gated: async () => {
    await gate.opened;
    done.push('through the gate');
  },
  nap: async (payload: { ms: number }, { signal }) => {
    await queue.sleep(payload.ms, { signal });
    done.push(`awake after ${payload.ms}`);
  },
  heartbeat: async (_: null, context) => {
    for (let beat = 0; beat < 10; beat += 1) {
      await queue.sleep(20_000);
      await context.extend();
      await context.progress(beat);
    }
  },
  parent: async (payload: { children: number }): Promise<void> => {
    for (let n = 0; n < payload.children; n += 1) await queue.submit('note', { text: `child ${n}` });
  },
  resize: defineHandler({ schema: z.object({ width: z.int() }), handler: ({ width }) => width / 2 }),
  crasher: async () => {
    await queue.crash();
    done.push('a dead process goes on');
  },
});

let queue: TestQueue<typeof handlers>;

const open = (options: Partial<TestQueueOptions<typeof handlers>> = {}): Promise<TestQueue<typeof handlers>> =>
  createTestQueue({ handlers, now: START, log: silent, patienceMs: 20, ...options });

const kindsOf = async (id: string): Promise<readonly string[]> =>
  (await queue.get(id))?.history.map(({ kind }) => kind) ?? [];

const story = (id?: string) => queue.runs(id).map(({ attempt, cause, end }) => [attempt, cause, end]);

beforeEach(async () => {
  done = [];
  charged.clear();
  failuresLeft = 0;
  let open_: () => void = () => undefined;
  gate = { opened: new Promise((resolve) => (open_ = resolve)), open: () => open_() };
  queue = await open();
});

describe('a crash', () => {
  it('runs a handler again that did its work and could not say so: at least once, not exactly once', async () => {
    const { job } = await queue.submit('note', { text: 'sent' });
    queue.crashNext('note');
    await queue.drain();
    expect(done).toEqual(['sent', 'sent']);
    expect(story(job.id)).toEqual([
      [1, 'submitted', 'crashed'],
      [2, 'crashed', 'succeeded'],
    ]);
    expect(await queue.get(job.id)).toMatchObject({ state: 'succeeded', attempt: 2, crashes: 1, failures: 0 });
    expect(await kindsOf(job.id)).toEqual(['submitted', 'started', 'crashed', 'started', 'succeeded']);
  });

  it('leaves one effect of a handler that is idempotent by the job', async () => {
    const { job } = await queue.submit('charge', { cents: 100 });
    queue.crashNext('charge', { times: 2 });
    await queue.drain();
    expect(queue.runs(job.id)).toHaveLength(3);
    expect([...charged]).toEqual([[job.id, 100]]);
    expect((await queue.get(job.id))?.result).toBe(100);
  });

  it('before the handler was called costs an attempt and no effect', async () => {
    const { job } = await queue.submit('note', { text: 'sent' });
    queue.crashNext('note', { moment: 'before-handler' });
    await queue.drain();
    expect(done).toEqual(['sent']);
    expect(story(job.id)).toEqual([[2, 'crashed', 'succeeded']]);
  });

  it.each([{ powerLoss: true }, { powerLoss: false }])('finds what was acknowledged (%o)', async (options) => {
    await queue.pause('later');
    const submissions = Array.from({ length: 50 }, (_, n) => ({
      type: 'note' as const,
      payload: { text: `${n}` },
      options: { idempotencyKey: `${n}`, queue: 'later' },
    }));
    const ids = (await queue.submitMany(submissions)).map(({ job }) => job.id);
    await queue.crash(options);
    expect((await queue.list()).jobs.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect((await queue.submitMany(submissions)).every(({ replayed }) => replayed)).toBe(true);
    await queue.resume('later');
    await queue.drain();
    expect([...done].sort()).toEqual(submissions.map(({ payload }) => payload.text).sort());
  });

  it('keeps what was on its way, though its caller cannot know; a power cut takes it', async () => {
    for (const [powerLoss, found] of [
      [false, true],
      [true, false],
    ] as const) {
      const unanswered = queue.submit('note', { text: 'x' }, { idempotencyKey: `${powerLoss}`, delayMs: DAY_MS });
      const refused = expect(unanswered).rejects.toMatchObject({ kind: 'unavailable' });
      await Promise.resolve(); // it is with the queue now, and not yet durable
      await queue.crash({ powerLoss });
      await refused;
      await expect(unanswered).rejects.toThrow(/unknown/);
      expect((await queue.list()).jobs.some(({ idempotencyKey }) => idempotencyKey === `${powerLoss}`)).toBe(found);
    }
  });

  it('buries a poison job after the third, and none of the innocent that ran beside it', async () => {
    const { job: poison } = await queue.submit('crasher', null);
    const innocent = await queue.submitMany(
      Array.from({ length: 8 }, () => ({ type: 'gated' as const, payload: undefined })),
    );
    gate.open();
    await queue.drain();
    expect(await queue.get(poison.id)).toMatchObject({
      state: 'dead',
      crashes: 3,
      lastError: { name: 'CrashError', message: expect.stringContaining('crash 3 of 3') },
    });
    for (const { job } of innocent) expect((await queue.get(job.id))?.state).toBe('succeeded');
    expect(done).not.toContain('a dead process goes on');
  });

  it('abandons a handler: what it does later reaches nobody', async () => {
    const { job } = await queue.submit('gated', undefined);
    await queue.advance(0);
    await queue.crash();
    gate.open();
    await queue.drain();
    expect(done).toEqual(['through the gate', 'through the gate']); // JavaScript cannot stop the first
    expect(await kindsOf(job.id)).toEqual(['submitted', 'started', 'crashed', 'started', 'succeeded']);
    expect(story(job.id)).toEqual([
      [1, 'submitted', 'crashed'],
      [2, 'crashed', 'succeeded'],
    ]);
  });

  it('ends the sleep and the questions of what ran in the process', async () => {
    const { job: nap } = await queue.submit('nap', { ms: 10_000 });
    await queue.advance(9_000);
    await queue.crash({ downMs: MINUTE_MS });
    expect(queue.now.getTime() - START.getTime()).toBe(9_000 + MINUTE_MS);
    await queue.drain();
    expect(done).toEqual(['awake after 10000']);
    expect(story(nap.id).map(([, cause]) => cause)).toEqual(['submitted', 'crashed']);
  });

  it('may come again and again: each recovery goes on where the one before left off', async () => {
    const { job } = await queue.submit('nap', { ms: 1_000 }, { delayMs: 10 });
    for (let n = 0; n < 20; n += 1) await queue.crash({ powerLoss: n % 2 === 0 });
    expect(await queue.get(job.id)).toMatchObject({ state: 'pending', crashes: 0 });
    await queue.drain();
    expect((await queue.get(job.id))?.state).toBe('succeeded');
  });
});

describe('virtual time', () => {
  it('stands still until it is moved, and nothing starts meanwhile', async () => {
    const { job } = await queue.submit('note', { text: 'x' });
    await expect(queue.get(job.id)).resolves.toMatchObject({ state: 'pending', attempt: 0 });
    await queue.advance(0);
    expect((await queue.get(job.id))?.state).toBe('succeeded');
    expect(queue.now).toEqual(START);
  });

  it('ends the lease of a handler that hangs, when its timeout is over and not before', async () => {
    const { job } = await queue.submit('hang', undefined);
    await queue.advance(4_999);
    expect((await queue.get(job.id))?.state).toBe('running');
    await queue.advance(1);
    expect(await queue.get(job.id)).toMatchObject({ failures: 1, lastError: { name: 'TimeoutError' } });
    await queue.drain();
    expect(await queue.get(job.id)).toMatchObject({ state: 'dead', failures: 2 });
    expect(story(job.id)).toEqual([
      [1, 'submitted', 'expired'],
      [2, 'expired', 'expired'],
    ]);
  });

  it('aborts the signal of what timed out', async () => {
    const { job } = await queue.submit('obedient', null, { timeoutMs: 100, maxRetries: 0 });
    await queue.advance(100);
    expect((await queue.get(job.id))?.state).toBe('dead');
    expect((await queue.stats()).abandoned).toBe(0);
  });

  it('is leapt over by drain: backoffs cost nothing', async () => {
    failuresLeft = 3;
    const { job } = await queue.submit('flaky', undefined, { maxRetries: 3 });
    await queue.drain();
    expect(await queue.get(job.id)).toMatchObject({ state: 'succeeded', failures: 3, result: 'at last' });
    expect(story(job.id).map(([, cause]) => cause)).toEqual(['submitted', 'failed', 'failed', 'failed']);
    expect(queue.now.getTime()).toBeGreaterThan(START.getTime());
  });

  it('passes in order: what is due first runs first, and each at its own instant', async () => {
    const times: [string, number][] = [];
    queue.on('started', ({ at, queue }) => times.push([queue, at.getTime() - START.getTime()]));
    await queue.submit('note', { text: 'day' }, { delayMs: DAY_MS, queue: 'day' });
    await queue.submit('note', { text: 'hour' }, { runAt: new Date(START.getTime() + 3_600_000), queue: 'hour' });
    await queue.submit('note', { text: 'minute' }, { delayMs: MINUTE_MS, queue: 'minute' });
    await queue.advance(MINUTE_MS);
    expect(done).toEqual(['minute']);
    await queue.advance(2 * DAY_MS);
    expect(done).toEqual(['minute', 'hour', 'day']);
    expect(times).toEqual([
      ['minute', MINUTE_MS],
      ['hour', 3_600_000],
      ['day', DAY_MS],
    ]);
    expect(queue.now.getTime() - START.getTime()).toBe(MINUTE_MS + 2 * DAY_MS);
  });

  it('forgets old jobs when their retention is over', async () => {
    queue = await open({ retentionMs: DAY_MS });
    const { job } = await queue.submit('note', { text: 'x' });
    await queue.drain();
    await queue.advance(DAY_MS - 1);
    expect(await queue.get(job.id)).not.toBeNull();
    await queue.advance(MINUTE_MS);
    expect(await queue.get(job.id)).toBeNull();
  });

  it('lets a handler sleep without patience, and keep its lease by extending it', async () => {
    queue = await open({ patienceMs: 60_000 });
    const { job } = await queue.submit('heartbeat', null, { timeoutMs: 30_000 });
    await queue.advance(30_001);
    expect(await queue.get(job.id)).toMatchObject({ state: 'running', progress: 0 });
    await queue.drain();
    expect(await queue.get(job.id)).toMatchObject({ state: 'succeeded', attempt: 1, progress: 9 });
  });

  it('hears a handler that ends at the very instant at which its lease does', async () => {
    const { job } = await queue.submit('nap', { ms: 1_000 }, { timeoutMs: 1_000 });
    await queue.drain();
    expect(await queue.get(job.id)).toMatchObject({ state: 'succeeded', failures: 0 });
  });

  it('costs the patience for a handler that hangs once, however many instants pass over it', async () => {
    queue = await open({ patienceMs: 300 });
    await queue.submit('hang', undefined, { timeoutMs: 86_400_000 });
    for (let n = 1; n <= 30; n += 1) await queue.submit('note', { text: `${n}` }, { delayMs: n * MINUTE_MS });
    const startedAt = performance.now();
    await queue.advance(31 * MINUTE_MS);
    expect(performance.now() - startedAt).toBeLessThan(30 * 300);
    expect(done).toHaveLength(30);
  });

  it('waits for handlers that do something real', async () => {
    queue = await open({ patienceMs: 30_000 });
    const { job } = await queue.submit('gated', undefined);
    const drained = queue.drain();
    setTimeout(() => gate.open(), 20); // the outer world answers in its own time
    await drained;
    expect(await queue.get(job.id)).toMatchObject({ state: 'succeeded', failures: 0 });
  });

  it('is moved by one at a time, and by no handler', async () => {
    const first = queue.advance(1);
    await expect(queue.advance(1)).rejects.toThrow(/being moved already/);
    await first;
    const mover = await createTestQueue({ handlers: { move: () => mover_() }, log: silent });
    const mover_ = (): Promise<void> => mover.advance(1);
    const { job } = await mover.submit('move', undefined, { maxRetries: 0 });
    await mover.drain();
    expect((await mover.get(job.id))?.lastError?.message).toMatch(/a handler cannot move time/);
  });
});

describe('drain', () => {
  it('runs what handlers submit, too', async () => {
    await queue.submit('parent', { children: 3 });
    await queue.drain();
    expect(done).toEqual(['child 0', 'child 1', 'child 2']);
  });

  it('says which jobs nothing will start', async () => {
    await queue.pause('mail');
    await queue.submit('note', { text: 'x' }, { queue: 'mail' });
    await expect(queue.drain()).rejects.toThrow(
      /^jobs are left that no passing of time will start: 1 \(paused: mail\)$/,
    );
    queue = await open({ workerCount: 0 });
    await queue.submit('note', { text: 'x' });
    await expect(queue.drain()).rejects.toThrow(/there are no workers/);
    queue = await open({ workerCount: 1 });
    await queue.submit('hang', undefined, { timeoutMs: 100 });
    await expect(queue.drain()).rejects.toThrow(/abandoned handlers that have not ended: 1/);
  });

  it('gives up on jobs that submit themselves for ever', async () => {
    const again = async (): Promise<void> => void (await endless.submit('again', undefined));
    const endless = await createTestQueue({ handlers: { again }, log: silent });
    await endless.submit('again', undefined);
    await expect(endless.drain({ runsMax: 100 })).rejects.toThrow(/still work left/);
  });
});

describe('a restart', () => {
  it('gives back what runs, and counts neither a failure nor a crash', async () => {
    const { job } = await queue.submit('obedient', null, { timeoutMs: 10_000, maxRetries: 0 });
    await queue.advance(1_000);
    await queue.restart();
    expect(await queue.get(job.id)).toMatchObject({ state: 'pending', attempt: 1, failures: 0, crashes: 0 });
    expect(story(job.id)).toEqual([[1, 'submitted', 'released']]);
    await queue.drain();
    expect(story(job.id)).toEqual([
      [1, 'submitted', 'released'],
      [2, 'released', 'expired'],
    ]);
  });
});

describe('the same calls as on a queue of production', () => {
  it('cancels, retries, deletes, lists and tells events', async () => {
    const events: EventView[] = [];
    queue.on('event', (event) => events.push(event));
    const { job } = await queue.submit('obedient', null);
    await queue.advance(0);
    expect((await queue.cancel(job.id)).state).toBe('cancelled');
    expect((await queue.retry(job.id)).state).toBe('pending');
    await queue.advance(30_000);
    expect(await queue.get(job.id)).toMatchObject({ failures: 1, attempt: 2 });
    expect(story(job.id)).toEqual([
      [1, 'submitted', 'cancelled'],
      [2, 'retried', 'expired'],
    ]);
    await queue.cancel(job.id);
    await queue.delete(job.id);
    expect((await queue.list({ type: 'obedient' })).jobs).toEqual([]);
    expect(events.map(({ kind }) => kind)).toEqual([
      'submitted', 'started', 'cancelled', 'retried', 'started', 'expired', 'cancelled', 'deleted',
    ]); // prettier-ignore
  });

  it('refuses alike', async () => {
    const wrong = queue.submit('resize', { width: 'wide' } as unknown as { width: number });
    await expect(wrong).rejects.toBeInstanceOf(QueueError);
    await expect(wrong).rejects.toMatchObject({ kind: 'payload-mismatch', errors: [{ path: '/payload/width' }] });
    await expect(queue.submit('note', { text: 'x' }, { delayMs: -1 })).rejects.toMatchObject({
      kind: 'invalid-request',
    });
    queue = await open({ maxQueueDepth: 1 });
    await queue.submit('note', { text: 'x' });
    await expect(queue.submit('note', { text: 'x' })).rejects.toMatchObject({ kind: 'queue-full' });
  });

  it('lives the same life again from the same seed', async () => {
    const live = async (seed: number): Promise<string> => {
      queue = await open({ seed });
      failuresLeft = 3;
      const { job } = await queue.submit('flaky', undefined);
      await queue.drain();
      return JSON.stringify(await queue.get(job.id), (name, value: unknown) => (name === 'stack' ? null : value));
    };
    expect(await live(7)).toBe(await live(7));
    expect(await live(7)).not.toBe(await live(8));
  });

  it('takes snapshots as it grows, and recovers from them', async () => {
    const text = 'x'.repeat(1_000_000);
    for (let n = 0; n < 12; n += 1) await queue.submit('note', { text }, { delayMs: DAY_MS });
    await queue.crash({ powerLoss: true });
    expect((await queue.stats()).depth).toBe(12);
  });
});

describe('options', () => {
  it.each([
    ['workerCount', { workerCount: -1 }],
    ['seed', { seed: 0.5 }],
    ['now', { now: new Date(NaN) }],
    ['patienceMs', { patienceMs: -1 }],
  ])('%s that breaks its rule is named', async (name, options) => {
    await expect(open(options)).rejects.toThrow(ConfigError);
    await expect(open(options)).rejects.toThrow(new RegExp(`^${name}`));
  });

  it('of calls are held to theirs', async () => {
    await expect(queue.advance(-1)).rejects.toThrow(/^advance is -1/);
    await expect(queue.crash({ downMs: NaN })).rejects.toThrow(/^downMs is NaN/);
    expect(() => queue.crashNext('nope' as 'note')).toThrow(/no handler of type nope/);
  });
});

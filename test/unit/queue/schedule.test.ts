import { describe, expect, it } from 'vitest';
import { TestQueue, started } from '../../support/queue.ts';

const DAY_MS = 86_400_000;

describe('the order of starts', () => {
  it('is priority, then run_at, then submission', () => {
    const queue = new TestQueue({ workerCount: 0 });
    const late = queue.submit({ start: { kind: 'after', delayMs: 10 } });
    const third = queue.submit();
    const fourth = queue.submit();
    const first = queue.submit({ priority: -1 });
    const last = queue.submit({ priority: 1 });
    queue.at += 10;
    const next = new TestQueue({ workerCount: 1 }, queue.tables);
    next.at = queue.at;
    const order = started(next.step({ kind: 'tick' }));
    for (let i = 0; i < 4; i++) order.push(...started(next.succeed(next.job(order.at(-1) as never).id)));
    expect(order).toEqual([first, third, fourth, late, last]);
  });
});

describe('concurrency', () => {
  it('of all types together is the number of workers', () => {
    const queue = new TestQueue({ workerCount: 2 });
    queue.submit();
    queue.submit();
    expect(queue.job(queue.submit()).state).toBe('pending');
  });

  it('of one type holds back that type alone', () => {
    const queue = new TestQueue({ workerCount: 3 });
    const first = queue.submit({ type: 'resize' });
    const second = queue.submit({ type: 'resize' });
    expect(queue.job(queue.submit()).state).toBe('running');
    expect(queue.job(second).state).toBe('pending');
    expect(started(queue.succeed(first))).toEqual([second]);
  });

  it('with 0 workers nothing runs', () => {
    const queue = new TestQueue({ workerCount: 0 });
    expect(queue.job(queue.submit()).state).toBe('pending');
  });
});

describe('what holds a job back', () => {
  it('a paused queue starts nothing; resumed, it starts at once', () => {
    const queue = new TestQueue();
    queue.ask({ kind: 'pause', queue: 'default' });
    const id = queue.submit();
    expect(queue.job(id).state).toBe('pending');
    expect(started(queue.step({ kind: 'resume', queue: 'default' }))).toEqual([id]);
  });

  it('a type whose handler is gone waits for it', () => {
    const queue = new TestQueue({ workerCount: 0 });
    const id = queue.submit();
    const without = new TestQueue({ types: new Map() }, queue.tables);
    expect(started(without.tick(queue.at))).toEqual([]);
    const withIt = new TestQueue({}, queue.tables);
    expect(started(withIt.tick(queue.at))).toEqual([id]);
  });

  it('its time: it starts at run_at, not a millisecond before', () => {
    const queue = new TestQueue();
    const id = queue.submit({ start: { kind: 'after', delayMs: 100 } });
    expect(started(queue.tick(queue.at + 99))).toEqual([]);
    expect(started(queue.tick(queue.at + 1))).toEqual([id]);
  });

  it('a shutdown: nothing starts any more', () => {
    const queue = new TestQueue({ workerCount: 1 });
    const first = queue.submit();
    queue.submit();
    queue.step({ kind: 'drain' });
    expect(started(queue.succeed(first))).toEqual([]);
  });
});

describe('the timer', () => {
  it('is never armed for what no tick can change', () => {
    const queue = new TestQueue({ workerCount: 1 });
    queue.submit({ timeoutMs: 5_000 });
    const waiting = queue.step({ kind: 'submit', submissions: [] });
    expect(waiting.wakeAt).toBe(queue.at + 5_000);
    queue.submit(); // due, but no worker is free
    expect(queue.step({ kind: 'tick' }).wakeAt).toBe(queue.at + 5_000);
  });

  it('is not armed by waiting jobs while shutting down', () => {
    const queue = new TestQueue();
    queue.step({ kind: 'drain' });
    expect(queue.step({ kind: 'tick' }).wakeAt).toBeNull();
  });
});

describe('retention', () => {
  it('forgets terminal jobs of that age, dead ones too, and their keys', () => {
    const queue = new TestQueue({ retentionMs: DAY_MS });
    const done = queue.submit({ idempotencyKey: 'k' });
    const dead = queue.submit();
    queue.succeed(done);
    queue.fail(dead, { retryable: false });
    queue.tick(queue.at + DAY_MS - 1);
    expect(queue.tables.job(done)).toBeDefined();
    queue.tick(queue.at + 60_000);
    expect(queue.tables.job(done)).toBeUndefined();
    expect(queue.tables.job(dead)).toBeUndefined();
    expect(queue.tables.jobByKey('k')).toBeUndefined();
  });

  it('never forgets a job that is not terminal, however old', () => {
    const queue = new TestQueue({ retentionMs: 1, workerCount: 0 });
    const id = queue.submit();
    queue.tick(queue.at + 10 * DAY_MS);
    expect(queue.job(id).state).toBe('pending');
  });

  it('goes in small steps, and wakes itself until it is done', () => {
    const queue = new TestQueue({ retentionMs: 1_000, workerCount: 300, depthLimit: 1_000 });
    const ids = Array.from({ length: 250 }, () => queue.submit());
    for (const id of ids) queue.succeed(id);
    const first = queue.tick(queue.at + 60_000);
    expect(first.events).toHaveLength(100);
    expect(first.wakeAt).toBeLessThanOrEqual(queue.at);
    queue.step({ kind: 'tick' });
    expect(queue.step({ kind: 'tick' }).events).toHaveLength(50);
    expect(queue.step({ kind: 'tick' }).wakeAt).toBeNull();
  });

  it('0 keeps everything', () => {
    const queue = new TestQueue({ retentionMs: 0 });
    const id = queue.submit();
    queue.succeed(id);
    queue.tick(queue.at + 1_000 * DAY_MS);
    expect(queue.job(id).state).toBe('succeeded');
  });
});

import { describe, expect, it } from 'vitest';
import { JsonText } from '../../../core/job/job.ts';
import { TYPE, TestQueue, aborted, reasons, started } from '../../support/queue.ts';

const immediately = { ...TYPE, backoff: () => 0 };
const IMMEDIATE = { types: new Map([['email', immediately]]) };

describe('failures', () => {
  it('with 3 retries, the fourth failure makes the job dead', () => {
    const queue = new TestQueue(IMMEDIATE);
    const id = queue.submit();
    for (const failures of [1, 2, 3]) {
      queue.fail(id);
      expect(queue.job(id)).toMatchObject({ failures, state: 'running' });
    }
    queue.fail(id);
    expect(queue.job(id)).toMatchObject({ failures: 4, attempt: 4, state: 'dead' });
  });

  it('that are not retryable make the job dead at once', () => {
    const queue = new TestQueue();
    const id = queue.submit();
    queue.fail(id, { retryable: false });
    expect(queue.job(id)).toMatchObject({ state: 'dead', failures: 1 });
  });

  it('wait for their backoff, and the timer is armed for it', () => {
    const queue = new TestQueue({ types: new Map([['email', { ...TYPE, backoff: () => 5_000 }]]) });
    const id = queue.submit();
    expect(queue.fail(id).wakeAt).toBe(queue.at + 5_000);
    expect(started(queue.tick(queue.at + 4_999))).toEqual([]);
    expect(started(queue.tick(queue.at + 1))).toEqual([id]);
  });
});

describe('a lease', () => {
  it('that is over makes the attempt a failure and aborts its handler', () => {
    const queue = new TestQueue();
    const id = queue.submit({ timeoutMs: 1_000 });
    expect(aborted(queue.tick(queue.at + 999))).toEqual([]);
    expect(aborted(queue.tick(queue.at + 1))).toEqual([`${id} timeout`]);
    expect(queue.job(id)).toMatchObject({ failures: 1, lastError: { name: 'TimeoutError' } });
  });

  it('is judged only on a tick, and after the answers that came with it', () => {
    const queue = new TestQueue();
    const id = queue.submit({ timeoutMs: 1_000 });
    queue.at += 5_000;
    queue.submit();
    expect(queue.job(id).state).toBe('running');
    queue.step({ kind: 'tick' }, { kind: 'succeed', jobId: id, attempt: 1, result: JsonText('just in time') });
    expect(queue.job(id).state).toBe('succeeded');
  });

  it('that is extended lasts that long from now', () => {
    const queue = new TestQueue();
    const id = queue.submit({ timeoutMs: 1_000 });
    queue.at += 900;
    expect(queue.ask({ kind: 'extend', jobId: id, attempt: 1, extendMs: 4_000 })).toEqual({
      kind: 'extended',
      leaseUntil: queue.at + 4_000,
    });
    expect(aborted(queue.tick(queue.at + 3_999))).toEqual([]);
    expect(aborted(queue.tick(queue.at + 1))).toEqual([`${id} timeout`]);
  });
});

describe('the fence', () => {
  const late = [
    { kind: 'succeed', result: JsonText('late') },
    { kind: 'fail', error: { name: 'E', message: 'late', stack: null }, retryable: true },
    { kind: 'release' },
    { kind: 'extend', extendMs: null },
    { kind: 'progress', progress: JsonText(1) },
  ] as const;

  it.each(late)('$kind of an attempt whose lease is gone changes nothing', (command) => {
    const queue = new TestQueue({ ...IMMEDIATE, workerCount: 3 });
    const id = queue.submit({ timeoutMs: 1_000 });
    queue.tick(queue.at + 1_000);
    const second = queue.job(id);
    expect(second).toMatchObject({ state: 'running', attempt: 2 });
    expect(reasons(queue.ask({ ...command, jobId: id, attempt: 1 }))).toEqual(['lease-lost']);
    expect(queue.job(id)).toEqual(second);
  });
});

describe('abandoned handlers', () => {
  it('give their slot free, but once as many linger as there are workers, nothing starts until one ends', () => {
    const queue = new TestQueue({ workerCount: 2 });
    const [a, b] = [queue.submit({ timeoutMs: 1_000 }), queue.submit({ timeoutMs: 1_000 })];
    const [c, d] = [queue.submit(), queue.submit()];
    const atOne = queue.tick(queue.at + 1_000);
    expect(aborted(atOne)).toEqual([`${a} timeout`, `${b} timeout`]);
    expect(started(atOne)).toEqual([]);
    expect(queue.queue.abandoned).toBe(2);
    expect(started(queue.step({ kind: 'ended', jobId: a, attempt: 1 }))).toEqual([c, d]);
  });

  it('are forgotten when they answer at last, whatever they say', () => {
    const queue = new TestQueue();
    const id = queue.submit({ timeoutMs: 1_000 });
    queue.tick(queue.at + 1_000);
    queue.step({ kind: 'succeed', jobId: id, attempt: 1, result: JsonText('late') });
    expect(queue.queue.abandoned).toBe(0);
  });

  it('still linger when they ask for more time', () => {
    const queue = new TestQueue();
    const id = queue.submit({ timeoutMs: 1_000 });
    queue.tick(queue.at + 1_000);
    queue.step({ kind: 'extend', jobId: id, attempt: 1, extendMs: null });
    expect(queue.queue.abandoned).toBe(1);
  });
});

describe('crashes', () => {
  const crash = (queue: TestQueue, settings = {}): TestQueue => {
    const next = new TestQueue({ ...settings }, queue.tables);
    next.at = queue.at;
    next.step({ kind: 'recover' });
    return next;
  };

  it('make what was running pending again at once, one crash the more and no failure', () => {
    const queue = new TestQueue({ workerCount: 1 });
    const id = queue.submit();
    expect(crash(queue, { workerCount: 0 }).job(id)).toMatchObject({
      state: 'pending',
      crashes: 1,
      failures: 0,
      suspect: true,
      lastError: { name: 'CrashError' },
    });
  });

  it('the third makes the job dead, saying so', () => {
    let queue = new TestQueue();
    const id = queue.submit();
    for (let i = 0; i < 3; i++) queue = crash(queue);
    expect(queue.job(id)).toMatchObject({ state: 'dead', crashes: 3, attempt: 3 });
    expect(queue.job(id).lastError?.message).toContain('crash 3 of 3: no further attempt');
  });

  it('make suspects run one at a time, beside ordinary jobs', () => {
    const queue = new TestQueue({ workerCount: 3 });
    const suspects = [queue.submit(), queue.submit(), queue.submit()];
    const next = crash(queue, { workerCount: 3 });
    const running = () => suspects.filter((id) => next.job(id).state === 'running');
    expect(running()).toEqual([suspects[0]]);
    const ordinary = next.submit();
    expect(next.job(ordinary).state).toBe('running');
    next.succeed(suspects[0] ?? ordinary);
    expect(running()).toEqual([suspects[1]]);
  });
});

it('a give-back makes the job pending at once and counts as neither failure nor crash', () => {
  const queue = new TestQueue();
  const id = queue.submit();
  queue.step({ kind: 'drain' }, { kind: 'release', jobId: id, attempt: 1 });
  expect(queue.job(id)).toMatchObject({ state: 'pending', runAt: queue.at, failures: 0, crashes: 0, attempt: 1 });
});

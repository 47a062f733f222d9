import { describe, expect, it } from 'vitest';
import { Instant, JsonText } from '../../../core/job/job.ts';
import type { Stats } from '../../../core/queue/effect.ts';
import { TestQueue, reasons, submission } from '../../support/queue.ts';

function statsOf(queue: TestQueue): Stats {
  const reply = queue.ask({ kind: 'stats' });
  if (reply.kind !== 'stats') throw new Error('no stats');
  return reply.stats;
}

describe('a submission', () => {
  it('is answered as it stands before anything else happens to it: pending', () => {
    const queue = new TestQueue();
    const reply = queue.ask({ kind: 'submit', submissions: [submission()] });
    expect(reply).toMatchObject({
      kind: 'submitted',
      outcomes: [{ replayed: false, job: { state: 'pending', attempt: 0 } }],
    });
  });

  it("takes what it leaves open from its type's settings", () => {
    const queue = new TestQueue();
    expect(queue.job(queue.submit())).toMatchObject({ maxRetries: 3, timeoutMs: 30_000 });
    expect(queue.job(queue.submit({ maxRetries: 0, timeoutMs: 100 }))).toMatchObject({ maxRetries: 0, timeoutMs: 100 });
  });

  it('of a type that no handler runs is refused', () => {
    const queue = new TestQueue();
    expect(reasons(queue.ask({ kind: 'submit', submissions: [submission({ type: 'fax' })] }))).toEqual([
      'unknown-type',
    ]);
  });

  it('is refused while shutting down', () => {
    const queue = new TestQueue();
    queue.step({ kind: 'drain' });
    expect(reasons(queue.ask({ kind: 'submit', submissions: [submission()] }))).toEqual(['draining']);
  });
});

describe('a key', () => {
  it('that came before with the same request gives the first job', () => {
    const queue = new TestQueue();
    const first = queue.submit({ idempotencyKey: 'k', payload: JsonText({ a: 1, b: [2, { c: 3 }] }) });
    const again = submission({ idempotencyKey: 'k', payload: JsonText({ b: [2, { c: 3 }], a: 1 }), priority: 5 });
    expect(queue.ask({ kind: 'submit', submissions: [again] })).toMatchObject({
      outcomes: [{ replayed: true, job: { id: first, priority: 0 } }],
    });
  });

  it.each([
    ['another payload', { payload: JsonText({ a: 2 }) }],
    ['another queue', { queue: 'other' }],
    ['another type', { type: 'resize' }],
    ['a payload with one key more', { payload: JsonText({ a: 1, b: 1 }) }],
    ['an array in place of an object', { payload: JsonText([1]) }],
  ])('that came before with %s is refused and changes nothing', (_, difference) => {
    const queue = new TestQueue({ workerCount: 0 });
    const first = queue.submit({ idempotencyKey: 'k', payload: JsonText({ a: 1 }) });
    const before = queue.job(first);
    const again = submission({ idempotencyKey: 'k', payload: JsonText({ a: 1 }), ...difference });
    expect(reasons(queue.ask({ kind: 'submit', submissions: [again] }))).toEqual(['key-reused']);
    expect(queue.job(first)).toEqual(before);
  });

  it('is free again once its job is deleted', () => {
    const queue = new TestQueue();
    const first = queue.submit({ idempotencyKey: 'k' });
    queue.succeed(first);
    queue.ask({ kind: 'delete', jobId: first });
    expect(queue.submit({ idempotencyKey: 'k', payload: JsonText('new') })).not.toBe(first);
  });

  it('twice in one request makes one job', () => {
    const queue = new TestQueue();
    const [a, b] = [submission({ idempotencyKey: 'k' }), submission({ idempotencyKey: 'k' })];
    const reply = queue.ask({ kind: 'submit', submissions: [a, b] });
    expect(reply).toMatchObject({ outcomes: [{ replayed: false }, { replayed: true, job: { id: a.id } }] });
  });
});

describe("a payload that does not fit its type's schema", () => {
  const misfits = new Map([[0, [{ path: '/payload/to', message: 'is missing' }]]]);

  it('is refused and nothing is stored', () => {
    const queue = new TestQueue();
    const reply = queue.ask({ kind: 'submit', submissions: [submission()], misfits });
    expect(reply).toMatchObject({ refusals: [{ reason: 'payload-mismatch', index: 0, misfits: misfits.get(0) }] });
    expect(queue.ask({ kind: 'stats' })).toMatchObject({ stats: { depth: 0 } });
  });

  it('is a replay all the same, if it was stored before the schema changed', () => {
    const queue = new TestQueue();
    const first = queue.submit({ idempotencyKey: 'k' });
    const again = submission({ idempotencyKey: 'k' });
    expect(queue.ask({ kind: 'submit', submissions: [again], misfits })).toMatchObject({
      outcomes: [{ replayed: true, job: { id: first } }],
    });
  });
});

describe('all or nothing', () => {
  it('one bad submission refuses the whole request, naming each bad one', () => {
    const queue = new TestQueue();
    const submissions = [submission(), submission({ type: 'fax' }), submission(), submission({ type: 'telex' })];
    expect(queue.ask({ kind: 'submit', submissions })).toMatchObject({
      kind: 'refused',
      refusals: [
        { reason: 'unknown-type', index: 1 },
        { reason: 'unknown-type', index: 3 },
      ],
    });
    expect(queue.ask({ kind: 'stats' })).toMatchObject({ stats: { depth: 0 } });
  });
});

describe('backpressure', () => {
  it('refuses what would pass the depth, delayed jobs included, and nothing before', () => {
    const queue = new TestQueue({ depthLimit: 2, workerCount: 0 });
    queue.submit({ start: { kind: 'after', delayMs: 60_000 } });
    expect(reasons(queue.ask({ kind: 'submit', submissions: [submission(), submission()] }))).toEqual(['depth-limit']);
    queue.submit();
    expect(reasons(queue.ask({ kind: 'submit', submissions: [submission()] }))).toEqual(['depth-limit']);
  });

  it('refuses by stored bytes, terminal jobs included', () => {
    const queue = new TestQueue({ bytesLimit: 2_000 });
    queue.succeed(queue.submit({ payload: JsonText('x'.repeat(1_500)) }));
    expect(reasons(queue.ask({ kind: 'submit', submissions: [submission()] }))).toEqual(['bytes-limit']);
  });

  it('tells of both limits where both would be passed', () => {
    const queue = new TestQueue({ depthLimit: 1, bytesLimit: 500, workerCount: 0 });
    queue.submit();
    const refusal = queue.ask({ kind: 'submit', submissions: [submission()] });
    expect(refusal).toMatchObject({
      refusals: [
        { reason: 'depth-limit', depth: 1, limit: 1 },
        { reason: 'bytes-limit', bytes: statsOf(queue).bytes, limit: 500 },
      ],
    });
  });

  it('answers replays even then', () => {
    const queue = new TestQueue({ depthLimit: 1, workerCount: 0 });
    queue.submit({ idempotencyKey: 'k' });
    const reply = queue.ask({ kind: 'submit', submissions: [submission({ idempotencyKey: 'k' })] });
    expect(reply).toMatchObject({ outcomes: [{ replayed: true }] });
  });

  it('never refuses a retry of a failed job', () => {
    const queue = new TestQueue({ depthLimit: 1 });
    const id = queue.submit();
    queue.fail(id);
    expect(queue.job(id).state).toBe('pending');
  });
});

describe('the time of the first attempt', () => {
  it('is now for an instant of the past', () => {
    const queue = new TestQueue();
    const id = queue.submit({ start: { kind: 'at', instant: Instant(5) } });
    expect(queue.job(id)).toMatchObject({ runAt: queue.at, state: 'running' });
  });

  it('means the instant of the wall clock, though that was set since the process started', () => {
    const queue = new TestQueue();
    queue.wallAheadMs = 3_600_000;
    const instant = Instant(queue.at + 3_600_000 + 500);
    expect(queue.job(queue.submit({ start: { kind: 'at', instant } })).runAt).toBe(queue.at + 500);
  });
});

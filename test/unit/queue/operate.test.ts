import { describe, expect, it } from 'vitest';
import { JobId, JsonText } from '../../../core/job/job.ts';
import { TestQueue, aborted, reasons, started } from '../../support/queue.ts';

describe('cancel', () => {
  it('of a running job takes its lease at once and aborts its handler', () => {
    const queue = new TestQueue();
    const id = queue.submit();
    const decided = queue.step({ kind: 'cancel', jobId: id });
    expect(aborted(decided)).toEqual([`${id} cancelled`]);
    expect(queue.job(id).state).toBe('cancelled');
    queue.step({ kind: 'succeed', jobId: id, attempt: 1, result: JsonText('late') });
    expect(queue.job(id).state).toBe('cancelled');
  });

  it('loses to a completion that came first', () => {
    const queue = new TestQueue();
    const id = queue.submit();
    queue.succeed(id);
    expect(queue.ask({ kind: 'cancel', jobId: id })).toMatchObject({
      kind: 'refused',
      refusals: [{ reason: 'wrong-state', state: 'succeeded' }],
    });
  });

  it('of a pending job means that it never starts', () => {
    const queue = new TestQueue();
    const id = queue.submit({ start: { kind: 'after', delayMs: 10 } });
    expect(queue.ask({ kind: 'cancel', jobId: id })).toMatchObject({ kind: 'job', job: { state: 'cancelled' } });
    expect(started(queue.tick(queue.at + 60_000))).toEqual([]);
  });
});

describe('retry', () => {
  it('of a dead job makes it pending now, with its counts back at 0 and its attempts growing on', () => {
    const queue = new TestQueue({ workerCount: 1 });
    const id = queue.submit();
    queue.fail(id, { retryable: false });
    expect(queue.ask({ kind: 'retry', jobId: id })).toMatchObject({
      job: { state: 'pending', failures: 0, attempt: 1 },
    });
    expect(queue.job(id)).toMatchObject({ state: 'running', attempt: 2 });
  });

  it.each(['pending', 'running', 'succeeded'])('of a %s job is refused', (state) => {
    const queue = new TestQueue({ workerCount: state === 'pending' ? 0 : 1 });
    const id = queue.submit();
    if (state === 'succeeded') queue.succeed(id);
    expect(reasons(queue.ask({ kind: 'retry', jobId: id }))).toEqual(['wrong-state']);
  });
});

describe('delete', () => {
  it('forgets a terminal job and its history', () => {
    const queue = new TestQueue();
    const id = queue.submit();
    queue.succeed(id);
    expect(queue.ask({ kind: 'delete', jobId: id })).toEqual({ kind: 'deleted' });
    expect(reasons(queue.ask({ kind: 'get', jobId: id }))).toEqual(['not-found']);
    expect(queue.tables.history(id)).toEqual([]);
  });

  it('of a job that is not terminal is refused', () => {
    const queue = new TestQueue();
    expect(reasons(queue.ask({ kind: 'delete', jobId: queue.submit() }))).toEqual(['wrong-state']);
  });
});

it.each(['cancel', 'retry', 'delete', 'get'] as const)('%s of a job that is not there says so', (kind) => {
  expect(reasons(new TestQueue().ask({ kind, jobId: JobId('nobody') }))).toEqual(['not-found']);
});

it('pausing twice happens once', () => {
  const queue = new TestQueue();
  expect(queue.step({ kind: 'pause', queue: 'q' }).events).toHaveLength(1);
  expect(queue.step({ kind: 'pause', queue: 'q' }).events).toHaveLength(0);
  expect(queue.ask({ kind: 'queues' })).toMatchObject({ queues: [{ name: 'q', paused: true }] });
});

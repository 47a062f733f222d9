import { describe, expect, test } from 'vitest';
import { Instant, JobId, JsonText } from '../../../core/job/job.ts';
import type { EventKind } from '../../../core/job/event.ts';
import type { JobState } from '../../../core/job/job.ts';
import type { QueueSettings } from '../../../core/queue/settings.ts';
import type { EventDetail } from '../../../core/store/tables.ts';
import { fenceOf, Ledger } from '../../../sim/ledger.ts';
import { Model } from '../../../sim/model.ts';
import { whyStuck } from '../../../sim/report/why-stuck.ts';

const settings: QueueSettings = {
  types: new Map([
    ['email', { concurrency: null, maxRetries: 3, timeoutMs: 100, backoff: { baseMs: 0, maxMs: 0, factor: 2 } }],
    ['index', { concurrency: 1, maxRetries: 3, timeoutMs: 100, backoff: { baseMs: 0, maxMs: 0, factor: 2 } }],
  ]),
  workerCount: 2,
  depthLimit: 10,
  bytesLimit: 10_000,
  crashesMax: 3,
  retentionMs: 0,
};

/** A life that has come to a stop, told event by event. */
class Life {
  readonly ledger = new Ledger();
  readonly model = new Model(this.ledger);
  #seq = 0;

  submit(name: string, options: { type?: string; queue?: string; runAt?: number } = {}): this {
    const { type = 'email', queue = 'default', runAt = 0 } = options;
    const id = JobId(name);
    const submission = {
      ...{ id, type, queue, payload: JsonText(null), priority: 0, idempotencyKey: null },
      ...{ maxRetries: null, timeoutMs: null, start: { kind: 'now' } as const },
    };
    this.ledger.offers.set(id, { submission, maxRetries: 3, timeoutMs: 100, monotonicMs: 0 });
    return this.happen('submitted', { name, state: 'pending', attempt: 0, detail: { runAt: Instant(runAt) } });
  }

  start(name: string, attempt = 1): this {
    this.ledger.started.add(fenceOf(JobId(name), attempt));
    return this.happen('started', { name, state: 'running', attempt, detail: { leaseUntil: Instant(100) } });
  }

  happen(
    kind: EventKind,
    event: { name?: string; state?: JobState; attempt?: number; detail?: EventDetail; queue?: string; at?: number },
  ): this {
    const { name, state = null, attempt = null, detail = null, queue = 'default', at = 10 } = event;
    this.#seq += 1;
    const jobId = name === undefined ? null : JobId(name);
    this.model.apply({ seq: this.#seq, at: Instant(at), kind, jobId, type: null, queue, state, attempt, detail });
    return this;
  }

  get why(): string[] {
    const { model, ledger } = this;
    return whyStuck({ model, ledger, settings, capacityBytes: Number.POSITIVE_INFINITY });
  }
}

describe('L8 a life that does not go on says why', () => {
  test('nothing is left, nothing is said', () => expect(new Life().why).toEqual([]));

  test('no handler runs the type', () => {
    expect(new Life().submit('a', { type: 'fax' }).why).toEqual([
      'job a (pending, attempt 0) has no handler for its type fax',
    ]);
  });

  test('the queue is paused', () => {
    const life = new Life().submit('a', { queue: 'mail' }).happen('paused', { queue: 'mail' });
    expect(life.why).toEqual(['job a (pending, attempt 0) is in the paused queue mail']);
  });

  test('it is not due', () => {
    expect(new Life().submit('a', { runAt: 60 }).why).toEqual([
      'job a (pending, attempt 0) is due 50 ms after the latest event',
    ]);
  });

  test('all workers are held, and by whom', () => {
    const life = new Life().submit('a').submit('b').submit('c').start('a').start('b');
    expect(life.why.at(-1)).toBe('job c (pending, attempt 0) waits for a worker: all 2 have a, b');
  });

  test('the limit of the type is reached', () => {
    const life = new Life().submit('a', { type: 'index' }).submit('b', { type: 'index' }).start('a');
    expect(life.why.at(-1)).toBe('job b (pending, attempt 0) waits for one of its type: a');
  });

  test('suspects run one at a time', () => {
    const life = new Life().submit('a').submit('b').start('a').start('b');
    for (const name of ['a', 'b'])
      life.happen('crashed', { name, state: 'pending', attempt: 1, detail: { runAt: Instant(0) } });
    expect(life.start('a', 2).why.at(-1)).toBe('job b (pending, attempt 1) is a suspect, and waits for suspect a');
  });

  test('nothing is in its way: the fault is the queue’s', () => {
    expect(new Life().submit('a').why).toEqual(['job a (pending, attempt 0) could start, and nothing is in its way']);
  });

  test('a handler that does not answer is told from one that was not heard', () => {
    const life = new Life().submit('a').start('a');
    expect(life.why).toEqual(['job a (running, attempt 1) is not answered']);
    life.happen('resumed', { at: 130 });
    expect(life.why).toEqual(['job a (running, attempt 1) is not answered, and its lease has been over for 30 ms']);
    life.ledger.returned.set(fenceOf(JobId('a'), 1), JsonText(1));
    expect(life.why).toEqual(['job a (running, attempt 1) has returned, and nobody heard it']);
    life.ledger.started.clear();
    expect(life.why).toEqual(['job a (running, attempt 1) has no handler: its start never left the process']);
  });

  test('the disk is full', () => {
    const { model, ledger } = new Life();
    expect(whyStuck({ model, ledger, settings, capacityBytes: 100 })).toEqual(['the disk is full']);
  });

  test('of many jobs a few are told, the rest is counted', () => {
    const life = new Life();
    for (const name of 'abcde') life.submit(name);
    expect(life.why).toHaveLength(4);
    expect(life.why.at(-1)).toBe('2 more jobs are left');
  });
});

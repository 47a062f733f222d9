// What core/store/tables.ts promises, held against each implementation.

import { afterEach, describe, expect, it } from 'vitest';
import { InvariantError } from '../../../core/job/assert.ts';
import { Instant, JobId, JsonText } from '../../../core/job/job.ts';
import type { Job, PendingJob } from '../../../core/job/job.ts';
import type { Tables } from '../../../core/store/tables.ts';
import { dump, eventRow, EVERYTHING, implementations, LATEST, pendingJob, write } from '../../support/tables.ts';

const finished = (job: PendingJob, finishedAt: number): Job => ({
  ...job,
  state: 'dead',
  finishedAt: Instant(finishedAt),
});

describe.each(await implementations())('%s tables', (_name, factory) => {
  const opened: Tables[] = [];
  const track = (tables: Tables): Tables => {
    opened.push(tables);
    return tables;
  };
  const create = (): Tables => track(factory.create());
  const load = (bytes: Uint8Array): Tables => track(factory.load(bytes));
  const withJobs = (...jobs: Job[]): Tables => {
    const tables = create();
    write(tables, () => jobs.forEach((job) => tables.putJob(job)));
    return tables;
  };
  afterEach(() => opened.splice(0).forEach((tables) => tables.close()));

  describe('transactions', () => {
    it('read their own writes', () => {
      const tables = create();
      tables.begin();
      tables.putJob(pendingJob(1));
      expect(tables.job(JobId('job-1'))).toEqual(pendingJob(1));
      tables.rollback();
    });

    it('leave no trace when they are rolled back', () => {
      const tables = withJobs(finished(pendingJob(1, { idempotencyKey: 'kept' }), 5), pendingJob(2));
      write(tables, () => {
        [2, 3, 4].forEach((seq) => tables.putEvent(eventRow(seq)));
        [5, 6].forEach((seq) => tables.putEvent(eventRow(seq, { kind: 'paused', jobId: null, type: null })));
        tables.putPaused('kept', true);
      });
      const before = dump(tables);

      tables.begin();
      tables.putMeta({ lastSeq: 9, lastAt: Instant(9), forgottenSeq: 9 });
      tables.putJob({ ...pendingJob(2), state: 'running', leaseUntil: Instant(1) });
      tables.putJob(pendingJob(3, { queue: 'new', idempotencyKey: 'new' }));
      tables.putEvent(eventRow(7, { jobId: JobId('job-3') }));
      tables.putPaused('kept', false);
      tables.putPaused('new', true);
      tables.trimFeedOnlyEvents(JobId('job-1'), 1);
      tables.trimLooseEvents(1);
      tables.removeJob(JobId('job-1'));
      tables.rollback();

      expect(dump(tables)).toEqual(before);
      expect(tables.jobByKey('new')).toBeUndefined();
      expect(tables.oldestPendingAt('new')).toBeUndefined();
      expect(write(tables, () => tables.trimLooseEvents(1))).toBe(5);
    });

    it('take a number and a key again after a rollback', () => {
      const tables = create();
      tables.begin();
      tables.putJob(pendingJob(1, { id: JobId('first'), idempotencyKey: 'key' }));
      tables.putEvent(eventRow(1, { jobId: JobId('first') }));
      tables.rollback();
      const second = pendingJob(1, { id: JobId('second'), idempotencyKey: 'key' });
      write(tables, () => tables.putJob(second));
      write(tables, () => tables.putEvent(eventRow(1, { jobId: JobId('second') })));
      expect(tables.jobByKey('key')).toEqual(second);
      expect(tables.job(JobId('first'))).toBeUndefined();
    });

    it('forget a rolled back job, so that its events are refused and its id is free', () => {
      const tables = create();
      tables.begin();
      tables.putJob(pendingJob(1));
      tables.rollback();
      tables.begin();
      expect(() => tables.putEvent(eventRow(1))).toThrow(InvariantError);
      tables.putJob(pendingJob(2, { id: JobId('job-1') }));
      tables.putEvent(eventRow(3, { kind: 'started' }));
      tables.commit();
      expect(tables.history(JobId('job-1'))).toEqual([eventRow(3, { kind: 'started' })]);
    });

    it('go on after a refused write was rolled back', () => {
      const tables = withJobs(pendingJob(1, { idempotencyKey: 'key' }));
      const before = dump(tables);
      tables.begin();
      expect(() => tables.putJob(pendingJob(2, { idempotencyKey: 'key' }))).toThrow();
      tables.rollback();
      expect(dump(tables)).toEqual(before);
    });

    it.each<[string, (tables: Tables) => void]>([
      ['a job', (tables) => tables.putJob(pendingJob(1))],
      ['a removal', (tables) => tables.removeJob(JobId('job-1'))],
      ['an event', (tables) => tables.putEvent(eventRow(1, { kind: 'paused', jobId: null }))],
      ['a paused queue', (tables) => tables.putPaused('queue', true)],
      ['meta', (tables) => tables.putMeta(tables.meta())],
      ['a commit', (tables) => tables.commit()],
      ['a rollback', (tables) => tables.rollback()],
    ])('are needed for %s', (_what, misuse) => {
      const tables = withJobs(pendingJob(1));
      expect(() => misuse(tables)).toThrow(InvariantError);
    });

    it('neither nest nor let an export in', () => {
      const tables = create();
      tables.begin();
      expect(() => tables.begin()).toThrow(InvariantError);
      expect(() => tables.export()).toThrow(InvariantError);
    });
  });

  describe('jobs', () => {
    const states: Job[] = [
      pendingJob(1),
      { ...pendingJob(2, { attempt: 1, startedAt: Instant(7) }), state: 'running', leaseUntil: LATEST },
      { ...pendingJob(3), state: 'succeeded', finishedAt: Instant(0), result: JsonText({ done: [1, null] }) },
      { ...pendingJob(4, { failures: 4, suspect: true, crashes: 2 }), state: 'dead', finishedAt: LATEST },
      { ...pendingJob(5, { progress: JsonText(0.5) }), state: 'cancelled', finishedAt: Instant(3) },
    ];

    it.each(states)('that are $state come back equal', (job) => {
      const tables = withJobs(job);
      expect(tables.job(job.id)).toStrictEqual(job);
      expect([...tables.jobsIn(job.state)]).toStrictEqual([job]);
    });

    it.each(states)('change from pending to $state and back', (job) => {
      const pending = pendingJob(job.submittedSeq);
      const tables = withJobs(pending);
      write(tables, () => tables.putJob(job));
      expect(tables.job(job.id)).toStrictEqual(job);
      write(tables, () => tables.putJob(pending));
      expect(tables.job(job.id)).toStrictEqual(pending);
      expect(tables.finishedBefore(LATEST, 10)).toEqual([]);
      expect(tables.oldestPendingAt('default')).toBe(pending.createdAt);
    });

    it.each([
      ['plain', 'order-17 / ü 💥'],
      ['empty', ''],
      ['with NUL', 'a\0b\0'],
      ['with lone surrogates', '\ud800 \udfff\ud800'],
      ['with a byte order mark in front of much text', '\ufeffaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
      ['that looks escaped', '\\u0000 \\ \\\\u005c'],
      ['with quotes, line ends and SQL', `'"\r\n\u2028'); DROP TABLE job; --`],
    ])('keep strings %s', (_what, string) => {
      const lastError = { name: string, message: string, stack: string, at: Instant(1) };
      const job = pendingJob(1, {
        id: JobId(`id${string}`),
        type: `type${string}`,
        queue: `queue${string}`,
        idempotencyKey: string,
        payload: JsonText({ [string]: string }),
        progress: JsonText(string),
        lastError,
      });
      const tables = withJobs(job);
      const detail = { error: { name: string, message: string } };
      const row = eventRow(1, { jobId: job.id, type: job.type, queue: job.queue, kind: 'failed', detail });
      write(tables, () => tables.putEvent(row));
      write(tables, () => tables.putPaused(string, true));
      for (const read of [tables, load(tables.export())]) {
        expect(read.job(job.id)).toStrictEqual(job);
        expect(read.jobByKey(string)).toStrictEqual(job);
        expect(read.list({ filter: { type: job.type, queue: job.queue }, before: undefined, limit: 1 })).toEqual([job]);
        expect(read.history(job.id)).toStrictEqual([row]);
        expect(read.pausedQueues()).toEqual([string]);
      }
    });

    it('are found by exactly their key', () => {
      const keys = ['a', 'A', 'a\0', '\\u0061', 'a ', '\u00e9', 'e\u0301', '\ud800', '\udc00', '\ufffd'];
      const jobs = keys.map((idempotencyKey, index) => pendingJob(index + 1, { idempotencyKey }));
      const tables = withJobs(...jobs);
      for (const job of jobs) expect(tables.jobByKey(job.idempotencyKey ?? '')).toEqual(job);
      expect(tables.jobByKey('b')).toBeUndefined();
    });

    it('keep numbers beyond 32 bits and below 0', () => {
      const far = 2 ** 48 + 1;
      const job: Job = {
        ...pendingJob(far, { priority: -1_000, timeoutMs: 31_536_000_000, createdAt: LATEST, runAt: LATEST }),
        state: 'running',
        leaseUntil: LATEST,
      };
      const tables = withJobs(job, pendingJob(far + 1));
      write(tables, () => tables.putEvent(eventRow(far + 2, { jobId: job.id, at: LATEST })));
      write(tables, () => tables.putMeta({ lastSeq: far + 2, lastAt: LATEST, forgottenSeq: far }));
      for (const read of [tables, load(tables.export())]) {
        expect(read.job(job.id)).toStrictEqual(job);
        expect(read.list({ filter: {}, before: far + 1, limit: 9 })).toEqual([job]);
        expect(read.eventsAfter(far + 1, 9)).toHaveLength(1);
        expect(read.eventsAfter(far + 2, 9)).toHaveLength(0);
        expect(read.history(job.id)).toHaveLength(0);
        expect(read.meta()).toEqual({ lastSeq: far + 2, lastAt: LATEST, forgottenSeq: far });
      }
    });

    it('are replaced whatever came between', () => {
      const tables = withJobs(pendingJob(1), pendingJob(5), pendingJob(3));
      const replaced = pendingJob(1, { attempt: 7 });
      write(tables, () => tables.putJob(replaced));
      expect([...tables.jobsIn('pending')]).toEqual([replaced, pendingJob(3), pendingJob(5)]);
    });

    it('are iterated beyond one page', () => {
      const jobs = Array.from({ length: 1_030 }, (_, index) => pendingJob(index + 1));
      expect([...withJobs(...jobs).jobsIn('pending')]).toEqual(jobs);
    });

    it('are forgotten with their key and their events, except the deletion', () => {
      const tables = withJobs(finished(pendingJob(1, { idempotencyKey: 'key' }), 1), pendingJob(2));
      const deleted = eventRow(9, { kind: 'deleted', state: null });
      const other = eventRow(4, { jobId: JobId('job-2') });
      write(tables, () => {
        tables.putEvent(eventRow(3, { kind: 'failed' }));
        tables.putEvent(other);
        tables.putEvent(eventRow(8));
        tables.putEvent(deleted);
      });
      expect(write(tables, () => tables.removeJob(JobId('job-1')))).toBe(8);
      expect(tables.job(JobId('job-1'))).toBeUndefined();
      expect(tables.jobByKey('key')).toBeUndefined();
      expect(tables.history(JobId('job-1'))).toEqual([]);
      expect(tables.oldestFinishedAt()).toBeUndefined();
      expect(tables.eventsAfter(0, 10)).toStrictEqual([other, deleted]);
    });

    it('without events are forgotten with 0 as the highest number', () => {
      const tables = withJobs(pendingJob(1));
      expect(write(tables, () => tables.removeJob(JobId('job-1')))).toBe(0);
    });
  });

  describe('lists', () => {
    const kinds = ['email', 'resize'] as const;
    const queues = ['default', 'bulk', 'slow'] as const;
    const jobs = Array.from({ length: 60 }, (_, index): Job => {
      const job = pendingJob(index + 1, { type: kinds[index % 2] ?? '', queue: queues[index % 3] ?? '' });
      switch (index % 5) {
        case 0:
          return { ...job, state: 'running', leaseUntil: Instant(1) };
        case 1:
          return { ...job, state: 'succeeded', finishedAt: Instant(1), result: JsonText(null) };
        case 2:
          return { ...job, state: 'dead', finishedAt: Instant(1) };
        default:
          return job;
      }
    });
    const filters = [undefined, 'pending', 'running', 'succeeded', 'dead', 'cancelled'] as const;

    it.each(filters)('are complete, newest first, for the state %s and any type and queue', (state) => {
      const tables = withJobs(...jobs);
      for (const type of [undefined, ...kinds, 'other']) {
        for (const queue of [undefined, ...queues, 'other']) {
          const expected = jobs
            .filter((job) => state === undefined || job.state === state)
            .filter((job) => type === undefined || job.type === type)
            .filter((job) => queue === undefined || job.queue === queue)
            .reverse();
          const filter = { state, type, queue };
          expect(tables.list({ filter, before: undefined, limit: 100 })).toEqual(expected);
          const paged: Job[] = [];
          for (let before: number | undefined; ; before = paged.at(-1)?.submittedSeq) {
            const page = tables.list({ filter, before, limit: 3 });
            paged.push(...page);
            if (page.length < 3) break;
          }
          expect(paged).toEqual(expected);
        }
      }
    });

    it('leave deleted jobs out and start below a number that no job has', () => {
      const tables = withJobs(pendingJob(2), pendingJob(4), pendingJob(6));
      write(tables, () => tables.removeJob(JobId('job-4')));
      expect(tables.list({ filter: {}, before: 5, limit: 9 })).toEqual([pendingJob(2)]);
      expect(tables.list({ filter: {}, before: undefined, limit: 0 })).toEqual([]);
    });
  });

  describe('times', () => {
    it('of finishing order the jobs, those of one instant by submission', () => {
      const tables = withJobs(
        finished(pendingJob(1), 20),
        finished(pendingJob(2), 10),
        pendingJob(3),
        finished(pendingJob(4), 30),
        finished(pendingJob(5), 10),
      );
      expect(tables.oldestFinishedAt()).toBe(10);
      expect(tables.finishedBefore(Instant(20), 9)).toEqual(['job-2', 'job-5', 'job-1']);
      expect(tables.finishedBefore(Instant(30), 2)).toEqual(['job-2', 'job-5']);
      expect(tables.finishedBefore(Instant(9), 2)).toEqual([]);
    });

    it('of waiting are those of the job that was submitted first and is still pending', () => {
      const tables = withJobs(pendingJob(1), pendingJob(2), pendingJob(3, { queue: 'other' }));
      write(tables, () => tables.putJob({ ...pendingJob(1), state: 'running', leaseUntil: Instant(1) }));
      expect(tables.oldestPendingAt('default')).toBe(pendingJob(2).createdAt);
      expect(tables.oldestPendingAt('other')).toBe(pendingJob(3).createdAt);
      expect(tables.oldestPendingAt('unknown')).toBeUndefined();
    });
  });

  describe('events', () => {
    const loose = (seq: number) =>
      eventRow(seq, { kind: 'paused', jobId: null, type: null, state: null, attempt: null });

    it('of all kinds come back equal, in order, in pages', () => {
      const rows = [
        eventRow(1, { kind: 'submitted', state: 'pending', attempt: 0, detail: { runAt: LATEST } }),
        eventRow(2, { kind: 'started', detail: { leaseUntil: LATEST } }),
        eventRow(3, { kind: 'failed', detail: { error: { name: 'E', message: '\ud800' }, runAt: Instant(1) } }),
        loose(4),
        eventRow(5, { kind: 'deleted', state: null }),
      ];
      const tables = withJobs(pendingJob(1));
      write(tables, () => rows.forEach((row) => tables.putEvent(row)));
      expect(tables.eventsAfter(0, EVERYTHING)).toStrictEqual(rows);
      expect(tables.eventsAfter(1, 2)).toStrictEqual(rows.slice(1, 3));
      expect(tables.eventsAfter(5, 2)).toEqual([]);
      expect(tables.eventsAfter(0, 0)).toEqual([]);
    });

    it('that only the feed shows are not in the history', () => {
      const tables = withJobs(pendingJob(1));
      const started = eventRow(2, { kind: 'started' });
      write(tables, () => {
        tables.putEvent(started);
        tables.putEvent(eventRow(3, { kind: 'extended' }));
        tables.putEvent(eventRow(4, { kind: 'progressed' }));
      });
      expect(tables.history(JobId('job-1'))).toEqual([started]);
      expect(tables.history(JobId('unknown'))).toEqual([]);
    });

    it('that only the feed shows are trimmed for one job alone, the oldest first', () => {
      const tables = withJobs(pendingJob(1), pendingJob(2));
      write(tables, () => {
        tables.putEvent(eventRow(2, { kind: 'started' }));
        [3, 4, 5].forEach((seq) => tables.putEvent(eventRow(seq)));
        tables.putEvent(eventRow(6, { jobId: JobId('job-2') }));
      });
      const trim = (keep: number) => write(tables, () => tables.trimFeedOnlyEvents(JobId('job-1'), keep));
      expect(trim(3)).toBe(0);
      expect(trim(1)).toBe(4);
      expect(tables.eventsAfter(0, 9).map((row) => row.seq)).toEqual([2, 5, 6]);
      expect(trim(0)).toBe(5);
      expect(tables.eventsAfter(0, 9).map((row) => row.seq)).toEqual([2, 6]);
    });

    it('that are loose are trimmed oldest first, also in tables that were loaded', () => {
      const first = withJobs(pendingJob(1));
      write(first, () => {
        first.putEvent(eventRow(2, { kind: 'started' }));
        [3, 4, 5].forEach((seq) => first.putEvent(loose(seq)));
      });
      const tables = load(first.export());
      const trim = (keep: number) => write(tables, () => tables.trimLooseEvents(keep));
      expect(trim(3)).toBe(0);
      expect(trim(2)).toBe(3);
      write(tables, () => tables.putEvent(loose(6)));
      expect(trim(2)).toBe(4);
      expect(tables.eventsAfter(0, 9).map((row) => row.seq)).toEqual([2, 5, 6]);
    });

    it('of a job that is not there are refused', () => {
      const tables = create();
      tables.begin();
      expect(() => tables.putEvent(eventRow(1))).toThrow(InvariantError);
    });
  });

  describe('paused queues', () => {
    it('are sorted, and are paused and resumed any number of times', () => {
      const tables = create();
      const pause = (queue: string, paused: boolean) => write(tables, () => tables.putPaused(queue, paused));
      for (const queue of ['b', 'B', 'a', '\uffff', '\u{10000}', 'b']) pause(queue, true);
      pause('never', false);
      expect(tables.pausedQueues()).toEqual(['B', 'a', 'b', '\u{10000}', '\uffff']);
      pause('b', false);
      pause('b', false);
      expect(tables.pausedQueues()).toEqual(['B', 'a', '\u{10000}', '\uffff']);
    });
  });

  describe('an export', () => {
    it('of new tables loads as new tables', () => {
      const tables = load(create().export());
      expect(dump(tables)).toEqual(dump(create()));
      expect(tables.meta()).toEqual({ lastSeq: 0, lastAt: 0, forgottenSeq: 0 });
    });

    it('leaves the tables as they were, and the copy goes its own way', () => {
      const tables = withJobs(pendingJob(1));
      const bytes = tables.export();
      const copy = load(bytes);
      write(tables, () => tables.putJob(pendingJob(1, { attempt: 1 })));
      write(copy, () => copy.putJob(pendingJob(2)));
      expect(tables.job(JobId('job-1'))?.attempt).toBe(1);
      expect(dump(copy)).toEqual(dump(withJobs(pendingJob(1), pendingJob(2))));
      expect(dump(load(bytes))).toEqual(dump(withJobs(pendingJob(1))));
    });

    it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
      ['nothing', () => new Uint8Array()],
      ['zeros', (bytes) => new Uint8Array(bytes.length)],
      ['noise', (bytes) => bytes.map((_, index) => (index * 7_919) % 251)],
      ['its first half', (bytes) => bytes.slice(0, bytes.length / 2)],
      ['all but its last byte', (bytes) => bytes.slice(0, -1)],
      ['a foreign file', () => new TextEncoder().encode('{"kind":"something else","format":1}')],
    ])('is not mistaken for %s', (_what, damage) => {
      const bytes = withJobs(pendingJob(1)).export();
      expect(() => load(damage(bytes))).toThrow(Error);
    });
  });
});

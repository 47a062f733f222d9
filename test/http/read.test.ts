// Reading and managing: jobs, queues, counts and probes.

import { describe, expect, it } from 'vitest';
import {
  HealthSchema,
  JobPageSchema,
  JobSchema,
  JobWithHistorySchema,
  QueueSchema,
  QueuesSchema,
  ReadinessSchema,
  StatsSchema,
} from '../../runtime/http/wire-schema.ts';
import { createApi, pathsOf, problemOf } from '../support/http-api.ts';
import type { Api } from '../support/http-api.ts';
import { MemoryQueue } from '../support/memory-queue.ts';

const running = { settings: { workerCount: 10 } };

async function submitted(api: Api, body: object = {}): Promise<string> {
  return JobSchema.parse((await api.post('/createJob', { type: 'email', ...body })).body).id;
}

describe('GET /jobs/{id}', () => {
  it('is the job with its history, oldest first', async () => {
    const queue = new MemoryQueue(running);
    const api = createApi({ queue });
    const id = await submitted(api, { max_retries: 0 });
    queue.progress(id, { done: 0.5 });
    queue.fail(id, { retryable: true });
    const called = await api.call('GET', `/jobs/${id}`);
    expect(called.status).toBe(200);
    const job = JobWithHistorySchema.parse(called.body);
    expect(job).toMatchObject({ state: 'dead', attempt: 1, failures: 1, progress: { done: 0.5 }, lease_until: null });
    expect(job.last_error).toEqual({
      name: 'SmtpError',
      message: 'mailbox "full"\n',
      stack: 'SmtpError: mailbox\n    at send',
      at: job.finished_at,
    });
    expect(job.history.map(({ kind, attempt }) => [kind, attempt])).toEqual([
      ['submitted', 0],
      ['started', 1],
      ['failed', 1],
    ]);
    expect(job.history[1]?.lease_until).toMatch(/^2030-01-01T00:00:30\.\d{3}Z$/);
    expect(job.history[2]?.error).toEqual({ name: 'SmtpError', message: 'mailbox "full"\n' });
    expect(Object.keys(job.history[0] ?? {}).slice(0, 4)).toEqual(['seq', 'at', 'kind', 'attempt']);
  });

  it('tells the lease of a running job and the result of one that succeeded', async () => {
    const queue = new MemoryQueue(running);
    const api = createApi({ queue });
    const id = await submitted(api);
    const before = JobSchema.parse(JobPageSchema.parse((await api.call('GET', '/jobs')).body).jobs[0]);
    expect(before.state).toBe('running');
    expect(before.lease_until).not.toBeNull();
    queue.succeed(id, { __proto__: null, sent: [1, 'é\ud800'] });
    const called = await api.call('GET', `/jobs/${id}`);
    expect(called.text).toContain('"result":{"sent":[1,"é\\ud800"]}');
    expect(called.body).toMatchObject({ state: 'succeeded', lease_until: null });
  });

  it.each([
    'nope',
    '%20',
    '%zz',
    '%ff',
    '%00',
    '..%2f..',
    'a%2Fb',
    '%F0%9F%98%80',
    "'; drop table jobs",
    '🙂',
    'x'.repeat(5_000),
  ])('of %j is 404', async (id) => {
    const { call } = createApi();
    for (const path of [`/jobs/${id}`, `/jobs/${id}/`, `/jobs/${id}/nope`]) {
      expect((await call('GET', path)).status).toBe(404);
    }
    expect((await call('POST', `/jobs/${id}/cancel`)).status).toBe(404);
    expect((await call('POST', `/jobs/${id}/retry`)).status).toBe(404);
    expect((await call('DELETE', `/jobs/${id}`)).status).toBe(404);
  });
});

describe('GET /jobs', () => {
  it('lists newest first, page by page, without skipping or repeating while jobs are added', async () => {
    const api = createApi();
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1) ids.push(await submitted(api));
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const path: string = `/jobs?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page = JobPageSchema.parse((await api.call('GET', path)).body);
      seen.push(...page.jobs.map(({ id }) => id));
      cursor = page.next_cursor;
      await submitted(api);
    } while (cursor !== null);
    expect(seen).toEqual(ids.reverse());
  });

  it('ends a page early where the jobs are large, and goes on behind its last', async () => {
    const api = createApi();
    const payload = 'x'.repeat(1_000_000);
    const ids: string[] = [];
    for (let index = 0; index < 70; index += 1) ids.push(await submitted(api, { payload }));
    const first = JobPageSchema.parse((await api.call('GET', '/jobs?limit=1000')).body);
    expect(first.jobs.length).toBe(67);
    const second = JobPageSchema.parse((await api.call('GET', `/jobs?limit=1000&cursor=${first.next_cursor}`)).body);
    expect(second.next_cursor).toBeNull();
    expect([...first.jobs, ...second.jobs].map(({ id }) => id)).toEqual(ids.reverse());
  });

  it('filters by state, type and queue', async () => {
    const api = createApi();
    const id = await submitted(api, { queue: 'a' });
    await submitted(api, { queue: 'b' });
    await submitted(api, { queue: 'a', type: 'resize' });
    await api.call('POST', `/jobs/${id}/cancel`);
    const found = async (query: string): Promise<number> =>
      JobPageSchema.parse((await api.call('GET', `/jobs?${query}`)).body).jobs.length;
    expect(await found('')).toBe(3);
    expect(await found('queue=a')).toBe(2);
    expect(await found('queue=a&type=email')).toBe(1);
    expect(await found('state=cancelled')).toBe(1);
    expect(await found('state=pending&queue=a')).toBe(1);
    expect(await found('type=unheard-of')).toBe(0);
    expect(await found('&&limit=1000&')).toBe(3);
  });

  it.each([
    ['limit=0', '/limit'],
    ['limit=1001', '/limit'],
    ['limit=', '/limit'],
    ['limit', '/limit'],
    ['limit=1.5', '/limit'],
    ['limit=1e2', '/limit'],
    ['limit=%31%30%30%30%30', '/limit'],
    ['limit=-1', '/limit'],
    ['limit=5&limit=5', '/limit'],
    ['limit=%zz', '/limit'],
    ['limit=%ff', '/limit'],
    ['state=done', '/state'],
    ['state=', '/state'],
    ['state=pending&state=dead', '/state'],
    ['type=a%20b', '/type'],
    ['queue=a+b', '/queue'],
    ['cursor=x', '/cursor'],
    ['cursor=-1', '/cursor'],
    ['cursor=', '/cursor'],
    ['cursor=99999999999999999999', '/cursor'],
    ['sort=type', '/sort'],
    ['State=dead', '/State'],
    ['__proto__=1', '/__proto__'],
    ['state[]=dead', '/state[]'],
    ['%zz=1', '/%zz=1'],
    ['=1', '/'],
  ])('?%s is refused with 400', async (query, path) => {
    const { call, queue } = createApi();
    const called = await call('GET', `/jobs?${query}`);
    expect(called.status).toBe(400);
    expect(pathsOf(called)).toEqual([path]);
    expect(queue.asked).toEqual([]);
  });
});

describe('cancel, retry and delete', () => {
  it('answer with the job, without its history', async () => {
    const api = createApi();
    const id = await submitted(api);
    const cancelled = await api.call('POST', `/jobs/${id}/cancel`);
    expect(cancelled.status).toBe(200);
    expect(JobSchema.parse(cancelled.body).state).toBe('cancelled');
    const retried = await api.call('POST', `/jobs/${id}/retry`);
    expect(retried.status).toBe(200);
    expect(JobSchema.parse(retried.body).state).toBe('pending');
  });

  it('are refused with 409 in the wrong state', async () => {
    const api = createApi();
    const id = await submitted(api);
    expect((await api.call('POST', `/jobs/${id}/retry`)).status).toBe(409);
    expect((await api.call('DELETE', `/jobs/${id}`)).status).toBe(409);
    await api.call('POST', `/jobs/${id}/cancel`);
    const again = await api.call('POST', `/jobs/${id}/cancel`);
    expect(again.status).toBe(409);
    expect(problemOf(again).detail).toContain('cancelled');
  });

  it('delete forgets a job that is over, with 204 and no body', async () => {
    const api = createApi();
    const id = await submitted(api);
    await api.call('POST', `/jobs/${id}/cancel`);
    const called = await api.call('DELETE', `/jobs/${id}`);
    expect([called.status, called.text]).toEqual([204, '']);
    expect((await api.call('GET', `/jobs/${id}`)).status).toBe(404);
    expect((await api.call('DELETE', `/jobs/${id}`)).status).toBe(404);
  });
});

describe('queues and counts', () => {
  it('a queue is paused and resumed, known or not', async () => {
    const api = createApi();
    const paused = await api.call('POST', '/queues/never.seen:x/pause');
    expect(paused.status).toBe(200);
    expect(QueueSchema.parse(paused.body)).toEqual({
      name: 'never.seen:x',
      paused: true,
      pending: 0,
      running: 0,
      oldest_pending_ms: null,
    });
    expect(QueuesSchema.parse((await api.call('GET', '/queues')).body).queues).toHaveLength(1);
    expect((await api.call('POST', '/queues/never.seen%3Ax/resume')).body).toMatchObject({ paused: false });
  });

  it.each(['a%20b', '%zz', '%ff', '%2F', 'x'.repeat(129), 'ä'])('a queue named %j is refused', async (name) => {
    const { call, queue } = createApi();
    expect([400, 404]).toContain((await call('POST', `/queues/${name}/pause`)).status);
    expect(queue.asked).toEqual([]);
  });

  it('names such as __proto__ and constructor are names like any other', async () => {
    const queue = new MemoryQueue({
      types: Object.fromEntries([
        ['__proto__', null],
        ['constructor', null],
      ]),
    });
    const api = createApi({ queue });
    expect((await api.post('/createJob', { type: 'constructor', queue: '__proto__' })).status).toBe(201);
    expect((await api.post('/createJob', { type: '__proto__', queue: 'constructor' })).status).toBe(201);
    const called = await api.call('GET', '/stats');
    const { queues, types } = called.body as { queues: object; types: object };
    expect(Object.keys(queues)).toEqual(['__proto__', 'constructor']);
    expect(Object.keys(types).sort()).toEqual(['__proto__', 'constructor']);
  });

  it('stats count jobs by state, queue and type', async () => {
    const api = createApi();
    await submitted(api);
    await submitted(api, { type: 'resize', queue: 'images' });
    await api.call('POST', '/queues/images/pause');
    const called = await api.call('GET', '/stats');
    const stats = StatsSchema.parse(called.body);
    expect(Object.keys(called.body as object)).toEqual(
      'jobs queues types abandoned depth depth_limit bytes bytes_limit durable_seq uptime_ms'.split(' '),
    );
    expect(stats).toMatchObject({
      jobs: { pending: 2, running: 0, succeeded: 0, dead: 0, cancelled: 0 },
      queues: { default: { pending: 1, paused: false }, images: { pending: 1, paused: true } },
      types: { email: { pending: 1 }, resize: { pending: 1 } },
      depth: 2,
      depth_limit: 100_000,
      durable_seq: 3,
    });
  });
});

describe('probes', () => {
  it('healthz is 200 while the process lives', async () => {
    const { call } = createApi();
    expect(HealthSchema.parse((await call('GET', '/healthz')).body)).toEqual({ status: 'ok' });
  });

  it('readyz is 200 with warnings, and 503 with the reason while jobs cannot be stored', async () => {
    const { call, queue } = createApi();
    queue.state = { refusing: null, warnings: ['3 abandoned handlers linger.'] };
    const ready = await call('GET', '/readyz');
    expect(ready.status).toBe(200);
    expect(ReadinessSchema.parse(ready.body).warnings).toEqual(['3 abandoned handlers linger.']);
    queue.state = { refusing: 'The disk is full.', warnings: [] };
    const refusing = await call('GET', '/readyz');
    expect(refusing.status).toBe(503);
    expect(problemOf(refusing).detail).toBe('The disk is full.');
    expect(refusing.headers.get('retry-after')).toMatch(/^\d+$/);
  });

  it('metrics are what the function says, and 404 without one', async () => {
    const { call } = createApi({ metrics: async () => 'perdure_jobs 1\n' });
    const called = await call('GET', '/metrics');
    expect([called.status, called.text]).toEqual([200, 'perdure_jobs 1\n']);
    expect(called.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect((await createApi().call('GET', '/metrics')).status).toBe(404);
  });
});

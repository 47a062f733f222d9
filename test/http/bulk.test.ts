// POST /createJobs: all or nothing, with every error of the lowest status.

import { describe, expect, it } from 'vitest';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { JobId } from '../../core/job/job.ts';
import { parseBulk } from '../../runtime/http/bulk.ts';
import { BulkResultSchema } from '../../runtime/http/wire-schema.ts';
import { createApi, pathsOf, problemOf } from '../support/http-api.ts';
import { MemoryQueue } from '../support/memory-queue.ts';

const email = { type: 'email' };

describe('a bulk submission', () => {
  it('stores its jobs in order', async () => {
    const { post, queue } = createApi();
    const called = await post('/createJobs', { jobs: [email, { type: 'resize', payload: { a: 1 } }, email] });
    expect(called.status).toBe(201);
    const { jobs } = BulkResultSchema.parse(called.body);
    expect(jobs.map(({ state, replayed }) => [state, replayed])).toEqual(Array(3).fill(['pending', false]));
    expect(jobs.map(({ id }) => queue.job(id).type)).toEqual(['email', 'resize', 'email']);
    expect(Object.keys(jobs[0] ?? {})).toEqual(['id', 'state', 'replayed']);
  });

  it('is answered 200 if all of it came before, 201 if only some', async () => {
    const { post } = createApi();
    const jobs = ['a', 'b'].map((key) => ({ ...email, idempotency_key: key }));
    expect((await post('/createJobs', { jobs })).status).toBe(201);
    expect((await post('/createJobs', { jobs })).status).toBe(200);
    const more = await post('/createJobs', { jobs: [...jobs, email] });
    expect(more.status).toBe(201);
    expect(BulkResultSchema.parse(more.body).jobs.map(({ replayed }) => replayed)).toEqual([true, true, false]);
  });

  it('takes 10 000 jobs and not one more', async () => {
    const { post } = createApi();
    const jobs = Array(10_000).fill(email);
    expect((await post('/createJobs', { jobs })).status).toBe(201);
    const called = await post('/createJobs', { jobs: [...jobs, email] });
    expect(called.status).toBe(400);
    expect(pathsOf(called)).toEqual(['/jobs']);
  });

  it('may have 64 times the bytes of a job', async () => {
    const { post } = createApi({ http: { bodyBytesMax: 100 } });
    const frame = JSON.stringify({ jobs: Array(60).fill({ type: 'email', payload: 'x'.repeat(60) }) });
    const padded = frame + ' '.repeat(6_400 - frame.length);
    expect((await post('/createJobs', padded)).status).toBe(201);
    expect((await post('/createJobs', `${padded} `)).status).toBe(413);
  });

  const BAD: readonly (readonly [name: string, body: string | object, paths: readonly string[]])[] = [
    ['nothing', '', ['']],
    ['a list', [email], ['']],
    ['null', 'null', ['']],
    ['an empty object', {}, ['/jobs']],
    ['no jobs', { jobs: [] }, ['/jobs']],
    ['jobs of null', { jobs: null }, ['/jobs']],
    ['jobs as an object', { jobs: { 0: email } }, ['/jobs']],
    ['jobs given twice', '{"jobs":[{"type":"email"}],"jobs":[{"type":"email"}]}', ['/jobs']],
    ['an unknown field', { jobs: [email], queue: 'x' }, ['/queue']],
    ['a __proto__ field', '{"jobs":[{"type":"email"}],"__proto__":{}}', ['/__proto__']],
    ['a trailing comma', '{"jobs":[{"type":"email"},]}', ['']],
    ['a missing bracket', '{"jobs":[{"type":"email"}}', ['']],
    ['text behind', '{"jobs":[{"type":"email"}]} x', ['']],
    ['a broken second job', '{"jobs":[{"type":"email"},{"type":}]}', ['']],
    ['a job that is none', { jobs: [email, 1, null, [email]] }, ['/jobs/1', '/jobs/2', '/jobs/3']],
    ['a field twice in one job', '{"jobs":[{"type":"email","type":"email"}]}', ['/jobs/0/type']],
    [
      '65 levels in one job',
      `{"jobs":[{"type":"email","payload":${'['.repeat(65)}${']'.repeat(65)}}]}`,
      ['/jobs/0/payload'],
    ],
    ['1e999 in one job', '{"jobs":[{"type":"email"},{"type":"email","payload":1e999}]}', ['/jobs/1/payload']],
    [
      'errors in several jobs',
      { jobs: [{ type: '' }, email, { type: 'email', priority: 'x', nope: 1 }, { type: 'unheard-of' }] },
      ['/jobs/0/type', '/jobs/2/nope', '/jobs/2/priority'],
    ],
  ];

  it.each(BAD)('with %s is refused with 400', async (_, body, paths) => {
    const { post, queue } = createApi();
    const called = await post('/createJobs', body);
    expect(called.status).toBe(400);
    expect(pathsOf(called)).toEqual([...paths]);
    expect(queue.asked).toEqual([]);
  });

  it('takes 64 levels in a payload: those around it do not count', async () => {
    const { post } = createApi();
    const body = `{"jobs":[{"type":"email","payload":${'['.repeat(64)}${']'.repeat(64)}}]}`;
    expect((await post('/createJobs', body)).status).toBe(201);
  });

  it('lists 100 000 errors at most and counts the others', async () => {
    const { post } = createApi();
    const fields = Array.from({ length: 900 }, (_, index) => `"${index}":1`).join(',');
    const called = await post('/createJobs', `{"jobs":[${Array(130).fill(`{"type":"email",${fields}}`).join(',')}]}`);
    expect(called.status).toBe(400);
    expect(pathsOf(called)).toHaveLength(100_000);
    expect(problemOf(called).detail).toMatch(/There are 117000 errors in all/);
  });

  it('keeps no more errors in memory than it lists, however many there are', async () => {
    const job = `{"type":"email",${Array.from({ length: 900 }, (_, index) => `"${index}":1`).join(',')}}`;
    const parsed = await parseBulk(`{"jobs":[${Array(130).fill(job).join(',')}]}`, {
      jobBytesMax: 1_048_576,
      newJobId: () => JobId('never-made'),
    });
    expect(parsed.ok ? [] : parsed.problem.errors).toHaveLength(100_000);
  });

  it('does not take the Idempotency-Key header', async () => {
    const { post } = createApi();
    expect((await post('/createJobs', { jobs: [email] }, { 'idempotency-key': 'k' })).status).toBe(400);
  });

  it('names the header beside every other error of the status', async () => {
    const { post } = createApi({ http: { bodyBytesMax: 100 } });
    const wrong = {
      jobs: [
        { ...email, priority: 5_000 },
        { type: 'email', payload: 'x'.repeat(100) },
      ],
    };
    const called = await post('/createJobs', wrong, { 'idempotency-key': 'k' });
    expect(called.status).toBe(400);
    expect(pathsOf(called)).toEqual(['/Idempotency-Key', '/jobs/0/priority']);
  });

  it('with jobs that are too large names each of them: 413, but after every 400', async () => {
    const { post } = createApi({ http: { bodyBytesMax: 100 } });
    const large = { type: 'email', payload: 'x'.repeat(100) };
    const called = await post('/createJobs', { jobs: [large, email, { ...large, payload: 'é'.repeat(40) }] });
    expect(called.status).toBe(413);
    expect(pathsOf(called)).toEqual(['/jobs/0', '/jobs/2']);
    const worse = await post('/createJobs', {
      jobs: [
        { ...large, priority: 'x' },
        { ...email, nope: 1 },
      ],
    });
    expect(worse.status).toBe(400);
    expect(pathsOf(worse)).toEqual(['/jobs/0/priority', '/jobs/1/nope']);
  });

  it('counts the bytes of a job as they came, whitespace included', async () => {
    const { post } = createApi({ http: { bodyBytesMax: 100 } });
    const job = (spaces: number): string => `{"type":"email"${' '.repeat(spaces)}}`;
    expect((await post('/createJobs', `{"jobs":[${job(84)}]}`)).status).toBe(201);
    expect((await post('/createJobs', `{"jobs":[${job(85)}]}`)).status).toBe(413);
  });

  it('with unknown types and reused keys names each of them', async () => {
    const { post, queue } = createApi();
    await post('/createJob', { ...email, idempotency_key: 'k' });
    const before = queue.submitted.length;
    const called = await post('/createJobs', {
      jobs: [email, { type: 'emial' }, { ...email, payload: 1, idempotency_key: 'k' }],
    });
    expect(called.status).toBe(422);
    expect(pathsOf(called)).toEqual(['/jobs/1/type', '/jobs/2/idempotency_key']);
    expect(queue.tables.list({ filter: {}, before: undefined, limit: 10 })).toHaveLength(before);
  });
});

describe('a payload that does not fit the schema of its type', () => {
  const schema: StandardSchemaV1 = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value) =>
        typeof value === 'object' && value !== null && 'to' in value
          ? { value: 'something else' }
          : { issues: [{ message: 'is required', path: ['to', { key: 'x/y' }] }, { message: 'is no mail' }] },
    },
  };
  const api = () => createApi({ queue: new MemoryQueue({ types: { email: schema, resize: null } }) });

  it('is refused with 422 and the paths of the schema', async () => {
    const { post, queue } = api();
    const called = await post('/createJob', { type: 'email', payload: {} });
    expect(called.status).toBe(422);
    expect(problemOf(called).errors).toEqual([
      { path: '/payload/to/x~1y', message: 'is required' },
      { path: '/payload', message: 'is no mail' },
    ]);
    expect(queue.asked).toEqual([]);
  });

  it('is named in a bulk submission, beside unknown types', async () => {
    const { post } = api();
    const called = await post('/createJobs', {
      jobs: [{ type: 'email', payload: { to: 'a' } }, { type: 'email' }, { type: 'nope' }, { type: 'resize' }],
    });
    expect(called.status).toBe(422);
    expect(pathsOf(called)).toEqual(['/jobs/1/payload', '/jobs/1/payload/to/x~1y', '/jobs/2/type']);
  });

  it('is refused where the schema says no, and not why', async () => {
    const mute: StandardSchemaV1 = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [] }) } };
    const { post, queue } = createApi({ queue: new MemoryQueue({ types: { email: mute } }) });
    const called = await post('/createJob', { type: 'email', payload: {} });
    expect(called.status).toBe(422);
    expect(pathsOf(called)).toEqual(['/payload']);
    expect(queue.asked).toEqual([]);
  });

  it('is stored as it was sent where it fits, whatever the schema makes of it', async () => {
    const { post, queue } = api();
    expect((await post('/createJob', { type: 'email', payload: { to: 'a' } })).status).toBe(201);
    expect(queue.submitted[0]?.payload).toBe('{"to":"a"}');
  });

  it('is answered as the replay that it is, though the schema was tightened since', async () => {
    let isStrict = false;
    const tightened: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => (isStrict ? { issues: [{ message: 'is too old' }] } : { value }),
      },
    };
    const { post } = createApi({ queue: new MemoryQueue({ types: { email: tightened } }) });
    const body = { type: 'email', payload: { to: 'ada' }, idempotency_key: 'k' };
    expect((await post('/createJob', body)).status).toBe(201);
    isStrict = true;
    expect((await post('/createJob', body)).status).toBe(200);
    expect((await post('/createJob', { ...body, idempotency_key: 'other' })).status).toBe(422);
  });

  it('is listed in bulk beside reused keys and unknown types: every error of the status', async () => {
    const { post } = api();
    await post('/createJob', { type: 'resize', payload: 1, idempotency_key: 'k' });
    const called = await post('/createJobs', {
      jobs: [
        { type: 'resize', payload: 2, idempotency_key: 'k' },
        { type: 'email', payload: 'no object' },
        { type: 'fax', idempotency_key: 'new' },
      ],
    });
    expect(called.status).toBe(422);
    const paths = pathsOf(called).map((path) => path.replace(/(payload).*/, '$1'));
    expect(new Set(paths)).toEqual(new Set(['/jobs/0/idempotency_key', '/jobs/1/payload', '/jobs/2/type']));
  });

  it('answers 500 and stores nothing where the schema itself breaks', async () => {
    const broken: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('secret of /etc/passwd');
        },
      },
    };
    const { post, queue, logged } = createApi({ queue: new MemoryQueue({ types: { email: broken } }) });
    const called = await post('/createJob', { type: 'email' });
    expect(called.status).toBe(500);
    expect(called.text).not.toContain('secret');
    expect(logged).toEqual(['a request failed']);
    expect(queue.asked).toEqual([]);
  });
});

// POST /createJob: what is stored, and how it is answered.

import { describe, expect, it } from 'vitest';
import { JobSchema } from '../../runtime/http/wire-schema.ts';
import { createApi } from '../support/http-api.ts';
import { MemoryQueue } from '../support/memory-queue.ts';

type JobBody = { readonly id: string; readonly payload: unknown; readonly [field: string]: unknown };

describe('a submission', () => {
  it('is answered 201 with the path of the job and the job, its fields in order', async () => {
    const { post } = createApi();
    const called = await post('/createJob', { type: 'email', payload: { to: 'ada' } });
    expect(called.status).toBe(201);
    const job = called.body as JobBody;
    expect(called.headers.get('location')).toBe(`/jobs/${job.id}`);
    expect(called.headers.get('content-type')).toBe('application/json');
    expect(Object.keys(job)).toEqual(
      (
        'id type queue payload state priority attempt failures crashes max_retries timeout_ms run_at idempotency_key ' +
        'created_at started_at finished_at lease_until progress result last_error'
      ).split(' '),
    );
    expect(job).toEqual({
      id: job.id,
      type: 'email',
      queue: 'default',
      payload: { to: 'ada' },
      state: 'pending',
      priority: 0,
      attempt: 0,
      failures: 0,
      crashes: 0,
      max_retries: 3,
      timeout_ms: 30_000,
      run_at: '2030-01-01T00:00:00.001Z',
      idempotency_key: null,
      created_at: '2030-01-01T00:00:00.001Z',
      started_at: null,
      finished_at: null,
      lease_until: null,
      progress: null,
      result: null,
      last_error: null,
    });
    JobSchema.parse(job);
  });

  it('is the same under /jobs', async () => {
    const { post, queue } = createApi();
    expect((await post('/jobs', { type: 'email' })).status).toBe(201);
    expect(queue.submitted).toHaveLength(1);
  });

  it('takes every field', async () => {
    const { post } = createApi();
    const called = await post('/createJob', {
      type: 'resize',
      payload: [1, null, 'x'],
      max_retries: 7,
      idempotency_key: 'k',
      queue: 'images',
      priority: -1000,
      run_at: '2031-05-06T07:08:09.123456+02:00',
      timeout_ms: 100,
    });
    expect(called.status).toBe(201);
    expect(called.body).toMatchObject({
      type: 'resize',
      payload: [1, null, 'x'],
      max_retries: 7,
      idempotency_key: 'k',
      queue: 'images',
      priority: -1000,
      run_at: '2031-05-06T05:08:09.123Z',
      timeout_ms: 100,
    });
  });

  it('takes null in an optional field as absent', async () => {
    const { post, queue } = createApi();
    const called = await post('/createJob', {
      type: 'email',
      payload: null,
      max_retries: null,
      idempotency_key: null,
      queue: null,
      priority: null,
      run_at: null,
      delay_ms: null,
      timeout_ms: null,
    });
    expect(called.status).toBe(201);
    const [one] = queue.submitted;
    expect(one).toMatchObject({
      maxRetries: null,
      timeoutMs: null,
      idempotencyKey: null,
      queue: 'default',
      priority: 0,
    });
    expect(one?.start).toEqual({ kind: 'now' });
  });

  it('takes run_at together with a null delay_ms, and the other way round', async () => {
    const { post, queue } = createApi();
    await post('/createJob', { type: 'email', run_at: '2031-01-01T00:00:00Z', delay_ms: null });
    await post('/createJob', { type: 'email', run_at: null, delay_ms: 5 });
    expect(queue.submitted.map(({ start }) => start)).toEqual([
      { kind: 'at', instant: Date.UTC(2031, 0, 1) },
      { kind: 'after', delayMs: 5 },
    ]);
  });

  const PAYLOADS: readonly (readonly [name: string, sent: string, kept: string])[] = [
    ['a __proto__ key', '{"__proto__":{"admin":true},"a":1}', '{"__proto__":{"admin":true},"a":1}'],
    ['a constructor key', '{"constructor":{"prototype":1}}', '{"constructor":{"prototype":1}}'],
    ['lone surrogates', '["\\ud800","\\udc00x"]', '["\\ud800","\\udc00x"]'],
    ['negative zero', '[-0,-0.0,0]', '[0,0,0]'],
    ['the last of two equal keys', '{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
    ['digits beyond a double', '0.1000000000000000055511151231257827', '0.1'],
    ['a large integer', '12345678901234567890', '12345678901234567000'],
    ['the largest double', '1.7976931348623157e308', '1.7976931348623157e+308'],
    ['a number too small to be one', '1e-400', '0'],
    ['whitespace around', ' [ 1 ,\t2\r\n] ', '[1,2]'],
    ['escapes', '"\\u00e9\\n\\/\\u2028"', '"é\\n/\u2028"'],
    ['characters beyond the BMP', '"😀"', '"😀"'],
    ['64 levels', '['.repeat(64) + ']'.repeat(64), '['.repeat(64) + ']'.repeat(64)],
    ['64 levels of objects', '{"a":'.repeat(64) + '1' + '}'.repeat(64), '{"a":'.repeat(64) + '1' + '}'.repeat(64)],
    ['a bare string', '"x"', '"x"'],
    ['false', 'false', 'false'],
  ];

  it.each(PAYLOADS)('keeps a payload with %s', async (_, sent, kept) => {
    const { post, queue } = createApi();
    const called = await post('/createJob', `{"type":"email","payload":${sent}}`);
    expect(called.status).toBe(201);
    expect(queue.submitted[0]?.payload).toBe(kept);
    expect(called.text).toContain(`"payload":${kept},`);
  });

  it.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; Charset="Utf-8"',
    'application/json;',
  ])('comes as %s', async (contentType) => {
    const { post } = createApi();
    expect((await post('/createJob', { type: 'email' }, { 'content-type': contentType })).status).toBe(201);
  });

  it('may say that it has no content encoding', async () => {
    const { post } = createApi();
    expect((await post('/createJob', { type: 'email' }, { 'content-encoding': 'identity' })).status).toBe(201);
  });

  it('of exactly the largest size is taken', async () => {
    const { post } = createApi({ http: { bodyBytesMax: 1_000 } });
    const frame = '{"type":"email","payload":""}';
    const text = frame.replace('""', `"${'x'.repeat(1_000 - frame.length)}"`);
    expect((await post('/createJob', text)).status).toBe(201);
  });
});

describe('an idempotency key', () => {
  it('that came before with the same request is answered with its job', async () => {
    const { post } = createApi();
    const first = await post('/createJob', { type: 'email', payload: { a: 1, b: 2 }, idempotency_key: 'k' });
    const again = await post('/createJob', '{"idempotency_key":"k","payload":{"b":2,"a":1},"type":"email"}');
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((again.body as JobBody).id).toBe((first.body as JobBody).id);
  });

  const KEYS: readonly (readonly [name: string, header: string, key: string])[] = [
    ['bare', 'order-1', 'order-1'],
    ['in quotes', '"order-1"', 'order-1'],
    ['with an escaped quote', '"a\\"b\\\\c"', 'a"b\\c'],
    ['bare with a comma', 'a, b', 'a, b'],
    ['bare with an inner quote', 'a"b', 'a"b'],
    ['of 255 characters', 'k'.repeat(255), 'k'.repeat(255)],
    ['in Latin-1', 'schl\u00fcssel', 'schlüssel'],
    ['in UTF-8', 'schl\u00c3\u00bcssel', 'schlüssel'],
  ];

  it.each(KEYS)('in the header is the same thing: %s', async (_, header, key) => {
    const { post, queue } = createApi();
    const byHeader = await post('/createJob', { type: 'email' }, { 'idempotency-key': header });
    const byBody = await post('/createJob', { type: 'email', idempotency_key: key });
    const byBoth = await post('/createJob', { type: 'email', idempotency_key: key }, { 'idempotency-key': header });
    expect([byHeader.status, byBody.status, byBoth.status]).toEqual([201, 200, 200]);
    expect(queue.submitted[0]?.idempotencyKey).toBe(key);
  });

  it('with another request is refused with 422', async () => {
    const { post } = createApi();
    await post('/createJob', { type: 'email', idempotency_key: 'k' });
    for (const other of [{ type: 'resize' }, { type: 'email', queue: 'q' }, { type: 'email', payload: 1 }]) {
      const called = await post('/createJob', { ...other, idempotency_key: 'k' });
      expect(called.status).toBe(422);
      expect(called.body).toMatchObject({
        type: 'urn:perdure:problem:key-reused',
        errors: [{ path: '/idempotency_key' }],
      });
    }
  });

  it('is found again even for a type that has lost its handler', async () => {
    const queue = new MemoryQueue();
    const api = createApi({ queue });
    await api.post('/createJob', { type: 'email', idempotency_key: 'k' });
    const successor = new MemoryQueue({ types: { other: null } });
    const job = queue.tables.jobByKey('k');
    if (job === undefined) throw new Error('no job');
    successor.tables.begin();
    successor.tables.putJob(job);
    successor.tables.commit();
    const later = createApi({ queue: successor });
    expect((await later.post('/createJob', { type: 'email', idempotency_key: 'k' })).status).toBe(200);
    expect((await later.post('/createJob', { type: 'email', idempotency_key: 'l' })).status).toBe(422);
  });
});

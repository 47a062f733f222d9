// A module of handlers, end to end: what HANDLERS may say, what a handler is given, and what becomes of what it answers.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kindsOf } from '../support/client.ts';
import type { JobJson } from '../support/client.ts';
import { handlersIn, launch } from '../support/process.ts';
import { waitUntil } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const HANDLERS = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const gate = async () => { while (!existsSync(process.env.GATE)) await wait(10); };
const note = (text) => appendFileSync(process.env.NOTES, text + '\\n');
const circle = {}; circle.self = circle;
const validate = (value) => typeof value?.size === 'number'
  ? { value: { size: value.size * 2 } }
  : { issues: [{ message: 'must be a number', path: ['size'] }] };
let now = 0, peak = 0;

export default {
  echo: (payload, { id, type, queue, attempt, failures, maxRetries, signal }) =>
    ({ payload, id, type, queue, attempt, failures, maxRetries, aborted: signal.aborted }),
  limited: {
    concurrency: 2, maxRetries: 5, timeoutMs: 60_000,
    handler: async () => {
      peak = Math.max(peak, ++now);
      await wait(60);
      now -= 1;
      return peak;
    },
  },
  failing: { maxRetries: 2, backoff: (failures) => failures * 10, handler: () => { throw new TypeError('as always'); } },
  recovering: {
    backoff: { baseMs: 20, maxMs: 20, factor: 1 },
    handler: (_, { failures, attempt }) => { if (failures < 3) throw 'a text'; return { failures, attempt }; },
  },
  final: () => { throw Object.assign(new Error('never'), { retryable: false }); },
  sized: { schema: { '~standard': { version: 1, vendor: 'test', validate } }, handler: (payload) => payload },
  extending: {
    timeoutMs: 2_000, maxRetries: 0,
    handler: async (_, { extend }) => {
      await extend(60_000); // at once, so that a busy machine cannot let the first lease run out
      await wait(2_500);
      return 'renewed';
    },
  },
  progressing: async (_, { progress, log }) => {
    await progress({ done: 1, of: 2 });
    log.info({ extra: 'of the handler' }, 'half way');
    await gate();
  },
  results: ({ kind }) => ({
    nothing: undefined, value: [1, 'two', null, { three: 3 }], bigint: 1n, function: () => 1, 'not a number': NaN, circle,
    fitting: 'x'.repeat(1_048_576 - 2), large: 'x'.repeat(1_048_576 - 1),
  })[kind],
  late: {
    timeoutMs: 200, maxRetries: 0,
    handler: async (_, { signal, extend, progress }) => {
      await wait(500);
      note(signal.reason.name);
      await extend().catch((error) => note(error.name));
      await progress(1).catch((error) => note(error.name));
      return 'too late';
    },
  },
  cancelled: async (_, { signal }) => { while (!signal.aborted) await wait(10); note(signal.reason.name); },
  forgetful: () => {
    const hostile = { get: () => { throw new Error('a trap'); }, getPrototypeOf: () => { throw new Error('a trap'); } };
    for (const reason of [null, undefined, Object.create(null), new Proxy({}, hostile)]) Promise.reject(reason);
  },
  exploding: () => { setTimeout(() => { throw Object.create(null); }, 1); },
  deaf: { timeoutMs: 100, maxRetries: 0, handler: gate },
};
`;

async function setUp(environment: Readonly<Record<string, string>> = {}) {
  const directory = temporaryDirectory();
  const [gate, notes] = [join(directory, 'gate'), join(directory, 'notes')];
  const { server, client } = await launch({
    DATA_DIR: join(directory, 'data'),
    HANDLERS: handlersIn(directory, HANDLERS),
    GATE: gate,
    NOTES: notes,
    ...environment,
  });
  const run = async (type: string, payload: unknown = null, fields: Readonly<Record<string, unknown>> = {}) => {
    const { id } = await client.submit(type, payload, fields);
    return waitUntil(
      () => client.job(id),
      ({ state }) => state !== 'pending' && state !== 'running',
    );
  };
  const notesTaken = (): string[] => (existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : []);
  return { server, client, run, notesTaken, openGate: () => writeFileSync(gate, '') };
}

it('a handler is given its payload and what there is to know of the job', async () => {
  const { run, server } = await setUp();
  const payload = { text: 'ä\u0000😀', nested: [{ __proto__x: 1 }], number: 1e300 };
  const job = await run('echo', payload, { queue: 'other', max_retries: 7 });
  expect(job.result).toEqual({
    payload,
    id: job.id,
    type: 'echo',
    queue: 'other',
    attempt: 1,
    failures: 0,
    maxRetries: 7,
    aborted: false,
  });

  // A thrown error is a failure; the backoff's function says when the next attempt is due.
  const failed = await run('failing');
  expect(failed).toMatchObject({ state: 'dead', attempt: 3, failures: 3, crashes: 0, max_retries: 2, result: null });
  expect(failed.last_error).toMatchObject({ name: 'TypeError', message: 'as always' });
  expect(failed.last_error?.stack).toContain('handlers.mjs');
  expect(kindsOf(failed)).toEqual(['submitted', 'started', 'failed', 'started', 'failed', 'started', 'failed']);

  const recovered = await run('recovering');
  expect(recovered).toMatchObject({ state: 'succeeded', result: { failures: 3, attempt: 4 }, failures: 3 });
  expect(recovered.last_error).toMatchObject({ name: 'Error', message: 'a text' });

  const final = await run('final', null, { max_retries: 100 });
  expect(final).toMatchObject({ state: 'dead', attempt: 1, failures: 1 });
  expect(server.log.every((line) => !line['isPlain'])).toBe(true);
});

it('the settings of a type hold where the submission says nothing', async () => {
  const { client, run } = await setUp();
  const jobs = await Promise.all(Array.from({ length: 6 }, () => run('limited')));
  for (const job of jobs) expect(job).toMatchObject({ max_retries: 5, timeout_ms: 60_000 });
  expect(Math.max(...jobs.map(({ result }) => Number(result))), 'two at once, and never three').toBe(2);
  const own = await client.submit('limited', null, { max_retries: 1, timeout_ms: 1_000, delay_ms: 60_000 });
  expect(own).toMatchObject({ max_retries: 1, timeout_ms: 1_000 });
  expect(await client.submit('echo')).toMatchObject({ max_retries: 3, timeout_ms: 30_000 });

  // A schema refuses at submission what its handler could not take, and gives the handler its output.
  const refused = await client.offer('sized', { size: 'large' });
  expect(refused.status).toBe(422);
  expect(refused.body.errors).toMatchObject([{ path: '/payload/size', message: expect.stringContaining('must be') }]);
  expect(await run('sized', { size: 21 })).toMatchObject({ payload: { size: 21 }, result: { size: 42 } });
});

it('a type that no handler runs is refused, and the known ones are listed, nearest first', async () => {
  const { client } = await setUp();
  const { status, body } = await client.offer('ecko');
  expect(status).toBe(422);
  expect(body.detail).toMatch(/nearest first: echo, /);
});

it('extend renews the lease, progress is shown, and log writes a line that names the job', async () => {
  const { client, run, server, openGate } = await setUp();
  const extending = run('extending');
  const { id } = await client.submit('progressing');
  const job = await waitUntil(
    () => client.job(id),
    ({ progress }) => progress !== null,
  );
  expect(job).toMatchObject({ state: 'running', progress: { done: 1, of: 2 } });
  const line = await server.logged(({ msg }) => msg === 'half way');
  expect(line).toMatchObject({ extra: 'of the handler', jobId: id, type: 'progressing', attempt: 1 });
  openGate();
  await client.reaches(id, 'succeeded');
  expect(await extending).toMatchObject({ state: 'succeeded', result: 'renewed', attempt: 1 });
});

it('what is not JSON, or over 1 MiB of it, becomes null with an error in the log: the work was done', async () => {
  const { run, server } = await setUp();
  const result = async (kind: string): Promise<JobJson> => run('results', { kind });
  expect(await result('value')).toMatchObject({ state: 'succeeded', result: [1, 'two', null, { three: 3 }] });
  expect(await result('nothing')).toMatchObject({ state: 'succeeded', result: null });
  expect(String((await result('fitting')).result)).toHaveLength(1_048_574);
  expect(server.log.filter(({ level }) => level === 50)).toEqual([]);
  for (const kind of ['bigint', 'function', 'not a number', 'circle', 'large']) {
    const job = await result(kind);
    expect(job, kind).toMatchObject({ state: 'succeeded', result: null, failures: 0 });
    await server.logged((line) => line['jobId'] === job.id && line['level'] === 50);
  }
});

it('a rejection that a handler left alone is logged, whatever it is, and the server lives on', async () => {
  const { run, server } = await setUp();
  expect(await run('forgetful')).toMatchObject({ state: 'succeeded', failures: 0, crashes: 0 });
  expect(await run('echo')).toMatchObject({ state: 'succeeded', crashes: 0 });
  await waitUntil(
    async () => server.log.filter(({ msg }) => String(msg).startsWith('unhandled rejection')).length,
    (count) => count === 4,
  );
});

it('an exception outside of a handler ends the process with 70 and a line in the log, whatever was thrown', async () => {
  const { client, server } = await setUp();
  await client.submit('exploding');
  expect(await server.ended()).toMatchObject({ code: 70 });
  expect(server.log.at(-1)).toMatchObject({ level: 50, exitCode: 70 });
});

it('a late answer changes nothing: the signal says why, and the lease is gone', async () => {
  const { client, run, notesTaken } = await setUp();
  const late = await run('late');
  expect(late).toMatchObject({ state: 'dead', failures: 1, crashes: 0, result: null });
  expect(late.last_error?.name).toBe('TimeoutError');
  await waitUntil(
    async () => notesTaken(),
    ({ length }) => length === 3,
  );
  expect(notesTaken()).toEqual(['TimeoutError', 'LeaseLostError', 'LeaseLostError']);
  await waitUntil(
    async () => (await client.get<{ abandoned: number }>('/stats')).body.abandoned,
    (count) => count === 0,
  );
  expect(await client.job(late.id)).toEqual(late);

  const { id } = await client.submit('cancelled');
  await client.reaches(id, 'running');
  expect((await client.call<JobJson>('POST', `/jobs/${id}/cancel`)).body).toMatchObject({ state: 'cancelled' });
  await waitUntil(
    async () => notesTaken(),
    (notes) => notes.at(-1) === 'CancelledError',
  );
  expect((await client.job(id)).state).toBe('cancelled');
});

it('abandoned handlers up to WORKER_COUNT: then nothing starts until one ends, and log and readyz say so', async () => {
  const { client, server, openGate } = await setUp({ WORKER_COUNT: '2' });
  for (const { id } of [await client.submit('deaf'), await client.submit('deaf')]) await client.reaches(id, 'dead');
  const waiting = await client.submit('echo');
  await server.logged(({ msg, level }) => level === 40 && /abandoned/.test(msg ?? ''));
  const ready = await client.get<{ warnings: string[] }>('/readyz');
  expect(ready.status).toBe(200);
  expect(ready.body.warnings).toEqual([expect.stringContaining('2 abandoned')]);
  expect((await client.get('/stats')).body).toMatchObject({ abandoned: 2, jobs: { pending: 1, running: 0, dead: 2 } });
  expect((await client.job(waiting.id)).state).toBe('pending');

  openGate();
  await client.reaches(waiting.id, 'succeeded');
  expect((await client.get<{ warnings: string[] }>('/readyz')).body.warnings).toEqual([]);
});

it('WORKER_COUNT=0 runs nothing, and everything else works', async () => {
  const { client } = await setUp({ WORKER_COUNT: '0' });
  const { id } = await client.submit('echo');
  const later = await client.submit('echo', null, { delay_ms: 100 });
  await waitUntil(
    async () => Date.now(),
    (now) => now > Date.parse(later.run_at) + 200,
  );
  expect((await client.get('/stats')).body).toMatchObject({ jobs: { pending: 2, running: 0 } });
  expect((await client.get<{ warnings: string[] }>('/readyz')).body.warnings).toEqual([]);
  expect((await client.call<JobJson>('POST', `/jobs/${id}/cancel`)).body.state).toBe('cancelled');
});

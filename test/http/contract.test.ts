// What the contract promises across the layers: the HTTP interface on the engine itself, on a disk in memory.

import { beforeEach, describe, expect, it } from 'vitest';
import { Instant } from '../../core/job/job.ts';
import { createApp } from '../../runtime/http/app.ts';
import * as settings from '../../runtime/http/settings.ts';
import { Machine } from '../../runtime/testing/machine.ts';
import type { MachineOptions } from '../../runtime/testing/machine.ts';
import { defineHandlers } from '../../runtime/worker/handler.ts';
import { registerHandlers } from '../../runtime/worker/registry.ts';
import { HTTP } from '../support/http-api.ts';

type JobBody = {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly started_at: string | null;
  readonly last_error: { readonly message: string } | null;
  readonly history: readonly { readonly kind: string; readonly at: string }[];
};

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

const START_AT = Instant(Date.UTC(2030, 0, 1));

const handlers = defineHandlers({
  echo: (payload) => payload,
  reporting: async (_: unknown, context) => {
    await context.extend(60_000);
    await context.progress({ percent: 50 });
  },
  flaky: (_: unknown, { attempt }) => {
    if (attempt === 1) throw new Error('not yet');
  },
});

let machine: Machine;
let app: ReturnType<typeof createApp>;

function open(options: Partial<MachineOptions> = {}): void {
  machine = new Machine({
    handlers: registerHandlers(handlers),
    workerCount: 10,
    depthLimit: 100_000,
    bytesLimit: 2 ** 30,
    crashesMax: 3,
    retentionMs: 0,
    log: silent,
    startAt: START_AT,
    seed: 1,
    patienceMs: 20,
    ...options,
  });
  app = createApp({ queue: machine, http: HTTP, log: silent });
}

const post = async (path: string, body?: object): Promise<Response> =>
  app.request(path, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });

const get = async <Body>(path: string): Promise<Body> => (await (await app.request(path)).json()) as Body;

const submit = async (fields: object = { type: 'echo' }): Promise<string> => {
  const answer = await post('/createJob', fields);
  expect(answer.status).toBe(201);
  return ((await answer.json()) as JobBody).id;
};

beforeEach(() => open());

describe('a submission', () => {
  it('whose key is still on its way to the disk is waited for: both are answered with one job, and it is durable', async () => {
    const same = { type: 'echo', payload: { n: 1 }, idempotency_key: 'k' };
    const answers = await Promise.all([post('/createJob', same), post('/createJob', same), post('/jobs', same)]);
    await machine.crash({ powerLoss: true, downMs: 0 });
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as JobBody).id));
    expect(new Set(ids).size).toBe(1);
    expect((await get<JobBody>(`/jobs/${ids[0]}`)).state).toBe('pending');
    expect((await get<{ depth: number }>('/stats')).depth).toBe(1);
  });

  it('that was not answered when the power failed was not stored, and its 503 says that this is unknown', async () => {
    const unanswered = post('/createJob', { type: 'echo', idempotency_key: 'k' });
    while (!machine.process.isTurnDue) await Promise.resolve();
    await machine.crash({ powerLoss: true, downMs: 0 });
    const answer = await unanswered;
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(((await answer.json()) as { detail: string }).detail).toMatch(/outcome is unknown/);
    expect((await post('/createJob', { type: 'echo', idempotency_key: 'k' })).status).toBe(201);
  });

  it('is refused by a full queue, which refuses neither a retry by hand nor one after a failure', async () => {
    open({ depthLimit: 1 });
    const id = await submit({ type: 'flaky' });
    expect((await post('/createJob', { type: 'echo' })).status).toBe(429);
    expect((await post(`/jobs/${id}/cancel`)).status).toBe(200);
    await submit({ type: 'flaky' });
    expect((await post(`/jobs/${id}/retry`)).status).toBe(200);
    await machine.passage.drain({ runsMax: 100 });
    expect(await get('/stats')).toMatchObject({ depth: 0, jobs: { succeeded: 2 } });
  });
});

describe('what is read', () => {
  it("a job's history has what became of it; that its lease was extended and how far it came is in the feed alone", async () => {
    const id = await submit({ type: 'reporting' });
    await machine.passage.drain({ runsMax: 10 });
    await post('/queues/default/pause');
    await post('/queues/default/resume');
    const { history } = await get<JobBody>(`/jobs/${id}`);
    expect(history.map(({ kind }) => kind)).toEqual(['submitted', 'started', 'succeeded']);
    expect(await feedKinds(7)).toEqual([
      'submitted',
      'started',
      'extended',
      'progressed',
      'succeeded',
      'paused',
      'resumed',
    ]);
    expect((await app.request(`/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await feedKinds(3)).toEqual(['paused', 'resumed', 'deleted']);
  });

  it('`started_at` is the latest start, and the latest error stays when the job succeeds at last', async () => {
    const id = await submit({ type: 'flaky' });
    await machine.passage.drain({ runsMax: 10 });
    const job = await get<JobBody>(`/jobs/${id}`);
    const starts = job.history.filter(({ kind }) => kind === 'started').map(({ at }) => at);
    expect(starts).toHaveLength(2);
    expect(starts[0]).not.toBe(starts[1]);
    expect(job).toMatchObject({ state: 'succeeded', started_at: starts[1], last_error: { message: 'not yet' } });
  });

  it('a page has 100 jobs unless it is asked for more, and 1000 at most', async () => {
    const jobs = Array.from({ length: 1_001 }, () => ({ type: 'echo' }));
    expect((await post('/createJobs', { jobs })).status).toBe(201);
    const lengthOf = async (query: string): Promise<number> =>
      (await get<{ jobs: object[] }>(`/jobs${query}`)).jobs.length;
    expect(await lengthOf('')).toBe(100);
    expect(await lengthOf('?limit=1000')).toBe(1_000);
    expect((await app.request('/jobs?limit=1001')).status).toBe(400);
  });

  it('`oldest_pending_ms` is the age of the job that waits longest, null where none does', async () => {
    await post('/queues/slow/pause');
    await submit({ type: 'echo', queue: 'slow' });
    await machine.passage.advance(1_234);
    await submit({ type: 'echo', queue: 'slow' });
    await machine.passage.advance(1_000);
    expect(await get('/queues')).toEqual({
      queues: [{ name: 'slow', paused: true, pending: 2, running: 0, oldest_pending_ms: 2_234 }],
    });
    await post('/queues/slow/resume');
    await machine.passage.drain({ runsMax: 10 });
    const { queues } = await get<{ queues: readonly { name: string; oldest_pending_ms: number | null }[] }>('/queues');
    for (const { oldest_pending_ms } of queues) expect(oldest_pending_ms).toBeNull();
  });
});

describe('an error of the server', () => {
  it('tells neither a stack, nor a message of its own, nor a path of the machine', async () => {
    const secret = '/srv/perdure/secret.ts';
    const broken = () => {
      throw new Error(secret);
    };
    const schema = { '~standard': { version: 1, vendor: 'test', validate: broken } } as const;
    open({ handlers: registerHandlers({ echo: { handler: () => null, schema } }) });
    const answer = await post('/createJob', { type: 'echo' });
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const text = await answer.text();
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['type', 'title', 'status', 'detail']);
    expect(text).not.toMatch(/\.ts|node_modules| at |Error:/);
    expect(text).not.toContain(secret);
  });
});

describe('the limits of a server', () => {
  it('are those of the contract', () => {
    expect(settings).toMatchObject({
      HEADERS_TIMEOUT_MS: 10_000,
      REQUEST_TIMEOUT_MS: 30_000,
      CONNECTIONS_MAX: 1_000,
      FEED_CONNECTIONS_MAX: 100,
      BULK_BODY_FACTOR: 64,
      BULK_JOBS_MAX: 10_000,
      PAYLOAD_LEVELS_MAX: 64,
    });
  });
});

/** The kinds of the first so many events that are kept. */
async function feedKinds(count: number): Promise<readonly string[]> {
  const reader = (await app.request('/events?after=0')).body?.getReader();
  let text = '';
  const kinds = (): string[] =>
    [...text.matchAll(/^event: (\w+)\ndata: .*$/gm)].map(([, kind]) => kind ?? '').filter((kind) => kind !== 'gap');
  while (kinds().length < count) text += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  return kinds();
}

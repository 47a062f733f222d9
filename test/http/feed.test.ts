// GET /events without a socket: where it starts, that nothing is missing or twice, and how it ends.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { FeedEventSchema, FeedGapSchema } from '../../runtime/http/wire-schema.ts';
import { FeedClient, seqs } from '../support/feed-client.ts';
import { createApi, pathsOf } from '../support/http-api.ts';
import type { Api } from '../support/http-api.ts';
import { MemoryQueue } from '../support/memory-queue.ts';

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function open(api: Api, path = '/events', headers: Record<string, string> = {}): Promise<FeedClient> {
  const response = await api.app.request(path, { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  return new FeedClient(response.body);
}

async function submit(api: Api, count: number): Promise<void> {
  const called = await api.post('/createJobs', { jobs: Array(count).fill({ type: 'email' }) });
  expect(called.status).toBe(201);
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the feed', () => {
  it('sends each event with its number, its kind and its facts', async () => {
    const api = createApi({ queue: new MemoryQueue({ settings: { workerCount: 1 } }) });
    const feed = await open(api);
    await submit(api, 1);
    await api.call('POST', '/queues/images/pause');
    const [submitted, started, paused] = await feed.take(3);
    expect(submitted).toMatchObject({ id: '1', event: 'submitted' });
    expect(FeedEventSchema.parse(submitted?.data)).toMatchObject({
      seq: 1,
      state: 'pending',
      attempt: 0,
      type: 'email',
    });
    expect(Object.keys(submitted?.data as object)).toEqual('seq at kind job_id type queue state attempt'.split(' '));
    expect(started).toMatchObject({ event: 'started', data: { state: 'running', attempt: 1 } });
    expect(FeedEventSchema.parse(paused?.data)).toMatchObject({
      kind: 'paused',
      job_id: null,
      type: null,
      queue: 'images',
      state: null,
      attempt: null,
    });
    await feed.close();
  });

  it('starts with the next event where no number is given', async () => {
    const api = createApi();
    await submit(api, 3);
    const feed = await open(api);
    await submit(api, 2);
    expect(seqs(await feed.take(2))).toEqual([4, 5]);
    await feed.close();
  });

  it.each([
    ['?after=2', {}, 3],
    ['', { 'last-event-id': '2' }, 3],
    ['?after=0', { 'last-event-id': '2' }, 3],
    ['?after=0', {}, 1],
    ['', { 'last-event-id': '0' }, 1],
    ['?after=5', {}, 6],
  ])('resumes: %s %j', async (query, headers, first) => {
    const api = createApi();
    await submit(api, 5);
    const feed = await open(api, `/events${query}`, headers as Record<string, string>);
    await submit(api, 2);
    expect(seqs(await feed.take(8 - first))).toEqual(range(first, 7));
    await feed.close();
  });

  it.each(['9', '9'.repeat(30)])('waits for a number of the future: %s', async (after) => {
    const api = createApi();
    await submit(api, 5);
    const feed = await open(api, `/events?after=${after}`);
    await submit(api, 5);
    if (after === '9') expect(seqs(await feed.take(1))).toEqual([10]);
    await feed.close();
  });

  it.each(['-1', '1.5', 'x', '', '1e3', '0x1', ' ', '1, 2', '%201', '１'])(
    '%j is no number to resume after',
    async (after) => {
      const api = createApi();
      const called = await api.call('GET', `/events?after=${after}`);
      expect(called.status).toBe(400);
      expect(pathsOf(called)).toEqual(['/after']);
      if (!/^[ %１]/.test(after)) {
        expect((await api.call('GET', '/events', { headers: { 'last-event-id': after } })).status).toBe(400);
      }
    },
  );

  it('is complete and in order while thousands of events happen during the catch-up', async () => {
    const api = createApi();
    await submit(api, 3_500);
    const feed = await open(api, '/events?after=0');
    const seen: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      seen.push(...seqs(await feed.take(300)));
      await submit(api, 700);
    }
    seen.push(...seqs(await feed.take(10_500 - seen.length)));
    expect(seen).toEqual(range(1, 10_500));
    await feed.close();
  });

  it('is complete for a live reader behind whom more events pile up than wait in memory', async () => {
    const api = createApi();
    await submit(api, 5);
    const feed = await open(api);
    await submit(api, 2_500);
    await submit(api, 1);
    expect(seqs(await feed.take(2_501))).toEqual(range(6, 2_506));
    await submit(api, 1);
    expect(seqs(await feed.take(1))).toEqual([2_507]);
    await feed.close();
  });

  it('says first, and once, that events in between are forgotten', async () => {
    const api = createApi();
    await submit(api, 3);
    const page = (await api.call('GET', '/jobs?limit=1000')).body as { jobs: { id: string }[] };
    const second = page.jobs[1]?.id ?? '';
    await api.call('POST', `/jobs/${second}/cancel`);
    await api.call('DELETE', `/jobs/${second}`);
    const feed = await open(api, '/events?after=0');
    const events = await feed.take(4);
    expect(events.map(({ id, event }) => [id, event])).toEqual([
      [undefined, 'gap'],
      ['1', 'submitted'],
      ['3', 'submitted'],
      ['5', 'deleted'],
    ]);
    expect(FeedGapSchema.parse(events[0]?.data)).toEqual({ kind: 'gap', after: 0, next: 1 });
    await feed.close();
    const after = await open(api, '/events?after=4');
    expect((await after.take(1))[0]?.event).toBe('deleted');
    await after.close();
  });

  it('has a limited number of readers; one who leaves makes room', async () => {
    const api = createApi({ http: { feedConnectionsMax: 2 } });
    const [first, second] = [await open(api), await open(api)];
    const refused = await api.call('GET', '/events');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    await first.close();
    const third = await open(api);
    await second.close();
    await third.close();
    expect(api.queue.listeners).toBe(0);
  });

  it('ends where the queue refuses to be read', async () => {
    const api = createApi();
    api.queue.refuse([{ reason: 'disk-failed' }]);
    const feed = await open(api, '/events?after=0');
    expect(await feed.take(1)).toEqual([]);
    expect(feed.ended).toBe(true);
    expect(api.queue.listeners).toBe(0);
  });

  it('says something at least every 16 seconds', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const api = createApi();
    const response = await api.app.request('/events');
    const reader = response.body?.getReader();
    const text = async (): Promise<string> => Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(await text()).toBe(':\n\n');
    const next = text();
    await vi.advanceTimersByTimeAsync(16_500);
    expect(await next).toBe(':\n\n');
    await reader?.cancel();
  });

  it('cuts off a reader that does not read', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const api = createApi();
    const response = await api.app.request('/events?after=0');
    await submit(api, 10);
    await vi.advanceTimersByTimeAsync(7_000);
    expect(api.queue.listeners).toBe(0);
    await expect(response.text()).rejects.toThrow('did not read');
  });
});

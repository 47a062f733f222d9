// The client against the server's own app, through `fetch` or without a socket.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProblemError, createClient } from '../../runtime/client/index.ts';
import type { ClientOptions } from '../../runtime/client/index.ts';
import { createQueue, defineHandlers } from '../../runtime/embed/index.ts';
import type { Queue } from '../../runtime/embed/index.ts';

const TOKEN = 'a-token-of-some-length';

const handlers = defineHandlers({
  greet: (payload: { name: string }) => `Hello, ${payload.name}`,
  fail: () => {
    throw Object.assign(new Error('no'), { retryable: false });
  },
});

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

let directory: string;
let queue: Queue<typeof handlers>;
let app: ReturnType<Queue['app']>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'perdure-test-'));
  queue = await createQueue({ directory, handlers, log: silent });
  app = queue.app({ authToken: TOKEN });
});
afterEach(async () => {
  await queue.close();
  rmSync(directory, { recursive: true, force: true });
});

const direct: NonNullable<ClientOptions['fetch']> = (url, init) => app.request(new Request(url, init));
const client = (options: Partial<ClientOptions> = {}) =>
  createClient({ url: 'http://127.0.0.1', token: TOKEN, fetch: direct, ...options });

describe('the client', () => {
  it.each(['localhost:8080', '127.0.0.1:8080', '/perdure', 'ftp://127.0.0.1', 'http://', ''])(
    'refuses %j, which is no URL of a server, before it sends anything',
    (url) => {
      expect(() => client({ url })).toThrow(
        new TypeError(`url is ${JSON.stringify(url)}: it must begin with http:// or https://`),
      );
    },
  );

  it('submits, reads, and sees what the embedded queue sees', async () => {
    const { job, replayed } = await client().submit('greet', { name: 'Ada' }, { priority: 2, runAt: new Date(0) });
    expect(replayed).toBe(false);
    await queue.drain();
    const found = await client().get(job.id);
    expect(found).toEqual(await queue.get(job.id));
    expect(found).toMatchObject({ state: 'succeeded', result: 'Hello, Ada', priority: 2 });
    expect(await client().get('nobody')).toBeNull();
  });

  it('manages jobs and queues', async () => {
    const one = client();
    await one.pause('default');
    const { job } = await one.submit('fail');
    expect((await one.cancel(job.id)).state).toBe('cancelled');
    expect((await one.retry(job.id)).state).toBe('pending');
    await one.resume('default');
    await queue.drain();
    expect((await one.get(job.id))?.state).toBe('dead');
    await one.delete(job.id);
    expect((await one.stats()).jobs.dead).toBe(0);
  });

  it('walks all pages', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.unshift((await client().submit('greet', { name: `${n}` })).job.id);
    const walked: string[] = [];
    for await (const job of client().jobs({ limit: 3 })) walked.push(job.id);
    expect(walked).toEqual(ids);
  });

  it('follows the events, and goes on where it was after the connection broke', async () => {
    let connections = 0;
    const breaking: NonNullable<ClientOptions['fetch']> = async (url, init) => {
      const response = await direct(url, init);
      if (!url.includes('/events')) return response;
      connections += 1;
      return connections > 1 ? response : new Response(cutAfter(response.body, 'succeeded'), response);
    };
    await client().submit('greet', { name: 'Ada' });
    await queue.drain();
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const { seq } of client({ fetch: breaking }).events({ after: 0, signal: stop.signal })) {
      seen.push(seq);
      if (seq === 3) await client().submit('greet', { name: 'Bob' });
      if (seq === 6) stop.abort();
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(connections).toBe(2);
  });
});

describe('a refusal', () => {
  it('tells the problem and every field', async () => {
    const refused = client().submit('greet', {}, { priority: 5_000, maxRetries: -1 });
    await expect(refused).rejects.toBeInstanceOf(ProblemError);
    await expect(refused).rejects.toMatchObject({
      status: 400,
      errors: [{ path: '/max_retries' }, { path: '/priority' }],
    });
  });

  it('without the token is final', async () => {
    await expect(createClient({ url: 'http://127.0.0.1', fetch: direct }).stats()).rejects.toMatchObject({
      status: 401,
    });
  });
});

describe('what was not answered', () => {
  it('is sent again with the same key, so that the job is stored once', async () => {
    let calls = 0;
    const losing: NonNullable<ClientOptions['fetch']> = async (url, init) => {
      const response = await direct(url, init);
      calls += 1;
      if (calls < 3) throw new TypeError('fetch failed'); // the reply was lost after the commit
      return response;
    };
    const { replayed } = await client({ fetch: losing }).submit('greet', { name: 'Ada' });
    expect([calls, replayed]).toEqual([3, true]);
    expect((await queue.list()).jobs).toHaveLength(1);
  });

  it('counts as not answered if the answer breaks off in its middle', async () => {
    let calls = 0;
    const cutting: NonNullable<ClientOptions['fetch']> = async (url, init) => {
      const response = await direct(url, init);
      calls += 1;
      return calls > 1 ? response : new Response((await response.text()).slice(0, 40), response);
    };
    const { replayed } = await client({ fetch: cutting }).submit('greet', { name: 'Ada' });
    expect([calls, replayed]).toEqual([2, true]);
  });

  it('is given up after the last try', async () => {
    let calls = 0;
    const dead = () => {
      calls += 1;
      throw new TypeError('fetch failed');
    };
    await expect(client({ fetch: dead, triesMax: 2 }).submit('greet')).rejects.toThrow('fetch failed');
    expect(calls).toBe(2);
  });
});

/** The stream up to the event that holds the word, which is cut in the middle. */
function cutAfter(body: ReadableStream<Uint8Array> | null, word: string): ReadableStream<Uint8Array> {
  if (body === null) throw new Error('a feed has a body');
  const reader = body.getReader();
  let text = '';
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read();
      text += new TextDecoder().decode(value);
      const at = text.indexOf(word);
      if (at === -1 && !done) return controller.enqueue(value);
      await reader.cancel();
      controller.close();
    },
  });
}

// The server behind a socket: protocol violations, limits of time, size and number, and an end that leaves nothing open.

import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../runtime/http/server.ts';
import type { HttpSettings } from '../../runtime/http/settings.ts';
import { FeedClient, seqs } from '../support/feed-client.ts';
import { createApi } from '../support/http-api.ts';
import type { Api, ProblemBody } from '../support/http-api.ts';
import { RawConnection } from '../support/raw-connection.ts';

type Running = Api & RunningServer;

let running: Running | undefined;
const connections: RawConnection[] = [];

async function start(http: Partial<HttpSettings> = {}): Promise<Running> {
  const api = createApi({ http });
  running = { ...api, ...(await api.serve()) };
  return running;
}

async function connect({ url }: RunningServer): Promise<RawConnection> {
  const connection = await RawConnection.open(url);
  connections.push(connection);
  return connection;
}

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.socket.destroy();
  await running?.close();
  running = undefined;
});

const bodyOf = (connection: RawConnection): ProblemBody =>
  JSON.parse(connection.text.slice(connection.text.indexOf('\r\n\r\n') + 4)) as ProblemBody;

const post = (headers: string, body = ''): string =>
  `POST /createJob HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;
const JOB = '{"type":"email"}';
const GET = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('a protocol violation', () => {
  it.each<readonly [name: string, bytes: string, status: number]>([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['an unknown method', 'FETCH /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['a method in lower case', 'get /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\n\r\n', 400],
    ['a space in a header name', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX Y: 1\r\n\r\n', 400],
    ['a folded header', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n 2\r\n\r\n', 400],
    ['a NUL in a header', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n', 400],
    ['a path with a backslash', 'GET /jobs\\x HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['a length that is no number', post('Content-Length: x\r\n'), 400],
    ['a negative length', post('Content-Length: -1\r\n'), 400],
    ['two different lengths', post('Content-Length: 16\r\nContent-Length: 17\r\n', JOB), 400],
    ['a length and chunks', post('Content-Length: 16\r\nTransfer-Encoding: chunked\r\n', JOB), 400],
    ['an unknown transfer encoding', post('Transfer-Encoding: gzip\r\n', JOB), 400],
    ['a chunk size that is none', post('Transfer-Encoding: chunked\r\n', 'zz\r\n'), 400],
    ['a chunk without its end', post('Transfer-Encoding: chunked\r\n', '1\r\n{{'), 400],
    ['headers of 20 kB', `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a path of 20 kB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['a CONNECT', 'CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
    ['an unknown expectation', post('Content-Length: 16\r\nExpect: miracles\r\n', JOB), 417],
  ])('%s is answered and the connection closed', async (_, bytes, status) => {
    const connection = await connect(await start());
    connection.send(bytes);
    expect(await connection.status()).toBe(status);
    await connection.untilClosed();
    expect(connection.error).toBeUndefined();
    expect(connection.text).toContain('application/problem+json');
    expect(connection.text.toLowerCase()).toContain('connection: close');
    expect(bodyOf(connection)).toMatchObject({ status });
    expect(running?.queue.submitted).toEqual([]);
    expect(running?.logged).toEqual([]);
  });

  it('behind a good request does not take its answer away', async () => {
    const connection = await connect(await start());
    connection.send(`${post('Content-Length: 16\r\n', JOB)}garbage\r\n\r\n`);
    await connection.untilClosed();
    expect(connection.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 201', 'HTTP/1.1 400']);
  });
});

describe('the host', () => {
  it.each(['evil.com', 'localhost@evil.com', 'local host', '', '[', 'evil.com:99999', 'localhost:99999'])(
    '%j gets 421',
    async (host) => {
      const connection = await connect(await start());
      connection.send(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect(await connection.status()).toBe(421);
    },
  );

  it.each(['[::1]', '[0:0:0:0:0:0:0:1]', '[0::0001]:8080', '[::0.0.0.1]', 'LOCALHOST:1', '127.1.2.3:80'])(
    '%j is loopback in one of its forms',
    async (host) => {
      const connection = await connect(await start());
      connection.send(`GET /stats?x=1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect(await connection.status()).toBe(400);
      connection.send(`GET /stats HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      await connection.untilClosed();
      expect(connection.text).toContain('HTTP/1.1 200');
    },
  );

  it('that was sent is what an Origin is compared with', async () => {
    const server = await start();
    for (const [origin, status] of [
      ['http://[::1]:8080', 201],
      ['http://localhost', 403],
    ] as const) {
      const connection = await connect(server);
      const head = `POST /createJob HTTP/1.1\r\nHost: [::1]:8080\r\nOrigin: ${origin}\r\n`;
      connection.send(`${head}Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{"type":"email"}`);
      expect(await connection.status()).toBe(status);
    }
  });

  it('of an absolute target counts as well as the header', async () => {
    const server = await start();
    const [evil, own] = [await connect(server), await connect(server)];
    evil.send('GET http://evil.com/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await evil.status()).toBe(421);
    own.send('GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await own.status()).toBe(200);
  });

  it('may be missing in HTTP/1.0, which no browser speaks', async () => {
    const connection = await connect(await start());
    connection.send('GET /healthz HTTP/1.0\r\n\r\n');
    expect(await connection.status()).toBe(200);
  });
});

describe('time', () => {
  it('for headers is limited: 408', async () => {
    const connection = await connect(await start({ headersTimeoutMs: 300, requestTimeoutMs: 5_000 }));
    connection.send('GET /healthz HTTP/1.1\r\nHost: local');
    expect(await connection.status()).toBe(408);
    await connection.untilClosed();
    expect(connection.error).toBeUndefined();
  });

  it('for a connection that says nothing is limited', async () => {
    const connection = await connect(await start({ headersTimeoutMs: 300, requestTimeoutMs: 5_000 }));
    await connection.untilClosed();
  });

  it('for a whole request is limited: 408, and nothing of it is stored', async () => {
    const server = await start({ headersTimeoutMs: 300, requestTimeoutMs: 600 });
    const connection = await connect(server);
    connection.send(post('Content-Length: 16\r\n', '{"type"'));
    expect(await connection.status()).toBe(408);
    await connection.untilClosed();
    expect(server.queue.submitted).toEqual([]);
    expect(server.logged).toEqual([]);
  });
});

describe('size', () => {
  it('told by Content-Length is refused before a byte of the body came', async () => {
    const connection = await connect(await start({ bodyBytesMax: 1_000 }));
    connection.send(post('Content-Length: 1001\r\n'));
    expect(await connection.status()).toBe(413);
    await connection.untilClosed();
  });

  it('in chunks is refused as soon as it is passed', async () => {
    const connection = await connect(await start({ bodyBytesMax: 1_000 }));
    connection.send(post('Transfer-Encoding: chunked\r\n', `400\r\n${'x'.repeat(1_024)}\r\n`));
    expect(await connection.status()).toBe(413);
    await connection.untilClosed();
  });

  it('far beyond the limit still gets its answer to a client that only sends', async () => {
    const { url } = await start({ bodyBytesMax: 1_000 });
    for (const bytes of [1_001, 100_000, 8_000_000]) {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/createJob`, { method: 'POST', body: 'x'.repeat(bytes), headers });
      expect(response.status).toBe(413);
      await response.text();
    }
  });

  it('is announced by a client that expects 100 and told no without sending', async () => {
    const { url } = await start({ bodyBytesMax: 1_000 });
    const statuses = await Promise.all(
      [1_000, 1_001].map(
        (length) =>
          new Promise<readonly [continued: boolean, status: number | undefined]>((resolve, reject) => {
            let continued = false;
            const headers = { 'content-type': 'application/json', 'content-length': length, expect: '100-continue' };
            const sent = request(`${url}/createJob`, { method: 'POST', headers });
            sent.on('continue', () => {
              continued = true;
              sent.end(JOB.padEnd(length));
            });
            sent.on('response', (response) => {
              response.resume();
              resolve([continued, response.statusCode]);
            });
            sent.on('error', reject);
            sent.flushHeaders();
          }),
      ),
    );
    expect(statuses).toEqual([
      [true, 201],
      [false, 413],
    ]);
  });
});

describe('requests on one connection', () => {
  it('are answered in order, also after a refusal with an unread body', async () => {
    const connection = await connect(await start());
    const refused = post('Content-Length: 16\r\n', JOB).replace('application/json', 'text/plain');
    connection.send(refused + post('Content-Length: 16\r\n', JOB) + GET);
    await connection.until(({ text }) => text.includes('"status":"ok"'));
    expect(connection.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 415', 'HTTP/1.1 201', 'HTTP/1.1 200']);
  });

  it('an Idempotency-Key given twice is refused, even with equal values', async () => {
    const server = await start();
    const connection = await connect(server);
    connection.send(post('Content-Length: 16\r\nIdempotency-Key: a\r\nidempotency-key: a\r\n', JOB));
    expect(await connection.status()).toBe(400);
    const comma = await connect(server);
    comma.send(post('Content-Length: 16\r\nIdempotency-Key: a, a\r\n', JOB));
    expect(await comma.status()).toBe(201);
    expect(server.queue.submitted[0]?.idempotencyKey).toBe('a, a');
  });

  it('a key in UTF-8 bytes is the key in the body', async () => {
    const server = await start();
    const connection = await connect(server);
    connection.send(Buffer.from(post('Content-Length: 16\r\nIdempotency-Key: schlüssel\r\n', JOB), 'utf8'));
    expect(await connection.status()).toBe(201);
    expect(server.queue.submitted[0]?.idempotencyKey).toBe('schlüssel');
  });

  it.each(['voilà', 'Р', 'à la carte'])(
    'a key in UTF-8 bytes may end in a byte that Latin-1 calls a space: %s',
    async (key) => {
      const server = await start();
      const connection = await connect(server);
      connection.send(Buffer.from(post(`Content-Length: 16\r\nIdempotency-Key: \t${key} \r\n`, JOB), 'utf8'));
      expect(await connection.status()).toBe(201);
      expect(server.queue.submitted[0]?.idempotencyKey).toBe(key);
    },
  );

  it('a token given twice is refused', async () => {
    const authToken = 'a-token-of-24-characters';
    const connection = await connect(await start({ authToken }));
    const line = `Authorization: Bearer ${authToken}\r\n`;
    connection.send(`GET /stats HTTP/1.1\r\nHost: localhost\r\n${line}${line}\r\n`);
    expect(await connection.status()).toBe(401);
  });

  it('a client that leaves in the middle of its body is forgotten without a word', async () => {
    const server = await start();
    const connection = await connect(server);
    connection.send(post('Content-Length: 16\r\n', '{"type"'));
    connection.socket.destroy();
    const other = await connect(server);
    other.send(GET);
    expect(await other.status()).toBe(200);
    expect([server.queue.submitted, server.logged]).toEqual([[], []]);
  });

  it('a request to upgrade is an ordinary request', async () => {
    const connection = await connect(await start());
    connection.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(await connection.status()).toBe(200);
  });

  it('beyond the held connections get 503 and are closed; one that leaves makes room', async () => {
    const server = await start({ connectionsMax: 3 });
    const held = await Promise.all([connect(server), connect(server), connect(server)]);
    for (const connection of held) {
      connection.send(GET);
      expect(await connection.status()).toBe(200);
    }
    const refused = await connect(server);
    expect(await refused.status()).toBe(503);
    expect(refused.text.toLowerCase()).toContain('retry-after:');
    refused.socket.end();
    await refused.untilClosed();
    held[0]?.socket.destroy();
    await expect
      .poll(async () => {
        const next = await connect(server);
        next.send(GET);
        return next.status();
      })
      .toBe(200);
  });
});

describe('a live feed over a socket', () => {
  it('is sent at once, event by event', async () => {
    const { url, post: submit } = await start();
    const response = await fetch(`${url}/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const feed = new FeedClient(response.body);
    for (const seq of [1, 2, 3]) {
      await submit('/createJob', { type: 'email' });
      expect(seqs(await feed.take(1))).toEqual([seq]);
    }
    await feed.close();
  });

  it('makes room when its reader leaves', async () => {
    const server = await start({ feedConnectionsMax: 1 });
    const first = await connect(server);
    first.send('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await first.status()).toBe(200);
    expect((await fetch(`${server.url}/events`)).status).toBe(503);
    first.socket.destroy();
    await expect.poll(() => server.queue.listeners).toBe(0);
  });

  it('is closed under a reader who breaks the protocol', async () => {
    const server = await start();
    const reader = await connect(server);
    reader.send('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await reader.status()).toBe(200);
    reader.send('garbage\r\n\r\n');
    await reader.untilClosed();
    expect(server.queue.listeners).toBe(0);
  });

  it('is cut off under a reader that does not read', async () => {
    const server = await start();
    const reader = await connect(server);
    reader.socket.pause();
    reader.send('GET /events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    for (let round = 0; round < 8; round += 1) {
      await server.post('/createJobs', { jobs: Array(10_000).fill({ type: 'email', queue: 'q'.repeat(100) }) });
    }
    await expect.poll(() => server.queue.listeners, { timeout: 20_000, interval: 200 }).toBe(0);
    reader.socket.resume();
    await reader.untilClosed();
    expect(server.logged).toEqual([]);
  });
});

describe('closing', () => {
  it('ends feeds in an orderly way and idle connections at once', async () => {
    const server = await start();
    const idle = await connect(server);
    idle.send(GET);
    await idle.status();
    const feed = new FeedClient((await fetch(`${server.url}/events`)).body);
    const startedAt = performance.now();
    const [events] = await Promise.all([feed.take(1), server.close()]);
    expect([events, feed.ended]).toEqual([[], true]);
    await idle.untilClosed();
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(server.queue.listeners).toBe(0);
  });

  it('does not wait for what never ends', async () => {
    const server = await start();
    const [silent, stuck, slow] = await Promise.all([connect(server), connect(server), connect(server)]);
    silent.send('GET /healthz HT');
    slow.send(post('Content-Length: 16\r\n', '{'));
    stuck.socket.pause();
    stuck.send('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => server.queue.listeners).toBe(1);
    await server.close();
    stuck.socket.resume();
    await Promise.all([silent.untilClosed(), stuck.untilClosed(), slow.untilClosed()]);
  });

  it('a port that is taken rejects the start', async () => {
    const { url } = await start();
    const api = createApi({ http: { port: Number(new URL(url).port) } });
    await expect(api.serve()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

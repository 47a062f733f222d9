// A client that shuts its writing side has nothing more to say, and may well want to hear.

import { afterEach, describe, expect, it } from 'vitest';
import type { ClientCommand } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { RunningServer } from '../../runtime/http/server.ts';
import { createApi } from '../support/http-api.ts';
import type { Api } from '../support/http-api.ts';
import { MemoryQueue } from '../support/memory-queue.ts';
import { RawConnection } from '../support/raw-connection.ts';

let server: Api & RunningServer;

/** Answers submissions only once it is let go, as behind a slow disk. */
class SlowQueue extends MemoryQueue {
  release: () => void = () => undefined;
  readonly #released = new Promise<void>((resolve) => (this.release = resolve));

  override async ask(command: ClientCommand): Promise<Reply> {
    await this.#released;
    return super.ask(command);
  }
}

/** The bytes and the end of them have reached the server before the queue answers anything. */
async function halfClosed(bytes: string): Promise<RawConnection> {
  const queue = new SlowQueue();
  const api = createApi({ queue });
  server = { ...api, ...(await api.serve()) };
  const connection = await RawConnection.open(server.url);
  await new Promise<void>((resolve) => connection.socket.end(bytes, 'latin1', resolve));
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200); // it has come after them
  queue.release();
  return connection;
}

const GET = 'GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n';
const head = 'POST /createJob HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const statuses = ({ text }: RawConnection) => text.match(/HTTP\/1\.1 \d+/g)?.map((line) => Number(line.slice(9)));

afterEach(() => server.close());

describe('a request of a client that then shuts its writing side', () => {
  it.each<readonly [what: string, bytes: string, statuses: readonly number[]]>([
    ['is answered', GET, [200]],
    ['is answered when it has a body', `${head}Content-Length: 16\r\n\r\n{"type":"email"}`, [201]],
    ['is answered behind others', `${GET}${head}Content-Length: 16\r\n\r\n{"type":"email"}${GET}`, [200, 201, 200]],
    ['that lacks a part of its body is broken', `${head}Content-Length: 16\r\n\r\n{"type"`, [400]],
    ['that lacks a part of its head is broken', 'GET /healthz HTTP/1.1\r\nHost: local', [400]],
  ])('%s, and the connection is closed', async (_, bytes, expected) => {
    const connection = await halfClosed(bytes);
    await connection.untilClosed();
    expect(connection.error).toBeUndefined();
    expect(statuses(connection)).toEqual(expected);
    expect(server.queue.submitted).toHaveLength(expected.includes(201) ? 1 : 0);
    expect(server.logged).toEqual([]);
  });

  it('never sent closes the connection without a word', async () => {
    const connection = await halfClosed('');
    await connection.untilClosed();
    expect([connection.text, connection.error]).toEqual(['', undefined]);
  });
});

describe('a reader of the feed that shuts its writing side', () => {
  it('has left, as far as anybody can tell: it makes room at once', async () => {
    const connection = await halfClosed('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await connection.untilClosed();
    expect(server.queue.listeners).toBe(0);

    const later = await RawConnection.open(server.url);
    later.send('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await later.status()).toBe(200);
    expect(server.queue.listeners).toBe(1);
    later.socket.end();
    await later.untilClosed();
    await expect.poll(() => server.queue.listeners).toBe(0);
    expect(server.logged).toEqual([]);
  });
});

// The first lines of a request over a real socket: what Node's parser lets pass and the server must not.

import { afterEach, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../runtime/http/server.ts';
import { createApi } from '../support/http-api.ts';
import type { Api } from '../support/http-api.ts';
import { RawConnection } from '../support/raw-connection.ts';

let running: (Api & RunningServer) | undefined;

/** Sends the bytes on a connection of their own and resolves with all that came back once it is closed. */
async function exchange(bytes: string): Promise<string> {
  if (running === undefined) {
    const api = createApi({ metrics: async () => 'perdure_jobs 1\n' });
    running = { ...api, ...(await api.serve()) };
  }
  const connection = await RawConnection.open(running.url);
  connection.send(bytes);
  await connection.untilClosed();
  return connection.text;
}

const statusOf = (text: string): number => Number(text.slice(9, 12));

afterEach(async () => {
  await running?.close();
  running = undefined;
});

describe('the first line of a request', () => {
  it.each<readonly [line: string, status: number]>([
    ['GET /healthz', 400],
    ['GET /healthz HTTP/0.9', 400],
    ['GET /healthz HTTP/1.2', 400],
    ['GET /healthz HTTP/2.0', 400],
    ['GET /healthz HTTP/3.0', 400],
    ['GET /healthz HTTP/1.1 x', 400],
    ['GET /healthz HTTPS/1.1', 400],
    ['GET /healthz#fragment HTTP/1.1', 400],
    ['GET healthz HTTP/1.1', 400],
    ['GET ?limit=1 HTTP/1.1', 400],
    ['GET * HTTP/1.1', 400],
    ['GET /\u00e9 HTTP/1.1', 400],
    ['OPTIONS * HTTP/1.1', 405],
    ['OPTIONS /jobs HTTP/1.1', 405],
    ['TRACE /jobs HTTP/1.1', 405],
    ['QUERY /jobs HTTP/1.1', 405],
    ['M-SEARCH /jobs HTTP/1.1', 405],
    ['GET //jobs HTTP/1.1', 404],
    ['GET //evil.com/jobs HTTP/1.1', 404],
    ['GET /healthz; HTTP/1.1', 404],
    ['GET /healthz? HTTP/1.1', 200],
  ])('%s is answered with %i', async (line, status) => {
    const text = await exchange(`${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(statusOf(text)).toBe(status);
    if (status >= 400) expect(text).toContain('content-type: application/problem+json');
    if (status === 405) expect(text).toMatch(/^allow: GET, HEAD/im);
  });
});

describe('a content type', () => {
  const body = '{"type":"email"}';
  const post = (types: readonly string[]): string => {
    const lines = types.map((type) => `Content-Type: ${type}\r\n`).join('');
    return `POST /createJob HTTP/1.1\r\nHost: localhost\r\n${lines}Content-Length: 16\r\nConnection: close\r\n\r\n${body}`;
  };

  it.each<readonly [types: readonly string[], status: number]>([
    [['application/json'], 201],
    [[], 415],
    [['application/json', 'text/plain'], 415],
    [['text/plain', 'application/json'], 415],
    [['application/json', 'application/json'], 415],
  ])('%j is answered with %i', async (types, status) => {
    expect(statusOf(await exchange(post(types)))).toBe(status);
  });
});

describe('HEAD', () => {
  it.each([
    '/healthz',
    '/readyz',
    '/stats',
    '/queues',
    '/jobs',
    '/metrics',
    '/openapi.json',
    '/jobs/nope',
    '/stats?x=1',
  ])('%s has the status and the headers of GET, and no body', async (path) => {
    const ask = (method: string): Promise<string> =>
      exchange(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const [head, got] = [await ask('HEAD'), await ask('GET')];
    expect(head.endsWith('\r\n\r\n')).toBe(true);
    const headers = (text: string): string[] =>
      text
        .slice(0, text.indexOf('\r\n\r\n'))
        .toLowerCase()
        .split('\r\n')
        .filter((line) => !line.startsWith('date:'))
        .sort();
    expect(headers(head)).toEqual(headers(got));
  });
});

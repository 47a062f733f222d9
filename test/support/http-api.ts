// The HTTP interface on a queue in memory: asked without a socket through `call`, or over one through `serve`.

import { createApp } from '../../runtime/http/app.ts';
import { startServer } from '../../runtime/http/server.ts';
import type { RunningServer } from '../../runtime/http/server.ts';
import type { HttpLog } from '../../runtime/http/services.ts';
import type { HttpSettings } from '../../runtime/http/settings.ts';
import { MemoryQueue } from './memory-queue.ts';

export const HTTP: HttpSettings = {
  host: '127.0.0.1',
  port: 0,
  allowedHosts: [],
  authToken: null,
  bodyBytesMax: 1_048_576,
  feedConnectionsMax: 100,
  connectionsMax: 1_000,
};

export type ProblemBody = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
};

export type Called = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined where there is none. */
  readonly body: unknown;
};

export type Api = ReturnType<typeof createApi>;

export function createApi(
  options: { queue?: MemoryQueue; http?: Partial<HttpSettings>; metrics?: () => Promise<string> } = {},
) {
  const queue = options.queue ?? new MemoryQueue();
  const http = { ...HTTP, ...options.http };
  const logged: string[] = [];
  const log: HttpLog = {
    warn: (_, message) => logged.push(message),
    error: (_, message) => logged.push(message),
  };
  const app = createApp({ queue, http, log, metrics: options.metrics });

  const call = async (method: string, path: string, init: RequestInit = {}): Promise<Called> => {
    const response = await app.request(path, { method, ...init });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  };
  /** Posts a body: text as it is, everything else as JSON. */
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Called> =>
    call('POST', path, {
      body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  const serve = (): Promise<RunningServer> => startServer(app, http);
  return { queue, app, logged, call, post, serve };
}

export const problemOf = (called: Called): ProblemBody => called.body as ProblemBody;

export const pathsOf = (called: Called): string[] => (problemOf(called).errors ?? []).map(({ path }) => path).sort();

// The app behind a socket, with the limits that keep a server alive among clients who mean no good.
//
// Node's own parser finds the protocol violations; here they are answered like every other error. No connection
// outlives its use: slow requests, silent readers and idle connections are closed, and `close` ends what is left.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { SERVER_FAILED } from './app.ts';
import { answerBroken, lingerAtClose, writeAndClose } from './connection.ts';
import { problemHeaders, problemResponse, problemText, PROBLEMS } from './problem.ts';
import type { Problem } from './problem.ts';
import type { HttpEnv } from './request.ts';
import { BAD_REQUEST, BAD_TARGET, requestHeadProblem } from './request-head.ts';
import { CLOSE_GRACE_MS, HEADERS_TIMEOUT_MS, KEEP_ALIVE_MS, REQUEST_TIMEOUT_MS, SILENCE_MS } from './settings.ts';
import type { HttpSettings } from './settings.ts';

export type RunningServer = {
  readonly url: string;
  /** Ends the feeds, lets requests under way finish for a moment, and closes every connection. */
  close(): Promise<void>;
};

/** Milliseconds between two looks at slow requests. */
const CHECK_MS = 500;

/** Milliseconds between two looks at connections that became idle while the server closes. */
const SWEEP_MS = 50;

/** Connections that are being told to go, beside those that are held. */
const REFUSED_AT_ONCE_MAX = 100;

const CONNECTIONS_FULL: Problem = { kind: 'overloaded', detail: 'There are as many connections as this server holds.' };
const TOO_SLOW: Problem = { kind: 'request-timeout', detail: 'The request did not arrive in time.' };
const HEADERS: Problem = { kind: 'headers-too-large', detail: 'The headers are too large.' };
const CHUNK_EXTENSIONS: Problem = { kind: 'body-too-large', detail: 'The chunk extensions are too large.' };
const EXPECTATION: Problem = { kind: 'expectation-failed', detail: 'Only 100-continue can be expected.' };
const CONNECT: Problem = {
  kind: 'method-not-allowed',
  detail: 'This is no proxy.',
  headers: { allow: 'GET, HEAD, POST, DELETE' },
};

/** Resolves once it listens. Rejects if it cannot, with Node's own error. */
export async function startServer(app: OpenAPIHono<HttpEnv>, settings: HttpSettings): Promise<RunningServer> {
  const closing = new AbortController();
  const server = createHttpServer(app, settings, closing.signal);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: settings.port, host: settings.host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return { url: `http://${host}:${port}`, close: () => closeServer(server, closing) };
}

function createHttpServer(app: OpenAPIHono<HttpEnv>, settings: HttpSettings, closing: AbortSignal): Server {
  const listener = getRequestListener(
    (request, env) => app.fetch(request, { ...env, closing } as HttpEnv['Bindings']),
    {
      errorHandler: (error) => problemResponse(error instanceof RequestError ? BAD_TARGET : SERVER_FAILED),
    },
  );
  const answering = new WeakMap<Duplex, ServerResponse>();
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    if (!incoming.socket.writable) {
      incoming.socket.destroy(); // what was pipelined behind the last answer of this connection
      return;
    }
    answering.set(incoming.socket, outgoing);
    const problem = requestHeadProblem(incoming);
    if (problem !== undefined) return answer(outgoing, problem);
    // The guard judges the Host, in its raw line. The adapter has views of its own on what is a name, and needs none.
    incoming.headers.host = 'localhost';
    void listener(incoming, outgoing);
  };
  const server = createServer(
    {
      headersTimeout: settings.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      requestTimeout: settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      requireHostHeader: false, // checked above, so that the answer is a problem
    },
    onRequest,
  );
  // A client may shut its writing side once it has asked, and still wants the answer. Node's types lack the property.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.timeout = SILENCE_MS;
  server.maxHeadersCount = 0; // their bytes are limited; headers beyond a count would be dropped in silence
  server.maxConnections = settings.connectionsMax + REFUSED_AT_ONCE_MAX;

  const held = new Set<Socket>();
  server.on('connection', (socket) => {
    if (held.size >= settings.connectionsMax) {
      writeAndClose(socket, CONNECTIONS_FULL);
      return;
    }
    held.add(socket);
    socket.once('close', () => held.delete(socket));
  });
  server.on('checkContinue', onRequest); // the endpoint that reads the body says `100 Continue`
  server.on('checkExpectation', (_, outgoing) => answer(outgoing, EXPECTATION));
  server.on('connect', (_, socket) => writeAndClose(socket as Socket, CONNECT));
  const broken = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (broken.has(socket)) return; // a broken parser complains of every byte that follows
    broken.add(socket);
    answerBroken(socket as Socket, clientProblem(error.code), answering.get(socket));
  });
  return server;
}

function answer(outgoing: ServerResponse, problem: Problem): void {
  lingerAtClose(outgoing.req);
  const body = problemText(problem);
  outgoing.writeHead(PROBLEMS[problem.kind].status, {
    ...problemHeaders(problem),
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  outgoing.end(body);
}

function clientProblem(code: string | undefined): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return TOO_SLOW;
    case 'HPE_HEADER_OVERFLOW':
      return HEADERS;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return CHUNK_EXTENSIONS;
    default:
      return BAD_REQUEST;
  }
}

async function closeServer(server: Server, closing: AbortController): Promise<void> {
  closing.abort();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const end = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(end);
}

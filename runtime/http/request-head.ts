// What Node's parser lets pass although RFC 9112 or a browser's safety forbids it. It is asked before a request becomes
// a web request, whose URL would hide some of it.
//
// 1. The version is 1.0 or 1.1: a line of HTTP/0.9 or HTTP/2.0 is parsed as if it were ours.
// 2. There is exactly one Host; HTTP/1.0, which no browser speaks, may lack it.
// 3. The target is a path: no fragment, and `*` is for OPTIONS alone, which nothing here takes.

import type { IncomingMessage } from 'node:http';
import type { Problem } from './problem.ts';
import { rawLines } from './request.ts';

export const BAD_REQUEST: Problem = {
  kind: 'invalid-request',
  detail: 'The request is not HTTP/1.1 as RFC 9112 has it.',
};
export const BAD_TARGET: Problem = {
  kind: 'invalid-request',
  detail: 'The target of the request is not a path.',
  headers: { connection: 'close' },
};
const BAD_HOST: Problem = { kind: 'invalid-request', detail: 'A request has one Host header.' };
const NO_OPTIONS: Problem = {
  kind: 'method-not-allowed',
  detail: 'OPTIONS is not taken.',
  headers: { allow: 'GET, HEAD, POST, DELETE' },
};

/** Undefined lets the request pass. */
export function requestHeadProblem({
  httpVersion,
  method,
  url = '',
  rawHeaders,
}: IncomingMessage): Problem | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return BAD_REQUEST;
  const hosts = rawLines(rawHeaders, 'host');
  const [host] = hosts;
  if (hosts.length > 1 || (host === undefined && httpVersion !== '1.0')) return BAD_HOST;
  if (url === '*') return method === 'OPTIONS' ? NO_OPTIONS : BAD_TARGET;
  return url.includes('#') ? BAD_TARGET : undefined;
}

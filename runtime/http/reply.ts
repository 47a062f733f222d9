// Successful answers, and the headers that every answer carries.
//
// Nothing here is for a browser to show, frame, sniff or keep: the headers say so whatever the body is. What is a page may
// be shown, and looks as its own style says, which is allowed by its hash: a page runs and loads nothing.

import { createHash } from 'node:crypto';

const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

const JSON_HEADERS = { 'content-type': 'application/json', ...SECURITY_HEADERS } as const;

export const PROBLEM_HEADERS = { 'content-type': 'application/problem+json', ...SECURITY_HEADERS } as const;

/** `text` is a whole JSON document. */
export function json(status: number, text: string, headers?: Readonly<Record<string, string>>): Response {
  return new Response(text, {
    status,
    headers: headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...headers },
  });
}

export function noContent(): Response {
  return new Response(null, { status: 204, headers: SECURITY_HEADERS });
}

export function text(status: number, body: string, contentType: string): Response {
  return new Response(body, { status, headers: { 'content-type': contentType, ...SECURITY_HEADERS } });
}

/** `style` is the text of the page's one style element. */
export function page(status: number, body: string, style: string): Response {
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = `${SECURITY_HEADERS['content-security-policy']}; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return new Response(body, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', ...SECURITY_HEADERS, 'content-security-policy': policy },
  });
}

/** A null body is the answer to `HEAD`. */
export function eventStream(body: ReadableStream<Uint8Array> | null): Response {
  return new Response(body, {
    status: 200,
    headers: { 'content-type': 'text/event-stream', ...SECURITY_HEADERS, 'x-accel-buffering': 'no' },
  });
}

// Successful answers, and the headers that every answer carries.
//
// Nothing here is for a browser to show, frame, sniff or keep: the headers say so whatever the body is.

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

/** A null body is the answer to `HEAD`. */
export function eventStream(body: ReadableStream<Uint8Array> | null): Response {
  return new Response(body, {
    status: 200,
    headers: { 'content-type': 'text/event-stream', ...SECURITY_HEADERS, 'x-accel-buffering': 'no' },
  });
}

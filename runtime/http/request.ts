// A request as the endpoints see it. Behind a socket Node's own message is at hand and read directly, because building
// web objects for each header costs more than deciding; without one (in tests) the web request is asked.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';

export type HttpEnv = {
  Bindings: {
    readonly incoming?: IncomingMessage;
    readonly outgoing?: ServerResponse;
    /** Aborted when the server closes: feeds end. */
    readonly closing?: AbortSignal;
  };
};

export type HttpContext = Context<HttpEnv>;

/** The header's value; several lines of one name come joined or, for some names, as the first line alone. */
export function header(context: HttpContext, name: string): string | undefined {
  const incoming = context.env?.incoming;
  if (incoming === undefined) return context.req.header(name);
  const value = incoming.headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

/** The header's lines as they were sent. Without a socket the web request has joined them already. */
export function headerLines(context: HttpContext, name: string): readonly string[] {
  const incoming = context.env?.incoming;
  if (incoming === undefined) {
    const value = context.req.header(name);
    return value === undefined ? [] : [value];
  }
  if (incoming.headers[name] === undefined) return [];
  return rawLines(incoming.rawHeaders, name);
}

/** `name` in lower case; `rawHeaders` alternates names and values. */
export function rawLines(rawHeaders: readonly string[], name: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const candidate = rawHeaders[at];
    if (candidate?.length === name.length && candidate.toLowerCase() === name) lines.push(rawHeaders[at + 1] ?? '');
  }
  return lines;
}

// What is asked of every request before it is routed, in this order:
//
// 1. its `Host` is one of ours, else 421 (DNS rebinding);
// 2. an unsafe method comes from no page, or from one of our own origin, else 403 (cross-site request forgery);
// 3. it carries the token, unless it is a probe, else 401: unknown paths too, so that nothing can be mapped without it.

import { createHash, timingSafeEqual } from 'node:crypto';
import { hostAllowList } from './host.ts';
import type { Problem } from './problem.ts';
import { header, headerLines } from './request.ts';
import type { HttpContext } from './request.ts';
import type { HttpSettings } from './settings.ts';

/** Undefined lets the request pass. */
export type Guard = (context: HttpContext) => Problem | undefined;

export const PROBE_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

const MISDIRECTED: Problem = {
  kind: 'misdirected-request',
  detail: 'The Host header names neither this machine nor a host that ALLOWED_HOSTS lists.',
};

const FOREIGN_ORIGIN: Problem = {
  kind: 'foreign-origin',
  detail: 'The Origin header names another site than the Host header.',
};

const UNAUTHORIZED: Problem = {
  kind: 'unauthorized',
  detail: 'Send the header "Authorization: Bearer" with the token of this server.',
  headers: { 'www-authenticate': 'Bearer realm="perdure"' },
};

export function createGuard(settings: HttpSettings): Guard {
  const hostAllowed = hostAllowList(settings);
  const tokenHolds = settings.authToken === null ? undefined : tokenCheck(settings.authToken);
  return (context) => {
    const host = hostOf(context);
    if (host !== undefined && !hostAllowed(host)) return MISDIRECTED;
    if (!SAFE_METHODS.has(context.req.method)) {
      const origin = header(context, 'origin');
      if (origin !== undefined && !isOwnOrigin(origin, host)) return FOREIGN_ORIGIN;
    }
    if (tokenHolds !== undefined && !PROBE_PATHS.has(context.req.path)) {
      const lines = headerLines(context, 'authorization');
      if (lines.length !== 1 || !tokenHolds(lines[0] ?? '')) return UNAUTHORIZED;
    }
    return undefined;
  };
}

/** The authority that was asked for, as it was sent. An absolute target overrides the header (RFC 9112, 3.2.2). */
function hostOf(context: HttpContext): string | undefined {
  const incoming = context.env?.incoming;
  if (incoming?.url !== undefined && !incoming.url.startsWith('/')) return new URL(context.req.url).host;
  return headerLines(context, 'host')[0];
}

/** The scheme does not count: behind a proxy that ends TLS the page says https. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  const match = /^(https?):\/\/([^/?#@\s]+)$/i.exec(origin);
  if (match === null || host === undefined) return false;
  const defaultPort = match[1]?.toLowerCase() === 'https' ? ':443' : ':80';
  return withoutPort(match[2] ?? '', defaultPort) === withoutPort(host, defaultPort);
}

function withoutPort(authority: string, port: string): string {
  const lower = authority.toLowerCase();
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}

/** Hashes are compared, in constant time: neither the token's length nor a right beginning of it shows. */
function tokenCheck(token: string): (authorization: string) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (authorization) => {
    const match = /^Bearer +(.+)$/i.exec(authorization);
    // Header bytes arrive as Latin-1; a token of other letters is compared by its UTF-8 bytes.
    return match !== null && timingSafeEqual(digest(Buffer.from(match[1] ?? '', 'latin1').toString('utf8')), expected);
  };
}

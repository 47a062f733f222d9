// The `Idempotency-Key` header: the same thing as the field `idempotency_key`, bare or in double quotes.
//
// In quotes, `\"` and `\\` stand for themselves (RFC 9651, 3.3.3). Header bytes are UTF-8 from some clients and Latin-1
// from others (`fetch`); what is valid UTF-8 is read as such, so that both find the key they put into a body.

import type { FieldError } from './problem.ts';

export type HeaderKey = { readonly key: string | null } | { readonly error: FieldError };

/** What HTTP calls whitespace: in UTF-8 a byte that Latin-1 takes for a space may be the end of a letter. */
const OUTER_SPACE = /^[ \t]+|[ \t]+$/g;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `lines` are the header's lines as they were sent, one character for one byte; a null key is an absent header. */
export function headerKey(lines: readonly string[]): HeaderKey {
  const [line, ...others] = lines;
  if (line === undefined) return { key: null };
  if (others.length > 0) return error('is given twice in the Idempotency-Key header');
  const text = fromBytes(line.replaceAll(OUTER_SPACE, ''));
  if (text.startsWith('"')) {
    if (text.length < 2 || !text.endsWith('"')) return error('opens a quote in the Idempotency-Key header only');
    return { key: text.slice(1, -1).replace(/\\(["\\])/g, '$1') };
  }
  return { key: text };
}

const error = (message: string): HeaderKey => ({ error: { path: '/idempotency_key', message } });

function fromBytes(line: string): string {
  if (!/[\u0080-\u00ff]/.test(line)) return line;
  try {
    return UTF8.decode(Buffer.from(line, 'latin1'));
  } catch {
    return line;
  }
}

// What a body may be: `application/json` in UTF-8, as it is. A body in another charset or packed by a content encoding
// would be read wrongly or unpack beyond every limit, so both are refused instead of guessed at.

import { header, headerLines } from './request.ts';
import type { HttpContext } from './request.ts';
import type { Problem } from './problem.ts';

const PARAMETER = /^\s*([!#$%&'*+\-.^_`|~0-9a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~0-9a-z]+))\s*$/i;

export function mediaTypeProblem(context: HttpContext): Problem | undefined {
  const [contentType = '', ...others] = headerLines(context, 'content-type');
  if (others.length > 0 || (contentType !== 'application/json' && !isUtf8Json(contentType))) {
    return { kind: 'unsupported-media-type', detail: 'Content-Type must be application/json, in UTF-8.' };
  }
  const encoding = header(context, 'content-encoding');
  if (encoding !== undefined && !/^\s*(identity)?\s*$/i.test(encoding)) {
    return { kind: 'unsupported-media-type', detail: 'A content encoding is not taken: send the body as it is.' };
  }
  const transfer = header(context, 'transfer-encoding');
  if (transfer !== undefined && transfer.trim().toLowerCase() !== 'chunked') {
    return { kind: 'unsupported-media-type', detail: 'No transfer encoding but chunked is taken.' };
  }
  return undefined;
}

function isUtf8Json(contentType: string): boolean {
  const [essence = '', ...parameters] = contentType.split(';');
  if (essence.trim().toLowerCase() !== 'application/json') return false;
  return parameters.every((parameter) => {
    if (parameter.trim() === '') return true;
    const match = PARAMETER.exec(parameter);
    if (match === null) return false;
    return match[1]?.toLowerCase() !== 'charset' || (match[2] ?? match[3])?.toLowerCase() === 'utf-8';
  });
}

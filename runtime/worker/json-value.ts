// What handlers hand over as JSON: results and progress.

import type { JsonText } from '../../core/job/job.ts';

export const RESULT_BYTES_MAX = 1024 * 1024;

/** Progress is written again and again, so it is held smaller than a result. */
export const PROGRESS_BYTES_MAX = 64 * 1024;

export type Encoded = { readonly text: JsonText } | { readonly flaw: string };

/** The value as JSON text, or why it has none: a cycle, a BigInt, a function, a `toJSON` that throws, too many bytes. */
export function encodeJson(value: unknown, { bytesMax }: { bytesMax: number }): Encoded {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    return { flaw: `it is not JSON: ${messageOf(thrown)}` };
  }
  if (text === undefined) return { flaw: `it is not JSON: ${typeof value}` };
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) return { flaw: `it has ${bytes} bytes of JSON, more than ${bytesMax}` };
  return { text: text as JsonText };
}

/** JSON.stringify throws what a user's `toJSON` throws: anything. */
function messageOf(thrown: unknown): string {
  return thrown instanceof TypeError || thrown instanceof RangeError ? thrown.message.split('\n', 1).join('') : 'toJSON threw';
}

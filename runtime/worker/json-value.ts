// What handlers hand over as JSON: results and progress.

import type { JsonText } from '../../core/job/job.ts';
import { describeThrown } from './thrown.ts';

export const RESULT_BYTES_MAX = 1024 * 1024;

/** Progress is written again and again, so it is held smaller than a result. */
export const PROGRESS_BYTES_MAX = 64 * 1024;

export type Encoded = { readonly text: JsonText } | { readonly flaw: string };

/** The value as JSON text, or why it has none: a cycle, a BigInt, a function, NaN, a `toJSON` that throws, too many bytes. */
export function encodeJson(value: unknown, { bytesMax }: { bytesMax: number }): Encoded {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    // What a user's `toJSON` throws may be anything.
    return { flaw: `it is not JSON: ${describeThrown(thrown).error.message.split('\n', 1).join('')}` };
  }
  // `JSON.stringify` has no text for a function, and makes null of NaN, Infinity and an invalid Date.
  if (text === undefined || (text === 'null' && value !== null)) {
    return { flaw: `it is not JSON: ${typeof value === 'number' ? value : typeof value}` };
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) return { flaw: `it has ${bytes} bytes of JSON, more than ${bytesMax}` };
  return { text: text as JsonText };
}

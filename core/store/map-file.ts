// The export of the map tables: JSON text in UTF-8. Equal content may differ in the order of properties: whoever compares
// two exports compares what they decode to.

import type { Job } from '../job/job.ts';
import { Instant } from '../job/job.ts';
import type { EventRow, Meta } from './tables.ts';

export type Content = {
  readonly meta: Meta;
  /** In order of submission. */
  readonly jobs: readonly Job[];
  /** In order of `seq`. */
  readonly events: readonly EventRow[];
  /** Sorted. */
  readonly paused: readonly string[];
};

export const EMPTY: Content = {
  meta: { lastSeq: 0, lastAt: Instant(0), forgottenSeq: 0 },
  jobs: [],
  events: [],
  paused: [],
};

const KIND = 'perdure tables';
const FORMAT = 1;
/** As many as there are snapshots in a directory. */
const LATEST_MAX = 2;

export function encodeContent(content: Content): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ kind: KIND, format: FORMAT, ...content }));
}

/**
 * Decodes exports, and knows the latest ones again: whoever takes a snapshot reads back what was just written, and whoever
 * recovers often reads the same one often.
 */
export class ContentReader {
  readonly #latest: { readonly bytes: Uint8Array; readonly content: Content }[] = [];

  /** @throws {Error} as `decodeContent`. */
  read(bytes: Uint8Array): Content {
    const known = this.#latest.find((one) => isSame(one.bytes, bytes));
    if (known !== undefined) return known.content;
    const content = decodeContent(bytes);
    this.#latest.unshift({ bytes: bytes.slice(), content });
    if (this.#latest.length > LATEST_MAX) this.#latest.pop();
    return content;
  }
}

/** @throws {Error} if the bytes are not such an export, or of a newer format. */
export function decodeContent(bytes: Uint8Array): Content {
  const { kind, format, ...content } = parse(bytes);
  if (kind !== KIND || typeof format !== 'number') throw new Error('not an export of map tables');
  if (format > FORMAT)
    throw new Error(`format ${format} is newer than format ${FORMAT}, the newest that is known here`);
  return content;
}

function parse(bytes: Uint8Array): Content & { readonly kind?: unknown; readonly format?: unknown } {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value as Content;
  } catch (cause) {
    throw new Error('not an export of map tables', { cause });
  }
  throw new Error('not an export of map tables');
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false;
  return true;
}

// The checksummed line: everything that is stored, but the snapshot's database, is lines of this one form.
//
//   <crc32> <length> <json>\n
//
//   crc32    8 lowercase hexadecimal digits: CRC-32 of all between the first space and the LF, both left out
//   length   9 decimal digits: bytes of the JSON
//   json     one JSON object as UTF-8; JSON.stringify writes no raw LF, so a line of text is a line of the format
//
// A line is valid if every part is exactly so. No bit is left uncovered: the checksum covers the length, the space behind
// it and the JSON; the first space, the LF and the case of the digits are compared.

import { assert } from '../job/assert.ts';
import { RECORD_BYTES_MAX } from '../job/limits.ts';
import { crc32, crcText } from './crc32.ts';

export type EncodedLine = { readonly bytes: Uint8Array; readonly crc: number };

export type Line = {
  readonly crc: number;
  readonly json: Uint8Array;
  /** Offset of the byte after the LF. */
  readonly end: number;
};

const LENGTH_AT = 9;
export const LENGTH_DIGITS = 9;
/** Bytes of a line before its JSON. */
export const PREFIX_BYTES = LENGTH_AT + LENGTH_DIGITS + 1;
const BLANK_PREFIX = `${' '.repeat(LENGTH_AT)}${'0'.repeat(LENGTH_DIGITS)} `;

const SPACE = 0x20;
const LF = 0x0a;
const ZERO = 0x30;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws {InvariantError} if the line is longer than RECORD_BYTES_MAX. */
export function encodeLine(json: string): EncodedLine {
  // One encoding and no copy: the prefix is filled in where the encoder left room for it.
  const bytes = encoder.encode(`${BLANK_PREFIX}${json}\n`);
  assert(bytes.length <= RECORD_BYTES_MAX, `a line of ${bytes.length} bytes is within the limit`);
  let rest = bytes.length - PREFIX_BYTES - 1;
  for (let at = LENGTH_AT + LENGTH_DIGITS - 1; rest > 0; at -= 1) {
    bytes[at] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  const crc = crc32(bytes, LENGTH_AT, bytes.length - 1);
  const text = crcText(crc);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return { bytes, crc };
}

/** The valid line that starts at the offset; undefined if there is none. */
export function lineAt(bytes: Uint8Array, offset: number): Line | undefined {
  const json = offset + PREFIX_BYTES;
  if (json >= bytes.length || bytes[offset + LENGTH_AT - 1] !== SPACE || bytes[json - 1] !== SPACE) return undefined;
  const length = number(bytes, { from: offset + LENGTH_AT, to: json - 1, base: 10 });
  const crc = number(bytes, { from: offset, to: offset + LENGTH_AT - 1, base: 16 });
  if (length === undefined || crc === undefined) return undefined;
  const end = json + length;
  if (end >= bytes.length || bytes[end] !== LF || crc32(bytes, offset + LENGTH_AT, end) !== crc) return undefined;
  return { crc, json: bytes.subarray(json, end), end: end + 1 };
}

/** The object of a valid line; undefined if it is not one, which no line of ours is. */
export function objectOf(line: Line): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(line.json));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A count or a number as stored: a whole number from 0 that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function number(bytes: Uint8Array, digits: { from: number; to: number; base: 10 | 16 }): number | undefined {
  let value = 0;
  for (let at = digits.from; at < digits.to; at += 1) {
    const digit = digitOf(bytes[at]);
    if (digit >= digits.base) return undefined;
    value = value * digits.base + digit;
  }
  return value;
}

/** The value of a digit; 16 for what is none. Capitals are none: they would be a second way to write the same. */
function digitOf(code: number | undefined): number {
  if (code === undefined) return 16;
  if (code >= ZERO && code <= 0x39) return code - ZERO;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : 16;
}

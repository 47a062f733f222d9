// The record: one line of the journal (the line itself is in line.ts), written by one append and made durable by one sync.
//
//   {"n":12,"segment":3,"durable":11,"prev":"89abcdef","kind":"batch","events":[{"seq":40,…},…]}
//
//   n         the records of a data directory are numbered from 1 without gaps, over segments and kinds
//   segment   the number of the segment that it was written for: a block of an older file is told from one of this
//   durable   the highest n that was synced when this record was written; always below n. It is the proof: where a valid
//             record says durable ≥ n, record n was on the disk, and if it is not there now it is damaged, not torn
//   prev      the checksum of the line before it; of the segment's header for the first record of a segment (the chain)
//   kind      batch   the events of one step, at least one
//             seal    nothing; it makes the batch before it provable when nothing else follows soon
//             clean   nothing; the last record of an orderly shutdown
//
// `n` comes first: what looks for records past a damaged place looks for `{"n":`. No text inside a record can hold that,
// because quotes in strings are escaped.

import type { Event } from '../job/event.ts';
import { crcOfText, crcText } from './crc32.ts';
import { encodeLine, isCount, lineAt, objectOf, PREFIX_BYTES } from './line.ts';
import type { EncodedLine, Line } from './line.ts';

/** Where a record stands. */
export type RecordHead = {
  readonly n: number;
  readonly segment: number;
  readonly durable: number;
  readonly prev: number;
};

export type RecordBody =
  | { readonly kind: 'batch'; readonly events: readonly Event[] }
  | { readonly kind: 'seal' }
  | { readonly kind: 'clean' };

export type FoundRecord = { readonly head: RecordHead; readonly value: Readonly<Record<string, unknown>> };

/** @throws {InvariantError} if the record is longer than RECORD_BYTES_MAX. */
export function encodeRecord(head: RecordHead, body: RecordBody): EncodedLine {
  const { n, segment, durable, prev } = head;
  return encodeLine(JSON.stringify({ n, segment, durable, prev: crcText(prev), ...body }));
}

/** The place that a valid line claims; undefined if it is no record. */
export function recordOf(line: Line): FoundRecord | undefined {
  const value = objectOf(line);
  if (value === undefined) return undefined;
  const { n, segment, durable } = value;
  const prev = crcOfText(value['prev']);
  if (!isCount(n) || !isCount(segment) || !isCount(durable) || durable >= n || prev === undefined) return undefined;
  return { head: { n, segment, durable, prev }, value };
}

/** What the record says; undefined if this version could not have written it. */
export function bodyOf({ value }: FoundRecord): RecordBody | undefined {
  const { kind, events } = value;
  if (kind === 'seal' || kind === 'clean') return { kind };
  if (kind !== 'batch' || !Array.isArray(events) || events.length === 0) return undefined;
  return events.every(isEvent) ? { kind, events } : undefined;
}

/** The first record from the offset on, wherever it starts, of which the test is true. Linear in the bytes passed. */
export function findRecord(
  bytes: Uint8Array,
  from: number,
  test: (head: RecordHead) => boolean,
): { readonly offset: number; readonly record: FoundRecord; readonly line: Line } | undefined {
  let offset = from;
  for (;;) {
    const brace = bytes.indexOf(OPENING[0], offset + PREFIX_BYTES);
    if (brace === -1) return undefined;
    offset = brace - PREFIX_BYTES;
    const line = OPENING.every((code, index) => bytes[brace + index] === code) ? lineAt(bytes, offset) : undefined;
    const record = line === undefined ? undefined : recordOf(line);
    if (line !== undefined && record !== undefined && test(record.head)) return { offset, record, line };
    offset = line === undefined ? offset + 1 : line.end;
  }
}

/** `{"n":` */
const OPENING = [0x7b, 0x22, 0x6e, 0x22, 0x3a] as const;

/** That the events are legal is for the reducer to say; here is only what tells an event of a job from one of a queue. */
function isEvent(value: unknown): value is Event {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, at, kind, jobId, queue } = value as Readonly<Record<string, unknown>>;
  if (!isCount(seq) || typeof at !== 'number' || typeof kind !== 'string') return false;
  return kind === 'paused' || kind === 'resumed' ? typeof queue === 'string' : typeof jobId === 'string';
}

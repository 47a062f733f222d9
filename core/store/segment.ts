// The segment: one file of the journal, `journal-<number, 10 digits>.log`. Segments are numbered from 1; all but the last
// are closed. A segment is its header and then records (record.ts), each a line (line.ts):
//
//   {"format":1,"directory":"<id>","segment":3,"first":12,"prev":"01234567"}
//
//   format      of this header and of the records; a newer one is refused
//   directory   the random id of the data directory: a file of another one shows
//   segment     the number in the file's name: a renamed or swapped file shows
//   first       the number of the first record that is, or will be, in this segment: a lost one before it shows
//   prev        the checksum of the last line of the segment before; 00000000 in the first segment (the chain)
//
// What is valid:
//
// 1. A record is valid if its line is, it names this segment and the next number, and `prev` continues the chain.
// 2. A closed segment is valid to its last byte: it was synced before the next one was made. Anything else is damage.
// 3. In the last segment, what follows the last valid record is a torn tail: it was written and never known synced. It is
//    damage instead if any record behind the bad place says `durable` ≥ the missing number.
// 4. The last segment may have no header, if it is no longer than its header would be: nothing is appended before the
//    header is synced. What is there then is a header that did not reach the disk, or stale blocks of another one. It is
//    damage instead if it is a valid header that follows more records than were found.

import { assert } from '../job/assert.ts';
import { crcOfText, crcText } from './crc32.ts';
import { DamageError, FormatError } from './damage.ts';
import { encodeLine, isCount, lineAt, objectOf } from './line.ts';
import type { EncodedLine } from './line.ts';
import { bodyOf, findRecord, recordOf } from './record.ts';
import type { RecordBody } from './record.ts';

export const JOURNAL_FORMAT = 1;

export const segmentFile = (number: number): string => `journal-${String(number).padStart(10, '0')}.log`;

/** How far the journal has been read or written: the latest record, the checksum of the latest line, and whose it is. */
export type Place = { readonly directoryId: string; readonly record: number; readonly crc: number };

export type Header = { readonly segment: number; readonly after: Place };

export type Segment = {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Its end may be torn. */
  readonly isLast: boolean;
  /** The crash may have come at its creation: false where something else was made only after it. */
  readonly mayLackHeader: boolean;
};

export type SegmentReading = {
  readonly place: Place;
  /** Length of what is valid; what is behind it is torn. 0 if there is no header. */
  readonly validBytes: number;
};

/**
 * The place before the first segment of a new directory. The id's length is bounded so that a header is always shorter
 * than any header with a record behind it: what may be a header alone cannot have been a journal (rule 4).
 * @throws {InvariantError} if the id is not 1 to 36 of `A-Z a-z 0-9 -`.
 */
export function beginning(directoryId: string): Place {
  assert(/^[A-Za-z0-9-]{1,36}$/.test(directoryId), 'the id of a directory is short and plain');
  return { directoryId, record: 0, crc: 0 };
}

export function encodeHeader({ segment, after }: Header): EncodedLine {
  const { directoryId: directory, record, crc } = after;
  const header = { format: JOURNAL_FORMAT, directory, segment, first: record + 1, prev: crcText(crc) };
  return encodeLine(JSON.stringify(header));
}

export type FoundHeader = Header & { readonly crc: number; readonly end: number };

/**
 * The header that the file begins with; undefined if that is not valid.
 * @throws {FormatError} if it is of a newer format.
 */
export function headerOf(file: string, bytes: Uint8Array): FoundHeader | undefined {
  const line = lineAt(bytes, 0);
  const value = line === undefined ? undefined : objectOf(line);
  if (line === undefined || value === undefined) return undefined;
  const { format, directory, segment, first } = value;
  if (isCount(format) && format > JOURNAL_FORMAT) {
    throw new FormatError({ file, found: format, newestKnown: JOURNAL_FORMAT });
  }
  const crc = crcOfText(value['prev']);
  if (format !== JOURNAL_FORMAT || typeof directory !== 'string' || crc === undefined) return undefined;
  if (!isCount(segment) || !isCount(first) || first === 0) return undefined;
  return { segment, after: { directoryId: directory, record: first - 1, crc }, crc: line.crc, end: line.end };
}

/**
 * Reads the segment that follows `before`; visits each valid record. `before` is null where nothing tells the directory's
 * id: at the first segment of all.
 * @throws {DamageError | FormatError} as the rules above say.
 */
export function readSegment(
  segment: Segment,
  before: Place | null,
  visit: (body: RecordBody, at: { readonly offset: number; readonly record: number }) => void,
): SegmentReading | null {
  const { number, bytes, isLast } = segment;
  const file = segmentFile(number);
  const header = checkedHeader(segment, before);
  if (header === null) return null;

  const { directoryId } = header.after;
  let place: Place = { directoryId, record: header.after.record, crc: header.crc };
  let offset = header.end;
  while (offset < bytes.length) {
    const record = place.record + 1;
    const line = lineAt(bytes, offset);
    const found = line === undefined ? undefined : recordOf(line);
    const { head } = found ?? {};
    if (
      line === undefined ||
      found === undefined ||
      head?.segment !== number ||
      head.n !== record ||
      head.prev !== place.crc
    ) {
      const proof = findRecord(bytes, offset, (later) => later.segment === number && later.durable >= record);
      if (isLast && proof === undefined) break;
      const reason =
        proof === undefined
          ? 'no valid record is here, though the segment was complete before the next one was made'
          : `no valid record is here, though record ${proof.record.head.n} at byte ${proof.offset} proves that it was durable`;
      throw new DamageError({ file, offset, record, reason });
    }
    const body = bodyOf(found);
    if (body === undefined) {
      throw new DamageError({
        file,
        offset,
        record,
        reason: 'the record is valid but says nothing that is known here',
      });
    }
    visit(body, { offset, record });
    place = { directoryId, record, crc: line.crc };
    offset = line.end;
  }
  return { place, validBytes: offset };
}

/** The valid header; null if the segment legally has none. */
function checkedHeader(segment: Segment, before: Place | null): FoundHeader | null {
  const { number, bytes, mayLackHeader } = segment;
  const file = segmentFile(number);
  const record = before === null ? null : before.record + 1;

  const header = headerOf(file, bytes);
  if (header !== undefined && before !== null && header.after.directoryId !== before.directoryId) {
    const reason = `it is of the data directory ${header.after.directoryId}, this one is ${before.directoryId}`;
    throw new DamageError({ file, offset: 0, record, reason });
  }
  const problem = headerProblem(header, number, before);
  if (header !== undefined && problem === null) return header;

  const isProofOfLoss = header !== undefined && provesLoss(header, number, before);
  const expected = before ?? beginning(LONGEST_ID);
  const bytesMax = encodeHeader({ segment: number, after: expected }).bytes.length;
  const isEmpty = findRecord(bytes, 0, (head) => head.segment === number) === undefined;
  if (!isProofOfLoss && mayLackHeader && bytes.length <= bytesMax && isEmpty) return null;
  throw new DamageError({ file, offset: 0, record, reason: problem ?? 'the header is not valid' });
}

/**
 * A header is written when all before it is durable. An older one of the same number may come back as a stale block, after
 * an attempt to begin this segment that failed; one that follows more than was found shows that the rest is lost.
 */
function provesLoss(header: Header, number: number, before: Place | null): boolean {
  return header.segment === number && header.after.record >= (before?.record ?? 0);
}

/** Stands in where nothing tells the directory's id: only the first segment of all is read without one. */
const LONGEST_ID = '0'.repeat(36);

function headerProblem(header: Header | undefined, number: number, before: Place | null): string | null {
  if (header === undefined) return 'the header is not valid';
  const { segment, after } = header;
  if (segment !== number) return `its header says that it is segment ${segment}`;
  const { record, crc } = before ?? { record: 0, crc: 0 };
  if (after.record !== record) return `it begins with record ${after.record + 1}, but record ${record + 1} is due`;
  return after.crc === crc ? null : 'it does not continue the segment before it';
}

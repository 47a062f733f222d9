// What of one file of the journal is valid, what is torn and what is damage. The rules are in core/store/segment.ts.

import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../../core/job/assert.ts';
import { DamageError, FormatError } from '../../../core/store/damage.ts';
import { encodeLine } from '../../../core/store/line.ts';
import { encodeRecord } from '../../../core/store/record.ts';
import type { RecordBody } from '../../../core/store/record.ts';
import { beginning, encodeHeader, headerOf, readSegment, segmentFile } from '../../../core/store/segment.ts';
import type { Place, Segment, SegmentReading } from '../../../core/store/segment.ts';
import { submitted } from '../../support/data-directory.ts';
import { MemoryDisk } from '../../../runtime/testing/memory-disk.ts';
import { start } from '../../support/data-directory.ts';

const ID = '01234567-89ab-cdef-0123-456789abcdef';
const START = beginning(ID);
const BEFORE: Place = { directoryId: ID, record: 40, crc: 0x89abcdef };

const concat = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => Array.from(part)));

/** A segment with so many records, and where each of its lines ends. */
function segmentOf(number: number, after: Place, records: number): { bytes: Uint8Array; ends: number[]; end: Place } {
  const header = encodeHeader({ segment: number, after });
  const lines = [header.bytes];
  const ends = [header.bytes.length];
  let end: Place = { ...after, crc: header.crc };
  for (let count = 1; count <= records; count += 1) {
    const head = { n: end.record + 1, segment: number, durable: end.record, prev: end.crc };
    const line = encodeRecord(head, { kind: 'batch', events: [submitted(count)] });
    lines.push(line.bytes);
    ends.push((ends.at(-1) ?? 0) + line.bytes.length);
    end = { ...end, record: head.n, crc: line.crc };
  }
  return { bytes: concat(...lines), ends, end };
}

type Read = { readonly reading: SegmentReading | null; readonly records: number[] };

function readOf(bytes: Uint8Array, given: Partial<Segment> & { before?: Place | null } = {}): Read {
  const { before = BEFORE, ...segment } = given;
  const records: number[] = [];
  const whole = { number: 3, isLast: false, mayLackHeader: false, ...segment, bytes };
  const reading = readSegment(whole, before, (_body: RecordBody, { record }) => records.push(record));
  return { reading, records };
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const WHOLE = segmentOf(3, BEFORE, 3);
const cutAt = (length: number): Uint8Array => WHOLE.bytes.slice(0, length);
const HEADER_END = WHOLE.ends[0] ?? 0;

describe('rule 1: a record is valid if its line is, it names this segment and the next number, and continues the chain', () => {
  it('and then it is read', () => {
    expect(readOf(WHOLE.bytes)).toEqual({
      reading: { place: WHOLE.end, validBytes: WHOLE.bytes.length },
      records: [41, 42, 43],
    });
  });

  it.each([
    ['of another segment', { segment: 2 }],
    ['with the number of an earlier one', { n: 43, durable: 42 }],
    ['with a number too high', { n: 45, durable: 43 }],
    ['that continues another record', { prev: 1 }],
  ])('a record %s is none', (_, wrong) => {
    const head = { n: 44, segment: 3, durable: 43, prev: WHOLE.end.crc, ...wrong };
    const bytes = concat(WHOLE.bytes, encodeRecord(head, { kind: 'seal' }).bytes);
    expect(thrownBy(() => readOf(bytes))).toMatchObject({
      file: segmentFile(3),
      offset: WHOLE.bytes.length,
      record: 44,
    });
    if (head.durable < 44) expect(readOf(bytes, { isLast: true }).records).toEqual([41, 42, 43]);
  });

  it('a record that is valid and says nothing known is damage, last or not', () => {
    const head = { n: 44, segment: 3, durable: 43, prev: '0'.repeat(8), kind: 'later invention' };
    const { bytes } = encodeLine(JSON.stringify({ ...head, prev: WHOLE.end.crc.toString(16).padStart(8, '0') }));
    expect(thrownBy(() => readOf(concat(WHOLE.bytes, bytes), { isLast: true }))).toMatchObject({ record: 44 });
  });
});

describe('rule 2: a closed segment is valid to its last byte; anything else is damage', () => {
  it('cut anywhere but between records', () => {
    for (let length = 0; length < WHOLE.bytes.length; length += 1) {
      if (WHOLE.ends.includes(length)) continue;
      const offset = Math.max(0, ...WHOLE.ends.filter((end) => end <= length));
      expect(thrownBy(() => readOf(cutAt(length)))).toMatchObject({ name: 'DamageError', offset });
    }
  });

  it('cut between records, the segment after it does not continue it', () => {
    const next = segmentOf(4, WHOLE.end, 1);
    for (const length of WHOLE.ends.slice(0, -1)) {
      const { reading } = readOf(cutAt(length));
      const damage = thrownBy(() => readOf(next.bytes, { number: 4, isLast: true, before: reading?.place ?? null }));
      expect(damage).toMatchObject({ file: segmentFile(4), offset: 0 });
    }
  });

  it('with any byte more', () => {
    for (const more of [[0], [0x0a], [0x7b]]) {
      const damage = thrownBy(() => readOf(concat(WHOLE.bytes, Uint8Array.from(more))));
      expect(damage).toMatchObject({ name: 'DamageError', offset: WHOLE.bytes.length, record: 44 });
    }
  });
});

describe('rule 3: in the last segment, what follows the last valid record is a torn tail', () => {
  it('cut at every byte', () => {
    for (let length = HEADER_END; length <= WHOLE.bytes.length; length += 1) {
      const whole = WHOLE.ends.filter((end) => end <= length);
      const { reading, records } = readOf(cutAt(length), { isLast: true });
      expect(reading?.validBytes).toBe(whole.at(-1));
      expect(records).toHaveLength(whole.length - 1);
    }
  });

  it('or damage, if any record behind the bad place says durable ≥ the missing number', () => {
    for (let at = HEADER_END; at < WHOLE.bytes.length; at += 1) {
      const bytes = WHOLE.bytes.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      const [hit = 0, next = 0] = [WHOLE.ends.findLast((end) => end <= at), WHOLE.ends.find((end) => end > at)];
      if (next === WHOLE.bytes.length) expect(readOf(bytes, { isLast: true }).reading?.validBytes).toBe(hit);
      else expect(thrownBy(() => readOf(bytes, { isLast: true }))).toMatchObject({ name: 'DamageError', offset: hit });
    }
  });

  it('a record behind it that was written for another segment proves nothing', () => {
    const stale = encodeRecord({ n: 90, segment: 2, durable: 89, prev: 0 }, { kind: 'seal' }).bytes;
    expect(readOf(concat(WHOLE.bytes, Uint8Array.of(0, 0), stale), { isLast: true }).records).toEqual([41, 42, 43]);
    const own = encodeRecord({ n: 90, segment: 3, durable: 89, prev: 0 }, { kind: 'seal' }).bytes;
    const damage = thrownBy(() => readOf(concat(WHOLE.bytes, Uint8Array.of(0, 0), own), { isLast: true }));
    expect(damage).toMatchObject({ offset: WHOLE.bytes.length, record: 44 });
  });
});

describe('rule 4: the last segment may have no header, if it is no longer than its header would be', () => {
  const last = { isLast: true, mayLackHeader: true };

  it('whatever stands there', () => {
    for (let length = 0; length < HEADER_END; length += 1) {
      expect(readOf(cutAt(length), last)).toEqual({ reading: null, records: [] });
      expect(readOf(new Uint8Array(length), last)).toEqual({ reading: null, records: [] });
    }
    expect(readOf(new Uint8Array(HEADER_END), last).reading).toBeNull();
    const stale = segmentOf(2, BEFORE, 1).bytes.slice(0, HEADER_END);
    expect(readOf(stale, last).reading).toBeNull();
  });

  it('longer, it held records: damage', () => {
    expect(thrownBy(() => readOf(new Uint8Array(HEADER_END + 1), last))).toBeInstanceOf(DamageError);
    const bytes = WHOLE.bytes.slice();
    bytes.fill(0, 0, HEADER_END);
    expect(thrownBy(() => readOf(bytes, last))).toMatchObject({ name: 'DamageError', offset: 0, record: 41 });
  });

  it('a valid one that follows more records than were found shows that they are lost; an older one is a stale block', () => {
    const headerAfter = (record: number): Uint8Array => segmentOf(3, { ...BEFORE, record }, 0).bytes;
    const { record } = BEFORE;
    expect(thrownBy(() => readOf(headerAfter(record + 1), last))).toMatchObject({ name: 'DamageError', offset: 0 });
    expect(readOf(headerAfter(record - 1), last).reading).toBeNull();
  });

  it('where something else was made only after it, it may not', () => {
    expect(thrownBy(() => readOf(new Uint8Array(0), { isLast: true }))).toBeInstanceOf(DamageError);
  });

  it('the first of all too: a header and the smallest record that may follow it, both gone, were not a header alone', () => {
    for (const directoryId of ['x', ID]) {
      const header = encodeHeader({ segment: 1, after: beginning(directoryId) });
      const clean = encodeRecord({ n: 1, segment: 1, durable: 0, prev: header.crc }, { kind: 'clean' });
      const first = { ...last, number: 1, before: null };
      const lost = (length: number) => new Uint8Array(length);
      expect(readOf(lost(header.bytes.length), first).reading).toBeNull();
      expect(thrownBy(() => readOf(lost(header.bytes.length + clean.bytes.length), first))).toBeInstanceOf(DamageError);
    }
  });

  it('a small directory whose only block is gone is refused, and not begun anew', () => {
    const disk = new MemoryDisk();
    const { journal } = disk.run(start(ID));
    disk.run(journal.append([submitted(1, '')]));
    const image = disk.kill().image();
    const gone = new MemoryDisk(new Map([...image].map(([file, { length }]) => [file, new Uint8Array(length)])));
    expect(thrownBy(() => gone.run(start()))).toMatchObject({ name: 'DamageError', file: segmentFile(1), offset: 0 });
  });
});

describe('the header', () => {
  it('reads back as it was written', () => {
    const { bytes, crc } = encodeHeader({ segment: 3, after: BEFORE });
    expect(headerOf('a', bytes)).toEqual({ segment: 3, after: BEFORE, crc, end: bytes.length });
    expect(new TextDecoder().decode(bytes.subarray(19))).toBe(
      `{"format":1,"directory":"${ID}","segment":3,"first":41,"prev":"89abcdef"}\n`,
    );
  });

  it.each([
    ['directory: a file of another one shows', { directoryId: 'another' }, /data directory another/],
    ['first: a lost one before it shows', { record: 41 }, /begins with record 42, but record 41 is due/],
    ['prev: a broken chain shows', { crc: 1 }, /does not continue/],
  ])('%s', (_, wrong, reason) => {
    const { bytes } = segmentOf(3, { ...BEFORE, ...wrong }, 1);
    for (const isLast of [false, true]) {
      const damage = thrownBy(() => readOf(bytes, { isLast, mayLackHeader: isLast }));
      expect(damage).toMatchObject({ name: 'DamageError', file: segmentFile(3), offset: 0 });
      expect((damage as DamageError).reason).toMatch(reason);
    }
  });

  it('segment: a renamed or swapped file shows', () => {
    const damage = thrownBy(() => readOf(segmentOf(2, BEFORE, 1).bytes, { isLast: true, mayLackHeader: true }));
    expect((damage as DamageError).reason).toMatch(/says that it is segment 2/);
  });

  it('format: a newer one is refused, naming both', () => {
    const header = { format: 2, directory: ID, segment: 3, first: 41, prev: '89abcdef', invention: true };
    const { bytes } = encodeLine(JSON.stringify(header));
    const refusal = thrownBy(() => readOf(bytes, { isLast: true, mayLackHeader: true }));
    expect(refusal).toBeInstanceOf(FormatError);
    expect(refusal).toMatchObject({ file: segmentFile(3), found: 2, newestKnown: 1 });
  });

  it.each(['', 'a directory id that is far too long to be one', 'ünïcode', 'with"quote'])(
    'the directory id %j is a broken invariant: its length bounds the header',
    (id) => {
      expect(() => beginning(id)).toThrow(InvariantError);
    },
  );

  it('the first of all begins with record 1 and no chain', () => {
    const { bytes } = segmentOf(1, START, 1);
    expect(readOf(bytes, { number: 1, isLast: true, before: null }).records).toEqual([1]);
    expect(
      thrownBy(() => readOf(segmentOf(1, BEFORE, 1).bytes, { number: 1, isLast: true, before: null })),
    ).toMatchObject({ name: 'DamageError' });
  });
});

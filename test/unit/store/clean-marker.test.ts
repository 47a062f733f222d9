// The clean marker: what an orderly shutdown left, and what the next start holds against it.

import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../core/store/damage.ts';
import { readMarker, removeMarker, writeMarker } from '../../../core/store/clean-marker.ts';
import type { CleanMarker } from '../../../core/store/clean-marker.ts';
import { encodeLine } from '../../../core/store/line.ts';
import { segmentFile } from '../../../core/store/segment.ts';
import { bytesOf, directoryWith, jobsUpTo, lineStarts, pendingOf, start } from '../../support/data-directory.ts';
import { MemoryDisk, POWER_CUTS, Stopped } from '../../../runtime/testing/memory-disk.ts';
import type { Image } from '../../../runtime/testing/memory-disk.ts';

const MARKER: CleanMarker = {
  segment: 3,
  bytes: 5_120,
  place: { directoryId: 'directory-1', record: 40, crc: 0x89abcdef },
};
const SECOND = segmentFile(2);

/** Two segments and the marker of an orderly shutdown. */
const CLOSED: Image = directoryWith(4, { rotate: [2], close: true }).image();

function refusalOf(image: Image): unknown {
  const disk = new MemoryDisk(image);
  try {
    disk.run(start());
  } catch (error) {
    for (const [file, bytes] of image) expect(Buffer.compare(bytesOf(disk.image(), file), bytes)).toBe(0);
    expect(disk.image().size).toBe(image.size);
    return error;
  }
  throw new Error('it was opened');
}

const without = (file: string): Map<string, Uint8Array> => new Map([...CLOSED].filter(([name]) => name !== file));

describe('the marker', () => {
  it('is one line that anybody can read, and reads back', () => {
    const disk = new MemoryDisk();
    disk.run(writeMarker(MARKER));
    expect(new TextDecoder().decode(bytesOf(disk.image(), 'clean')).slice(19)).toBe(
      '{"format":1,"directory":"directory-1","segment":3,"bytes":5120,"record":40,"crc":"89abcdef"}\n',
    );
    expect(disk.run(readMarker())).toEqual(MARKER);
  });

  it('rule 1: is never torn, whatever a power cut leaves of its making', () => {
    for (let at = 1; at <= 7; at += 1) {
      for (const cut of POWER_CUTS) {
        const disk = new MemoryDisk();
        expect(() => disk.run(writeMarker(MARKER), { stopAfter: at })).toThrow(Stopped);
        const left = disk.losePower(cut);
        if (left.image().has('clean')) expect(left.run(readMarker())).toEqual(MARKER);
      }
    }
  });

  it('rule 1: an unreadable one is damage', () => {
    const bytes = bytesOf(CLOSED, 'clean');
    for (let length = 0; length < bytes.length; length += 1) {
      expect(refusalOf(new Map(CLOSED).set('clean', bytes.slice(0, length)))).toMatchObject({
        file: 'clean',
        offset: 0,
      });
    }
    const longer = Uint8Array.from([...bytes, 0x0a]);
    expect(refusalOf(new Map(CLOSED).set('clean', longer))).toMatchObject({ name: 'DamageError', file: 'clean' });
    const { bytes: other } = encodeLine('{"format":1}');
    expect(refusalOf(new Map(CLOSED).set('clean', other))).toMatchObject({ name: 'DamageError', file: 'clean' });
  });

  it('of a newer format is refused, naming both', () => {
    const refusal = refusalOf(new Map(CLOSED).set('clean', encodeLine('{"format":2}').bytes));
    expect(refusal).toBeInstanceOf(FormatError);
    expect(refusal).toMatchObject({ file: 'clean', found: 2, newestKnown: 1 });
  });

  it('rule 2: is durably gone before the next start writes anything', () => {
    const disk = new MemoryDisk(CLOSED);
    disk.run(start());
    const kinds = disk.operations.map(({ kind }) => kind).filter((kind) => kind !== 'list' && kind !== 'read');
    expect(kinds.slice(0, 3)).toEqual(['remove', 'syncDirectory', 'create']);
    const removing = new MemoryDisk(CLOSED);
    removing.run(removeMarker());
    expect(removing.losePower({ bytes: 'lost', names: 'lost' }).image().has('clean')).toBe(false);
  });

  it('that comes back after a crash at the start that removed it is still true', () => {
    for (let at = 1; at <= 12; at += 1) {
      for (const cut of POWER_CUTS) {
        const disk = new MemoryDisk(CLOSED);
        try {
          disk.run(start(), { stopAfter: at });
        } catch (error) {
          expect(error).toBeInstanceOf(Stopped);
        }
        expect(pendingOf(disk.losePower(cut).run(start()).tables)).toEqual(jobsUpTo(4));
      }
    }
  });
});

describe('a journal that ends elsewhere than the marker says', () => {
  const bytes = bytesOf(CLOSED, SECOND);

  it('cut at any byte, between records too, is damage', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      const refusal = refusalOf(new Map(CLOSED).set(SECOND, bytes.slice(0, length)));
      expect(refusal).toMatchObject({ name: 'DamageError', file: SECOND, offset: length });
    }
    expect(lineStarts(bytes).length).toBeGreaterThan(3);
  });

  it('longer, by whatever, is damage', () => {
    for (const more of [Uint8Array.of(0), new Uint8Array(4_096), bytes.slice(lineStarts(bytes).at(-2))]) {
      const refusal = refusalOf(new Map(CLOSED).set(SECOND, Uint8Array.from([...bytes, ...more])));
      expect(refusal).toMatchObject({ name: 'DamageError', file: SECOND, offset: bytes.length });
    }
  });

  it('of the right length and with other bytes is damage, though its last record is never proven', () => {
    const torn = bytes.slice();
    torn.fill(0, (lineStarts(bytes).at(-2) ?? 0) + 1);
    expect(refusalOf(new Map(CLOSED).set(SECOND, torn))).toMatchObject({ name: 'DamageError', file: SECOND });
  });

  it('missing, or the segment before it, is damage', () => {
    expect(refusalOf(without(SECOND))).toMatchObject({ name: 'DamageError', file: SECOND });
    expect(refusalOf(without(segmentFile(1)))).toMatchObject({ name: 'DamageError', file: segmentFile(1) });
    expect(refusalOf(new Map([['clean', bytesOf(CLOSED, 'clean')]]))).toMatchObject({ file: SECOND });
  });

  it('followed by another segment is damage', () => {
    const refusal = refusalOf(new Map(CLOSED).set(segmentFile(3), new Uint8Array(0)));
    expect(refusal).toMatchObject({ name: 'DamageError', file: segmentFile(3) });
  });

  it('of another life of the directory, as long as this one, is damage', () => {
    const other = directoryWith(4, { rotate: [2] });
    const cut = bytesOf(other.image(), SECOND);
    const padded = Uint8Array.from({ length: bytes.length }, (_, at) => cut[at] ?? 0);
    expect(refusalOf(new Map(CLOSED).set(SECOND, padded))).toMatchObject({ name: 'DamageError', file: SECOND });
  });
});

it('control: without the marker the same cut is a torn tail', () => {
  const bytes = bytesOf(CLOSED, SECOND);
  const disk = new MemoryDisk(without('clean').set(SECOND, bytes.slice(0, lineStarts(bytes).at(-3))));
  expect(pendingOf(disk.run(start()).tables)).toEqual(jobsUpTo(3));
});

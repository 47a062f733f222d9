// The writer: what it asks of the disk, in which order, and what it does when the disk says no.

import { describe, expect, it } from 'vitest';
import type { DiskErrorCode, DiskOperation } from '../../../core/store/disk.ts';
import { DiskError } from '../../../core/store/disk.ts';
import type { Journal } from '../../../core/store/journal.ts';
import { bytesOf, jobsUpTo, lineStarts, pendingOf, snapshot, start, submitted } from '../../support/data-directory.ts';
import { MemoryDisk } from '../../../runtime/testing/memory-disk.ts';

const FIRST = 'journal-0000000001.log';
const SECOND = 'journal-0000000002.log';

function begin(jobs = 0): { disk: MemoryDisk; journal: Journal } {
  const disk = new MemoryDisk();
  const { journal } = disk.run(start());
  for (let seq = 1; seq <= jobs; seq += 1) disk.run(journal.append([submitted(seq)]));
  return { disk, journal };
}

const told = (operation: DiskOperation): string =>
  'file' in operation ? `${operation.kind} ${operation.file}` : operation.kind;

/** The operations of what `act` does. */
function operations(disk: MemoryDisk, act: () => void): string[] {
  const before = disk.operations.length;
  act();
  return disk.operations.slice(before).map(told);
}

/** The jobs that the next process finds. */
const recovered = (disk: MemoryDisk): string[] => pendingOf(disk.kill().run(start()).tables);

const NOTHING_KEPT = { bytes: 'lost', names: 'lost' } as const;

const failing = (at: number, code: DiskErrorCode) => ({ fail: { at, code } });

describe('a record', () => {
  it('is one append and one sync', () => {
    const { disk, journal } = begin();
    const asked = operations(disk, () => disk.run(journal.append([submitted(1), submitted(2)])));
    expect(asked).toEqual([`append ${FIRST}`, `sync ${FIRST}`]);
  });

  it('is durable when append returns', () => {
    const { disk } = begin(3);
    expect(pendingOf(disk.kill().losePower(NOTHING_KEPT).run(start()).tables)).toEqual(jobsUpTo(3));
  });

  it('says that the record before it was durable, and names its checksum', () => {
    const { disk } = begin(3);
    const lines = new TextDecoder().decode(bytesOf(disk.image(), FIRST)).trimEnd().split('\n');
    for (const [index, line] of lines.entries()) {
      if (index === 0) continue;
      const { n, durable, prev } = JSON.parse(line.slice(19)) as { n: number; durable: number; prev: string };
      expect({ n, durable, prev }).toEqual({ n: index, durable: index - 1, prev: lines[index - 1]?.slice(0, 8) });
    }
  });

  it('of no events is never written', () => {
    const { disk, journal } = begin();
    expect(() => disk.run(journal.append([]))).toThrow('a batch has events');
  });
});

describe('a seal', () => {
  it('makes the journal sealed, until the next batch', () => {
    const { disk, journal } = begin();
    expect(journal.sealed).toBe(true);
    disk.run(journal.append([submitted(1)]));
    expect(journal.sealed).toBe(false);
    disk.run(journal.seal());
    expect(journal.sealed).toBe(true);
    disk.run(journal.append([submitted(2)]));
    expect(journal.sealed).toBe(false);
    disk.run(journal.rotate());
    expect(journal.sealed).toBe(true);
  });
});

describe('rotation', () => {
  it('lets the old segment go only when the new one is durable, header and name', () => {
    const { disk, journal } = begin(1);
    const asked = operations(disk, () => expect(disk.run(journal.rotate())).toBe(1));
    expect(asked).toEqual([
      `create ${SECOND}`,
      `append ${SECOND}`,
      `sync ${SECOND}`,
      'syncDirectory',
      `close ${FIRST}`,
    ]);
  });

  it.each([
    ['created', 1, 'no-space'],
    ['created for lack of descriptors', 1, 'io'],
    ['written', 2, 'no-space'],
  ] as const)('into a segment that cannot be %s leaves nothing of it, and the journal goes on', (_, at, code) => {
    const { disk, journal } = begin(1);
    expect(() => disk.run(journal.rotate(), failing(at, code))).toThrow(DiskError);
    expect(journal.broken).toBe(false);
    expect([...disk.image().keys()]).toEqual([FIRST]);
    disk.run(journal.append([submitted(2)]));
    expect(pendingOf(disk.kill().losePower(NOTHING_KEPT).run(start()).tables)).toEqual(jobsUpTo(2));
  });

  it('succeeds after it has failed', () => {
    const { disk, journal } = begin(1);
    expect(() => disk.run(journal.rotate(), failing(2, 'no-space'))).toThrow(DiskError);
    expect(disk.run(journal.rotate())).toBe(1);
    disk.run(journal.append([submitted(2)]));
    expect(recovered(disk)).toEqual(jobsUpTo(2));
  });

  it('durably forgets the half-made segment before the old one goes on: a torn tail there must stay a torn tail', () => {
    const { disk, journal } = begin(1);
    const asked = operations(disk, () => {
      expect(() => disk.run(journal.rotate(), failing(2, 'no-space'))).toThrow(DiskError);
    });
    expect(asked.slice(-2)).toEqual([`remove ${SECOND}`, 'syncDirectory']);
  });

  it.each([
    ['write of the header', 2, 'io'],
    ['sync of the header', 3, 'io'],
    ['sync of the header, for lack of space', 3, 'no-space'],
    ['sync of the directory', 4, 'io'],
    ['letting go of the old segment', 5, 'io'],
  ] as const)('breaks the journal by a failed %s; what was durable is found again', (_, at, code) => {
    const { disk, journal } = begin(2);
    expect(() => disk.run(journal.rotate(), failing(at, code))).toThrow(DiskError);
    expect(journal.broken).toBe(true);
    expect(() => disk.run(journal.append([submitted(3)]))).toThrow('a broken journal is never touched again');
    expect(recovered(disk)).toEqual(jobsUpTo(2));
  });

  it('onto a name that is taken leaves the file alone', () => {
    const { disk, journal } = begin(1);
    const image = disk.image().set(SECOND, new Uint8Array([1]));
    const other = new MemoryDisk(image);
    expect(() => other.run(journal.rotate())).toThrow(DiskError);
    expect(other.image().get(SECOND)).toEqual(new Uint8Array([1]));
    expect(journal.broken).toBe(false);
  });
});

describe('a full disk', () => {
  it('costs the record, is cut off and the cut synced', () => {
    const { disk, journal } = begin(1);
    const before = disk.image();
    const asked = operations(disk, () => {
      expect(() => disk.run(journal.append([submitted(2)]), failing(1, 'no-space'))).toThrow(DiskError);
    });
    expect(asked).toEqual([`append ${FIRST}`, `truncate ${FIRST}`, `sync ${FIRST}`]);
    expect(disk.image()).toEqual(before);
    expect(journal.broken).toBe(false);
  });

  it.each([
    ['cut', 2],
    ['sync of the cut', 3],
  ])('breaks the journal if the %s fails', (_, at) => {
    const { disk, journal } = begin(1);
    const refuse = function* () {
      const program = journal.append([submitted(2)]);
      let turn = program.next();
      for (let n = 1; turn.done !== true; n += 1) {
        const { value: operation } = turn;
        if (n === 1 || n === at)
          turn = program.throw(new DiskError({ code: n === 1 ? 'no-space' : 'io', operation: operation.kind }));
        else turn = program.next(yield operation);
      }
    };
    expect(() => disk.run(refuse())).toThrow(DiskError);
    expect(journal.broken).toBe(true);
    expect(recovered(disk)).toEqual(jobsUpTo(1));
  });

  it('that shows only at the sync breaks the journal: the kernel has dropped the bytes', () => {
    const { disk, journal } = begin(1);
    expect(() => disk.run(journal.append([submitted(2)]), failing(2, 'no-space'))).toThrow(DiskError);
    expect(journal.broken).toBe(true);
  });

  it('refuses a seal, and the journal goes on', () => {
    const { disk, journal } = begin(1);
    expect(() => disk.run(journal.seal(), failing(1, 'no-space'))).toThrow(DiskError);
    expect([journal.broken, journal.sealed]).toEqual([false, false]);
    disk.run(journal.seal());
    expect(journal.sealed).toBe(true);
  });
});

describe('an orderly shutdown', () => {
  it('ends with a clean record, and then a marker that is durable', () => {
    const { disk, journal } = begin(1);
    const asked = operations(disk, () => disk.run(journal.close()));
    expect(asked).toEqual([
      `append ${FIRST}`,
      `sync ${FIRST}`,
      `close ${FIRST}`,
      'remove clean.tmp',
      'create clean.tmp',
      'append clean.tmp',
      'sync clean.tmp',
      'close clean.tmp',
      'rename',
      'syncDirectory',
    ]);
    expect(() => disk.run(journal.append([submitted(2)]))).toThrow('a closed journal is not written');
  });

  it('whose marker cannot be written is a crash to the next start, which loses nothing', () => {
    for (let at = 4; at <= 10; at += 1) {
      const { disk, journal } = begin(2);
      expect(() => disk.run(journal.close(), failing(at, 'io'))).toThrow(DiskError);
      expect(recovered(disk)).toEqual(jobsUpTo(2));
    }
  });
});

describe('what a snapshot would save', () => {
  it('is every byte that no snapshot covers, over starts and segments', () => {
    const { disk, journal } = begin();
    const large = (seq: number) => submitted(seq, 'x'.repeat(10_000));
    const lengths = () => [...disk.image()].filter(([file]) => file.endsWith('.log')).map(([, bytes]) => bytes.length);
    const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + Math.max(number, 4_096), 0);

    disk.run(journal.append([large(1)]));
    const closed = disk.run(journal.rotate());
    disk.run(journal.append([large(2)]));
    expect(journal.bytesSinceSnapshot).toBe(sum(lengths()));
    expect(journal.snapshotBytes).toBe(0);

    const result = disk.run(snapshot(closed));
    journal.compacted(result);
    expect(journal.snapshotBytes).toBe(result.bytes);
    expect(journal.bytesSinceSnapshot).toBe(bytesOf(disk.image(), SECOND).length);

    const next = disk.kill().run(start()).journal;
    expect(next.snapshotBytes).toBe(result.bytes);
    // The current segment has no record yet.
    expect(next.isEmpty).toBe(true);
    expect(next.bytesSinceSnapshot).toBe(sum(lengths().slice(1, -1)));
  });

  it('grows with every start, so that a process that only starts and dies comes to its snapshot too', () => {
    const { disk } = begin(1);
    const before = disk.kill().run(start()).journal.bytesSinceSnapshot;
    expect(disk.kill().run(start()).journal.bytesSinceSnapshot).toBe(before + 4_096);
  });
});

it('a closed segment ends with its last record, and the next one continues it', () => {
  const { disk, journal } = begin(2);
  disk.run(journal.rotate());
  disk.run(journal.append([submitted(3)]));
  const first = bytesOf(disk.image(), FIRST);
  const lastLine = lineStarts(first).at(-2) ?? 0;
  const header = new TextDecoder().decode(bytesOf(disk.image(), SECOND)).split('\n')[0] ?? '';
  expect(JSON.parse(header.slice(19))).toEqual({
    format: 1,
    directory: 'directory-1',
    segment: 2,
    first: 3,
    prev: new TextDecoder().decode(first.subarray(lastLine, lastLine + 8)),
  });
});

// Salvage: everything that can be read comes over, and everything that cannot is told.

import { describe, expect, it } from 'vitest';
import type { Event } from '../../../core/job/event.ts';
import { Instant, JobId, JsonText } from '../../../core/job/job.ts';
import { FormatError } from '../../../core/store/damage.ts';
import { DiskError } from '../../../core/store/disk.ts';
import { encodeLine } from '../../../core/store/line.ts';
import { mapTables } from '../../../core/store/map.ts';
import { plant, salvage } from '../../../core/store/salvage.ts';
import type { Salvaged } from '../../../core/store/salvage.ts';
import { bytesOf, directoryWith, flipped, jobsUpTo, lineStarts, pendingOf } from '../../support/data-directory.ts';
import { start, submitted } from '../../support/data-directory.ts';
import { MemoryDisk, operationsOf, Stopped } from '../../../runtime/testing/memory-disk.ts';
import type { Image } from '../../../runtime/testing/memory-disk.ts';
import { dump, implementations } from '../../support/tables.ts';

const FIRST = 'journal-0000000001.log';
const SECOND = 'journal-0000000002.log';

/** Salvages the image; the disk must be as it was. */
function salvaged(image: Image, options: { fail?: number } = {}): Salvaged {
  const disk = new MemoryDisk(image);
  const { fail } = options;
  const result = disk.run(
    salvage({ tables: mapTables() }),
    fail === undefined ? {} : { fail: { at: fail, code: 'io' } },
  );
  expect(disk.image()).toEqual(image);
  return result;
}

const recordAt = (image: Image, file: string, line: number): number => lineStarts(bytesOf(image, file))[line] ?? 0;

describe('a directory that is whole', () => {
  it.each([
    ['a journal', directoryWith(4, { rotate: [2] })],
    ['snapshots', directoryWith(7, { snapshot: [2, 4, 6] })],
    ['an orderly shutdown', directoryWith(3, { close: true })],
    ['nothing', new MemoryDisk()],
  ])('of %s loses nothing', (_, disk) => {
    const image = disk.image();
    const { tables, losses, lossCount } = salvaged(image);
    expect(dump(tables)).toEqual(dump(disk.run(start()).tables));
    expect([losses, lossCount]).toEqual([[], 0]);
  });
});

describe('a damaged record', () => {
  it.each([1, 2, 3, 4])('number %i costs what it holds and no more, and is named', (record) => {
    const image = directoryWith(4).image();
    const offset = recordAt(image, FIRST, record);
    const next = recordAt(image, FIRST, record + 1);
    const { tables, losses, events } = salvaged(flipped(image, FIRST, offset + 70));
    expect(pendingOf(tables)).toEqual(jobsUpTo(4, [record]));
    expect(events).toBe(3);
    expect(losses[0]).toEqual({ file: FIRST, offset, bytes: next - offset, what: 'no valid record' });
    expect(losses[1]?.what).toBe(`records ${record} to ${record} are missing`);
    expect(losses).toHaveLength(2);
  });

  it('that lost its LF does not take the next one with it', () => {
    const image = directoryWith(4).image();
    expect(pendingOf(salvaged(flipped(image, FIRST, recordAt(image, FIRST, 3) - 1)).tables)).toEqual(jobsUpTo(4, [2]));
  });

  it('leaves a gap in the feed, and says so', () => {
    const image = directoryWith(4).image();
    const { tables } = salvaged(flipped(image, FIRST, recordAt(image, FIRST, 2) + 70));
    expect(tables.meta()).toMatchObject({ lastSeq: 4, forgottenSeq: 2 });
    expect(tables.eventsAfter(0, 10).map(({ seq }) => seq)).toEqual([1, 3, 4]);
  });
});

describe('damage elsewhere', () => {
  it('of a header costs the header', () => {
    const { tables, losses } = salvaged(flipped(directoryWith(4, { rotate: [2] }).image(), SECOND, 30));
    expect(pendingOf(tables)).toEqual(jobsUpTo(4));
    expect(losses).toMatchObject([{ file: SECOND, offset: 0, what: 'no valid record' }]);
  });

  it('that takes a segment costs its records', () => {
    const image = directoryWith(6, { rotate: [2, 4] }).image();
    image.delete(SECOND);
    const { tables, losses } = salvaged(image);
    expect(pendingOf(tables)).toEqual(jobsUpTo(6, [3, 4]));
    expect(losses.map(({ what }) => what)).toEqual(['records 3 to 4 are missing']);
  });

  it('that makes a segment unreadable costs its records', () => {
    const image = directoryWith(6, { rotate: [2, 4] }).image();
    const { tables, losses } = salvaged(image, { fail: 3 });
    expect(pendingOf(tables)).toEqual(jobsUpTo(6, [3, 4]));
    expect(losses[0]).toEqual({ file: SECOND, offset: 0, bytes: 0, what: 'it cannot be read' });
  });

  it('a segment of another directory is told, and its jobs never mix with ours', () => {
    const image = directoryWith(6, { rotate: [2, 4] }).image();
    const other = new MemoryDisk();
    const { journal } = other.run(start('directory-2'));
    other.run(journal.rotate());
    for (let seq = 1; seq <= 9; seq += 1) other.run(journal.append([submitted(seq, 'theirs')]));
    image.set(SECOND, bytesOf(other.image(), SECOND));
    const { tables, losses } = salvaged(image);
    expect(pendingOf(tables)).toEqual(jobsUpTo(6, [3, 4]));
    expect(losses).toEqual([
      {
        file: SECOND,
        offset: 0,
        bytes: bytesOf(image, SECOND).length,
        what: 'it is of the data directory directory-2, and this one is directory-1',
      },
      { file: 'journal-0000000003.log', offset: expect.any(Number), bytes: 0, what: 'records 3 to 4 are missing' },
    ]);
  });

  it('a segment under the name of another is told, so that it can be given its own', () => {
    const image = directoryWith(6, { rotate: [2, 4] }).image();
    image.set(SECOND, bytesOf(image, 'journal-0000000003.log'));
    const { tables, losses } = salvaged(image);
    expect(pendingOf(tables)).toEqual(jobsUpTo(6, [3, 4]));
    expect(losses[0]).toMatchObject({ file: SECOND, offset: 0, what: 'its header says that it is segment 3' });
  });

  it('of the newest snapshot costs nothing: the one before it stands in', () => {
    const image = flipped(directoryWith(7, { snapshot: [2, 4, 6] }).image(), 'snapshot-0000000003.sqlite', 60);
    const { tables, losses, snapshot } = salvaged(image);
    expect(pendingOf(tables)).toEqual(jobsUpTo(7));
    expect(snapshot).toBe('snapshot-0000000002.sqlite');
    expect(losses).toHaveLength(1);
  });

  it('of the first snapshot costs nothing: the journal since the beginning is there', () => {
    const image = flipped(directoryWith(3, { snapshot: [2] }).image(), 'snapshot-0000000001.sqlite', 60);
    const { tables, snapshot } = salvaged(image);
    expect(pendingOf(tables)).toEqual(jobsUpTo(3));
    expect(snapshot).toBeNull();
  });

  it('of both descriptions leaves the newest database that opens, and says that it is not to be trusted', () => {
    const image = directoryWith(7, { snapshot: [2, 4, 6] }).image();
    const damaged = flipped(flipped(image, 'snapshot-0000000002.json', 50), 'snapshot-0000000003.json', 50);
    const { tables, losses, snapshot } = salvaged(damaged);
    expect(pendingOf(tables)).toEqual(jobsUpTo(7));
    expect(snapshot).toBe('snapshot-0000000003.sqlite');
    expect(losses.at(-1)?.what).toMatch(/nothing better is left/);
    expect(losses).toHaveLength(3);
  });

  it('of all that there is leaves what there is', () => {
    const image = directoryWith(7, { snapshot: [2, 4, 6] }).image();
    for (const file of image.keys()) if (file.startsWith('snapshot')) image.set(file, new Uint8Array([1, 2, 3]));
    const { tables, lossCount } = salvaged(image);
    expect(pendingOf(tables)).toEqual(['job-5', 'job-6', 'job-7']);
    expect(lossCount).toBe(5);
  });

  it('of each byte in turn never throws, and never costs more than one record', () => {
    const image = directoryWith(3).image();
    for (let at = 0; at < bytesOf(image, FIRST).length; at += 1) {
      const { tables, lossCount } = salvaged(flipped(image, FIRST, at));
      expect(pendingOf(tables).length, `byte ${at}`).toBeGreaterThanOrEqual(2);
      expect(lossCount, `byte ${at}`).toBeGreaterThanOrEqual(1);
    }
  });

  it('of everything is listed up to a limit and counted beyond it', () => {
    const image = new Map<string, Uint8Array>();
    for (let number = 1; number <= 1_200; number += 1) {
      image.set(`journal-${String(number).padStart(10, '0')}.log`, new Uint8Array([0]));
    }
    const { losses, lossCount } = salvaged(image);
    expect([losses.length, lossCount]).toEqual([1_000, 1_200]);
  });
});

describe('events that are left', () => {
  const at = Instant(2_000);
  const jobId = JobId('job-1');
  const life: readonly Event[][] = [
    [submitted(1)],
    [{ seq: 2, at, jobId, kind: 'started', attempt: 1, leaseUntil: Instant(9_000) }, submitted(3)],
    [{ seq: 4, at, jobId, kind: 'succeeded', attempt: 1, result: JsonText(1) }, submitted(5)],
  ].map((batch) => batch.map((event) => ({ ...event, at })) as Event[]);

  function lived(): Map<string, Uint8Array> {
    const disk = new MemoryDisk();
    const { journal } = disk.run(start());
    for (const batch of life) disk.run(journal.append(batch));
    return disk.image();
  }

  it('make of a job what they can: one whose start was lost is pending and runs again', () => {
    const image = lived();
    const { tables, losses } = salvaged(flipped(image, FIRST, recordAt(image, FIRST, 2) + 70));
    expect(pendingOf(tables)).toEqual(['job-1', 'job-5']);
    expect(losses.map(({ what }) => what)).toEqual([
      'no valid record',
      'records 2 to 2 are missing',
      expect.stringMatching(/^event 4 \(succeeded of job-1\): succeeded is legal/),
    ]);
  });

  it('of a job whose submission was lost are told, and their neighbours are kept', () => {
    const image = lived();
    const { tables, losses } = salvaged(flipped(image, FIRST, recordAt(image, FIRST, 1) + 70));
    expect(pendingOf(tables)).toEqual(['job-3', 'job-5']);
    expect(losses.map(({ what }) => what).slice(2)).toEqual([
      expect.stringContaining('event 2 (started of job-1)'),
      expect.stringContaining('event 4 (succeeded of job-1)'),
    ]);
  });
});

it('a newer format is not salvaged by an older version', () => {
  const { bytes } = encodeLine(JSON.stringify({ format: 2, directory: 'x', segment: 1, first: 1, prev: '00000000' }));
  expect(() => salvaged(new Map([[FIRST, bytes]]))).toThrow(FormatError);
});

it('a directory that cannot be listed is the disk’s failure', () => {
  expect(() => salvaged(new Map(), { fail: 1 })).toThrow(DiskError);
});

describe('the new directory', () => {
  const source = flipped(directoryWith(4, { rotate: [2] }).image(), FIRST, 300);

  it('opens, holds what was salvaged, and goes on', async () => {
    for (const [name, factory] of await implementations()) {
      const { tables } = new MemoryDisk(source).run(salvage({ tables: factory }));
      const expected = dump(tables);
      const disk = new MemoryDisk();
      disk.run(plant({ factory, tables, directoryId: 'directory-2' }));
      tables.close();
      expect(disk.image().has('clean'), name).toBe(true);
      const opened = disk.kill().run(start('directory-3', factory));
      expect(dump(opened.tables), name).toEqual(expected);
      expect(opened.report).toMatchObject({ directoryId: 'directory-2', isNew: false, clean: true, warnings: [] });
      disk.run(opened.journal.append([submitted(5)]));
      const again = disk.kill().run(start('directory-3', factory));
      expect(pendingOf(again.tables).at(-1)).toBe('job-5');
      opened.tables.close();
      again.tables.close();
    }
  });

  it('half made is never taken for a whole one', () => {
    const { tables } = salvaged(source);
    const operations = operationsOf(
      new MemoryDisk(),
      plant({ factory: mapTables(), tables, directoryId: 'directory-2' }),
    );
    for (let at = 1; at <= operations; at += 1) {
      const disk = new MemoryDisk();
      const program = plant({ factory: mapTables(), tables, directoryId: 'directory-2' });
      expect(() => disk.run(program, { stopAfter: at })).toThrow(Stopped);
      let jobs: string[] | null = null;
      try {
        const { tables: opened, report } = disk.kill().run(start('directory-3'));
        jobs = report.isNew ? null : pendingOf(opened);
      } catch (error) {
        expect(error).toMatchObject({ name: 'DamageError' });
      }
      if (jobs !== null) expect(jobs, `stopped after ${at}`).toEqual(pendingOf(tables));
    }
  });

  it('with its snapshot damaged is damage: the journal behind it is not the whole', () => {
    const disk = new MemoryDisk();
    disk.run(plant({ factory: mapTables(), tables: salvaged(source).tables, directoryId: 'directory-2' }));
    const damaged = flipped(disk.image(), 'snapshot-0000000001.sqlite', 60);
    expect(() => new MemoryDisk(damaged).run(start())).toThrow(/snapshot-0000000001/);
  });

  it('is never made where something is', () => {
    const { tables } = salvaged(source);
    const program = plant({ factory: mapTables(), tables, directoryId: 'directory-2' });
    expect(() => directoryWith(1).run(program)).toThrow('a new directory is empty');
  });
});

// Recovery, held against every crash and every flipped bit of a small directory.

import { describe, expect, it } from 'vitest';
import { DamageError } from '../../../core/store/damage.ts';
import { DiskError } from '../../../core/store/disk.ts';
import type { Event } from '../../../core/job/event.ts';
import { Instant, JobId, JsonText } from '../../../core/job/job.ts';
import { mapTables } from '../../../core/store/map.ts';
import { recover } from '../../../core/store/recovery.ts';
import type { Recovered } from '../../../core/store/recovery.ts';
import { compact } from '../../../core/store/snapshot.ts';
import { RESERVE_FILE } from '../../../core/store/survey.ts';
import { isSameImage } from '../../support/data-directory.ts';
import { specification } from '../../support/jobs.ts';
import { MemoryDisk, POWER_CUTS, Stopped, operationsOf } from '../../../runtime/testing/memory-disk.ts';
import type { Image } from '../../../runtime/testing/memory-disk.ts';

const open = () => recover({ tables: mapTables(), directoryId: 'directory-1' });

const submitted = (seq: number): Event => {
  const id = JobId(`job-${seq}`);
  const job = specification({ id, payload: JsonText({ n: seq, text: 'ü'.repeat(5) }) });
  return { seq, at: Instant(1_000 + seq), jobId: id, kind: 'submitted', job, runAt: Instant(1_000 + seq) };
};

/** The numbers of the jobs that the tables hold. */
const jobsOf = ({ tables }: Recovered): string[] => [...tables.jobsIn('pending')].map(({ id }) => id);
const upTo = (count: number): string[] => Array.from({ length: count }, (_, index) => `job-${index + 1}`);

/** A directory with so many records of one job each; each is durable, the last one is unproven. */
function directoryOf(records: number): MemoryDisk {
  const disk = new MemoryDisk();
  const { journal } = disk.run(open());
  for (let seq = 1; seq <= records; seq += 1) disk.run(journal.append([submitted(seq)]));
  return disk.kill();
}

function closedDirectory(): MemoryDisk {
  const disk = new MemoryDisk();
  const { journal } = disk.run(open());
  for (let seq = 1; seq <= 3; seq += 1) disk.run(journal.append([submitted(seq)]));
  disk.run(journal.close());
  return disk.kill();
}

/** Two records, and the first bytes of a third. */
function tornDirectory(): MemoryDisk {
  const image = directoryOf(3).image();
  const file = lastSegment(image);
  return withFile(image, file, image.get(file)?.slice(0, -20) ?? new Uint8Array(0));
}

/** Two snapshots, two segments and a tail. */
function snapshotDirectory(): MemoryDisk {
  const disk = new MemoryDisk();
  const { journal } = disk.run(open());
  for (let seq = 1; seq <= 6; seq += 1) {
    disk.run(journal.append([submitted(seq)]));
    if (seq % 2 === 1) continue;
    const throughSegment = disk.run(journal.rotate());
    journal.compacted(disk.run(compact({ tables: mapTables(), throughSegment })));
  }
  disk.run(journal.append([submitted(7)]));
  disk.run(journal.seal());
  return disk.kill();
}

const lastSegment = (image: Image): string =>
  [...image.keys()]
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1) ?? '';
const withFile = (image: Image, file: string, bytes: Uint8Array): MemoryDisk =>
  new MemoryDisk(new Map(image).set(file, bytes));

describe('a torn tail', () => {
  const image = directoryOf(3).image();
  const file = lastSegment(image);
  const bytes = image.get(file) ?? new Uint8Array(0);
  const lastRecordAt = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;

  it('is cut, wherever the record was torn; what was acknowledged before it stays', () => {
    for (let length = lastRecordAt; length < bytes.length; length += 1) {
      const recovered = withFile(image, file, bytes.slice(0, length)).run(open());
      expect(jobsOf(recovered), `torn at ${length}`).toEqual(upTo(2));
      expect(recovered.report.cutBytes).toBe(length - lastRecordAt);
    }
  });

  it('of NUL bytes is a torn tail: the size grew, the data did not', () => {
    const nul = new Uint8Array(bytes.length + 4_096);
    nul.set(bytes);
    expect(jobsOf(withFile(image, file, nul).run(open()))).toEqual(upTo(3));
  });

  it('is kept aside', () => {
    const disk = withFile(image, file, bytes.slice(0, lastRecordAt + 20));
    const { report } = disk.run(open());
    expect(disk.image().get(report.cutFile ?? '')).toEqual(bytes.slice(lastRecordAt, lastRecordAt + 20));
  });

  it('that a stale older record stands in is cut all the same', () => {
    const secondAt = bytes.lastIndexOf(0x0a, lastRecordAt - 2) + 1;
    const stale = new Uint8Array([...bytes.slice(0, lastRecordAt), ...bytes.slice(secondAt, lastRecordAt)]);
    expect(jobsOf(withFile(image, file, stale).run(open()))).toEqual(upTo(2));
  });
});

/** Thousands of recoveries; a bound against one that never ends, not a measure. */
const ENUMERATION_MS = 180_000;

describe('a flipped bit', { timeout: ENUMERATION_MS }, () => {
  /** Either refused, naming the file, or everything that was provably durable is there. */
  function hold(image: Image, options: { provable: number; stored: number }): { refused: number; recovered: number } {
    const outcome = { refused: 0, recovered: 0 };
    for (const [file, bytes] of image) {
      for (let at = 0; at < bytes.length; at += 1) {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        const disk = withFile(image, file, flipped);
        const before = disk.image();
        try {
          const jobs = jobsOf(disk.run(open()));
          expect(jobs, `${file} at ${at}`).toEqual(upTo(jobs.length));
          expect(jobs.length, `${file} at ${at}`).toBeGreaterThanOrEqual(options.provable);
          expect(jobs.length).toBeLessThanOrEqual(options.stored);
          outcome.recovered += 1;
        } catch (error) {
          if (!(error instanceof DamageError) && !isFormatError(error)) throw error;
          expect(isSameImage(disk.image(), before), 'a refusal changes no file').toBe(true);
          outcome.refused += 1;
        }
      }
    }
    return outcome;
  }

  it('in a journal is refused where a later record proves that the bytes were durable', () => {
    const outcome = hold(directoryOf(3).image(), { provable: 2, stored: 3 });
    expect(outcome.refused).toBeGreaterThan(100);
    expect(outcome.recovered).toBeGreaterThan(100); // within the last record, which nothing proves
  });

  it('after an orderly shutdown is refused everywhere', () => {
    expect(hold(closedDirectory().image(), { provable: 3, stored: 3 }).recovered).toBe(0);
  });

  it('beside snapshots loses nothing: the older snapshot, or the journal since, stands in', () => {
    hold(snapshotDirectory().image(), { provable: 7, stored: 7 });
  });
});

describe('after an orderly shutdown', () => {
  const image = closedDirectory().image();
  const file = lastSegment(image);
  const bytes = image.get(file) ?? new Uint8Array(0);

  it('the next start says so', () => {
    expect(new MemoryDisk(image).run(open()).report.clean).toBe(true);
  });

  it('"a journal cut short, even between records, is damage"', () => {
    for (let end = bytes.lastIndexOf(0x0a, bytes.length - 2); end > 0; end = bytes.lastIndexOf(0x0a, end - 1)) {
      expect(() => withFile(image, file, bytes.slice(0, end + 1)).run(open())).toThrow(DamageError);
    }
  });

  it('a missing journal is damage: it never starts empty', () => {
    const without = new Map(image);
    without.delete(file);
    expect(() => new MemoryDisk(without).run(open())).toThrow(DamageError);
  });
});

describe('a directory that is not whole', () => {
  it('with a reserve and no journal is refused: the reserve is made when the journal is there', () => {
    const disk = new MemoryDisk(new Map([[RESERVE_FILE, new Uint8Array(16)]]));
    expect(() => disk.run(open())).toThrow(/journal-0000000001\.log.*is missing/);
    const headless = new MemoryDisk(new Map([...disk.image(), ['journal-0000000001.log', new Uint8Array(0)]]));
    expect(() => headless.run(open())).toThrow(DamageError);
    expect(isSameImage(disk.image(), new Map([[RESERVE_FILE, new Uint8Array(16)]]))).toBe(true);
  });

  it('with a segment missing in the middle is refused', () => {
    const disk = new MemoryDisk();
    const { journal } = disk.run(open());
    for (let seq = 1; seq <= 3; seq += 1) {
      disk.run(journal.append([submitted(seq)]));
      disk.run(journal.rotate());
    }
    for (const missing of [1, 2, 3]) {
      const image = disk.image();
      image.delete(`journal-${String(missing).padStart(10, '0')}.log`);
      expect(() => new MemoryDisk(image).run(open()), `segment ${missing}`).toThrow(DamageError);
    }
  });

  it('without the segment behind a snapshot is refused, whatever is left of the snapshot', () => {
    const image = snapshotDirectory().image();
    const newest =
      [...image.keys()]
        .filter((file) => file.startsWith('snapshot-'))
        .sort()
        .at(-1) ?? '';
    const stem = newest.replace(/\.\w+$/, '');
    const behind = [...image.keys()].filter((file) => file.endsWith('.log') && file.slice(8) > stem.slice(9));
    expect(behind.length).toBeGreaterThan(0);
    for (const left of [[`${stem}.json`, `${stem}.sqlite`], [`${stem}.json`], [`${stem}.sqlite`]]) {
      const rest = [...image].filter(
        ([file]) => !behind.includes(file) && (!file.startsWith(stem) || left.includes(file)),
      );
      expect(() => new MemoryDisk(new Map(rest)).run(open()), left.join()).toThrow(DamageError);
    }
  });

  it('that does not fit into memory is not called damaged', () => {
    const load = (): never => {
      throw new RangeError('Array buffer allocation failed');
    };
    const disk = new MemoryDisk(snapshotDirectory().image());
    const tables = { ...mapTables(), load };
    expect(() => disk.run(recover({ tables, directoryId: 'directory-1' }))).toThrow(RangeError);
  });

  it('with a segment of another directory is refused, naming both', () => {
    const mine = directoryOf(1).image();
    const other = new MemoryDisk();
    const { journal } = other.run(recover({ tables: mapTables(), directoryId: 'directory-2' }));
    other.run(journal.append([submitted(1)]));
    other.run(journal.rotate());
    const theirs = other.image().get('journal-0000000002.log') ?? new Uint8Array(0);
    const mixed = new MemoryDisk(new Map(mine).set('journal-0000000002.log', theirs));
    expect(() => mixed.run(open())).toThrow(DamageError);
  });

  it('with files that are not its own leaves them alone', () => {
    const image = directoryOf(1)
      .image()
      .set('notes.txt', new Uint8Array([1, 2, 3]))
      .set('x.tmp', new Uint8Array([4]));
    const disk = new MemoryDisk(image);
    disk.run(open());
    expect(disk.image().get('notes.txt')).toEqual(new Uint8Array([1, 2, 3]));
    expect(disk.image().get('x.tmp')).toEqual(new Uint8Array([4]));
  });
});

describe('a crash during recovery', () => {
  it.each([
    ['a journal', directoryOf(3), 3],
    ['an orderly shutdown', closedDirectory(), 3],
    ['snapshots', snapshotDirectory(), 7],
    ['a torn tail', tornDirectory(), 2],
  ] as const)('of %s, at any operation and whatever the power cut leaves, loses nothing', (_, disk, count) => {
    const operations = operationsOf(disk, open());
    expect(operations).toBeGreaterThan(5);
    for (let at = 1; at <= operations; at += 1) {
      for (const cut of POWER_CUTS) {
        const copy = new MemoryDisk(disk.image());
        expect(() => copy.run(open(), { stopAfter: at })).toThrow(Stopped);
        const again = copy.kill().losePower(cut).run(open());
        expect(jobsOf(again), `stopped after ${at}, ${JSON.stringify(cut)}`).toEqual(upTo(count));
      }
    }
  });

  it('of a torn tail, at any operation, leaves the tail where it was or its copy', () => {
    const disk = tornDirectory();
    const before = disk.image();
    const file = lastSegment(before);
    for (let at = 1; at <= operationsOf(disk, open()); at += 1) {
      for (const cut of POWER_CUTS) {
        const copy = new MemoryDisk(before);
        expect(() => copy.run(open(), { stopAfter: at })).toThrow(Stopped);
        const after = copy.kill().losePower(cut).image();
        const isUncut = after.get(file)?.length === before.get(file)?.length;
        const hasCopy = [...after.keys()].some((name) => /\.torn-\d+$/.test(name));
        expect(isUncut || hasCopy, `stopped after ${at}, ${JSON.stringify(cut)}`).toBe(true);
      }
    }
  });

  it('never appends to a file that an earlier process left', () => {
    const disk = snapshotDirectory();
    const found = new Set(disk.image().keys());
    const before = disk.operations.length;
    disk.run(open());
    const touched = disk.operations.slice(before).filter(({ kind }) => kind === 'append' || kind === 'truncate');
    for (const operation of touched) expect(found.has('file' in operation ? operation.file : '')).toBe(false);
  });
});

describe('a crash in a snapshot', () => {
  it('at any operation and whatever the power cut leaves, loses nothing', () => {
    const prepare = () => {
      const disk = new MemoryDisk(snapshotDirectory().image());
      const { journal } = disk.run(open());
      disk.run(journal.append([submitted(8)]));
      return { disk, throughSegment: disk.run(journal.rotate()) };
    };
    const first = prepare();
    const operations = operationsOf(first.disk, compact({ tables: mapTables(), throughSegment: first.throughSegment }));
    for (let at = 1; at <= operations; at += 1) {
      for (const cut of POWER_CUTS) {
        const { disk, throughSegment } = prepare();
        expect(() => disk.run(compact({ tables: mapTables(), throughSegment }), { stopAfter: at })).toThrow(Stopped);
        expect(jobsOf(disk.kill().losePower(cut).run(open())), `stopped after ${at}`).toEqual(upTo(8));
      }
    }
  });
});

describe('an append', () => {
  it('that finds no space is cut off again, and the journal goes on', () => {
    const disk = new MemoryDisk();
    const { journal } = disk.run(open());
    disk.run(journal.append([submitted(1)]));
    expect(() => disk.run(journal.append([submitted(2)]), { fail: { at: 1, code: 'no-space' } })).toThrow(DiskError);
    expect(journal.broken).toBe(false);
    disk.run(journal.append([submitted(2)]));
    expect(jobsOf(disk.kill().run(open()))).toEqual(upTo(2));
  });

  it.each([
    ['write', 1],
    ['sync', 2],
  ])('whose %s fails breaks the journal: it is never touched again', (_, at) => {
    const disk = new MemoryDisk();
    const { journal } = disk.run(open());
    expect(() => disk.run(journal.append([submitted(1)]), { fail: { at, code: 'io' } })).toThrow(DiskError);
    expect(journal.broken).toBe(true);
    expect(() => disk.run(journal.append([submitted(1)]))).toThrow('a broken journal is never touched again');
  });

  it('after a failed sync, a restart reads the bytes from the cache and makes them durable before it serves', () => {
    const disk = new MemoryDisk();
    const { journal } = disk.run(open());
    expect(() => disk.run(journal.append([submitted(1)]), { fail: { at: 2, code: 'io' } })).toThrow(DiskError);
    const again = disk.kill().run(open());
    const served = jobsOf(again);
    const afterPowerLoss = disk.kill().losePower({ bytes: 'lost', names: 'lost' }).run(open());
    expect(jobsOf(afterPowerLoss)).toEqual(served);
  });
});

function isFormatError(error: unknown): boolean {
  return error instanceof Error && error.name === 'FormatError';
}

// A snapshot is taken beside the living journal: between any two of its operations records are appended and segments begun.

import { describe, expect, it } from 'vitest';
import { DiskError } from '../../../core/store/disk.ts';
import type { Journal } from '../../../core/store/journal.ts';
import { directoryWith, jobsUpTo, pendingOf, snapshot, start, submitted } from '../../support/data-directory.ts';
import { MemoryDisk, POWER_CUTS, Stopped } from '../../../runtime/testing/memory-disk.ts';
import type { RunOptions } from '../../../runtime/testing/memory-disk.ts';

const BASE = directoryWith(7, { snapshot: [2, 4, 6] }).image();

/** A process that goes on living while its snapshot is taken. */
class Living {
  readonly disk = new MemoryDisk(BASE);
  readonly journal: Journal;
  readonly throughSegment: number;
  acknowledged = 7;

  constructor() {
    this.journal = this.disk.run(start()).journal;
    this.append();
    this.throughSegment = this.disk.run(this.journal.rotate());
  }

  append(): void {
    this.disk.run(this.journal.append([submitted(this.acknowledged + 1)]));
    this.acknowledged += 1;
  }

  /** What comes in between two operations of the snapshot: always a record, at times a seal, a segment, or its failure. */
  goOn(n: number): void {
    this.append();
    if (n % 3 === 0) this.disk.run(this.journal.rotate());
    if (n % 4 === 0) this.disk.run(this.journal.seal());
    if (n % 5 !== 0) return;
    for (const at of [1, 2]) {
      expect(() => this.disk.run(this.journal.rotate(), { fail: { at, code: 'no-space' } })).toThrow(DiskError);
    }
    expect(this.journal.broken).toBe(false);
  }

  snapshot(options: RunOptions = {}): void {
    const before = (n: number): void => this.goOn(n);
    this.journal.compacted(this.disk.run(snapshot(this.throughSegment), { ...options, before }));
  }
}

const operations = ((): number => {
  let count = 0;
  const living = new Living();
  living.disk.run(snapshot(living.throughSegment), { before: (n) => (count = n) });
  return count;
})();

const foundIn = (disk: MemoryDisk): string[] => pendingOf(disk.run(start()).tables);

describe('a snapshot beside the living journal', () => {
  it('covers what was closed when it began, and loses nothing of what came in since', () => {
    const living = new Living();
    living.snapshot();
    expect(living.acknowledged).toBe(8 + operations);
    living.append();
    const { tables, report } = living.disk.losePower({ bytes: 'lost', names: 'lost' }).run(start());
    expect(pendingOf(tables)).toEqual(jobsUpTo(living.acknowledged));
    expect(report.events).toBe(living.acknowledged - 8);
  });

  it('cut off before or after any operation, with un-synced data kept and lost, loses nothing acknowledged', () => {
    for (let at = 1; at <= operations; at += 1) {
      for (const stop of [{ stopBefore: at }, { stopAfter: at }]) {
        for (const cut of [null, ...POWER_CUTS]) {
          const living = new Living();
          expect(() => living.snapshot(stop)).toThrow(Stopped);
          const disk = cut === null ? living.disk.kill() : living.disk.losePower(cut);
          const jobs = jobsUpTo(living.acknowledged);
          expect(foundIn(disk)).toEqual(jobs);
          expect(foundIn(disk.kill().losePower({ bytes: 'lost', names: 'lost' }))).toEqual(jobs);
        }
      }
    }
  });

  it('that fails at any operation leaves the journal whole, which goes on, and the next one is taken', () => {
    for (const code of ['no-space', 'io'] as const) {
      for (let at = 1; at <= operations; at += 1) {
        const living = new Living();
        expect(() => living.snapshot({ fail: { at, code } })).toThrow(DiskError);
        living.append();
        const disk = new MemoryDisk(living.disk.losePower({ bytes: 'lost', names: 'lost' }).image());
        expect(foundIn(disk)).toEqual(jobsUpTo(living.acknowledged));

        living.journal.compacted(living.disk.run(snapshot(living.disk.run(living.journal.rotate()))));
        living.append();
        expect(foundIn(living.disk.losePower({ bytes: 'lost', names: 'lost' }))).toEqual(jobsUpTo(living.acknowledged));
      }
    }
  });

  it('is made anew from the one before, when the newest is damaged after it came out', () => {
    const living = new Living();
    living.snapshot();
    living.append();
    const image = living.disk.image();
    const newest =
      [...image.keys()]
        .filter((file) => file.endsWith('.sqlite'))
        .sort()
        .at(-1) ?? '';
    expect(newest).toBe(`snapshot-${String(living.throughSegment).padStart(10, '0')}.sqlite`);
    image.set(newest, new Uint8Array(image.get(newest)?.length ?? 0));
    expect(foundIn(new MemoryDisk(image))).toEqual(jobsUpTo(living.acknowledged));
  });
});

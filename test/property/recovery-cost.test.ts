// L3 A recovery finishes within a number of steps that the journal bounds: each file is read once, each event is applied
// once, and what is written is no more than the end of the journal.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DiskOperation } from '../../core/store/disk.ts';
import { mapTables } from '../../core/store/map.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import { MemoryDisk } from '../../runtime/testing/memory-disk.ts';
import type { Image } from '../../runtime/testing/memory-disk.ts';
import { bytesOf, directoryWith, snapshot, start } from '../support/data-directory.ts';

/** Operations of a start that finds nothing to read. */
const OPERATIONS = 24;
/** Operations that each file may add: it is read, or removed. */
const OPERATIONS_PER_FILE = 2;
/** Bytes that are written beside what is kept of the last segment: headers, and the record that says where it goes on. */
const BYTES = 1_024;

type Cost = {
  readonly operations: readonly DiskOperation[];
  readonly reads: ReadonlyMap<string, number>;
  readonly writtenBytes: number;
  readonly eventsPut: number;
  readonly eventsReplayed: number;
  readonly image: Image;
};

/** Starts on a copy of the disk, and counts. */
function costOf(image: Image): Cost {
  const disk = new MemoryDisk(image);
  let eventsPut = 0;
  const counted = (tables: Tables): Tables => {
    const putEvent = tables.putEvent.bind(tables);
    tables.putEvent = (row) => {
      eventsPut += 1;
      putEvent(row);
    };
    return tables;
  };
  const plain = mapTables();
  const factory: TablesFactory = {
    create: () => counted(plain.create()),
    load: (bytes) => counted(plain.load(bytes)),
  };
  const { report } = disk.run(start(undefined, factory));
  const reads = new Map<string, number>();
  let writtenBytes = 0;
  for (const operation of disk.operations) {
    if (operation.kind === 'read') reads.set(operation.file, (reads.get(operation.file) ?? 0) + 1);
    if (operation.kind === 'append') writtenBytes += operation.bytes.length;
  }
  return {
    operations: disk.operations,
    reads,
    writtenBytes,
    eventsPut,
    eventsReplayed: report.events,
    image: disk.kill().image(),
  };
}

const lastSegmentOf = (image: Image): string =>
  [...image.keys()]
    .filter((file) => file.endsWith('.log'))
    .sort()
    .at(-1) ?? '';

const directory = fc.record({
  jobs: fc.nat(40),
  rotate: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
  snapshot: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 3 }),
  close: fc.boolean(),
  tornBytes: fc.nat(60),
});

test('steps, reads and writes are bounded by the files that are there', () => {
  fc.assert(
    fc.property(directory, ({ jobs, tornBytes, ...after }) => {
      const image = directoryWith(jobs, after).image();
      const last = lastSegmentOf(image);
      const kept = bytesOf(image, last);
      // After an orderly shutdown a tail that is cut is damage, and no start at all.
      if (!after.close) image.set(last, kept.subarray(0, Math.max(kept.length - tornBytes, 0)));
      const cost = costOf(image);
      expect(cost.operations.length).toBeLessThanOrEqual(OPERATIONS + OPERATIONS_PER_FILE * image.size);
      expect([...cost.reads.values()].filter((times) => times > 1)).toEqual([]);
      expect(cost.writtenBytes).toBeLessThanOrEqual(kept.length + BYTES);
      expect(cost.eventsPut).toBe(cost.eventsReplayed);
      expect(cost.eventsPut).toBeLessThanOrEqual(jobs);
    }),
    { numRuns: 100 },
  );
});

test('ten times as many records in one segment take not one operation more', () => {
  const few = costOf(directoryWith(10).image());
  const many = costOf(directoryWith(100).image());
  expect(many.operations.map(({ kind }) => kind)).toEqual(few.operations.map(({ kind }) => kind));
  expect(many.eventsPut).toBe(100);
});

test('what a snapshot covers is not read, and not replayed', () => {
  const { eventsPut, reads } = costOf(directoryWith(60, { snapshot: [20, 50] }).image());
  expect(eventsPut).toBe(10);
  expect([...reads.keys()].filter((file) => file.endsWith('.log'))).toHaveLength(1);
});

test('each start of a crash loop takes only what the segment of the one before adds', () => {
  let { image, operations } = costOf(directoryWith(5).image());
  for (let round = 0; round < 8; round += 1) {
    const next = costOf(image);
    expect(next.operations.length - operations.length).toBeLessThanOrEqual(OPERATIONS_PER_FILE);
    expect(next.eventsPut).toBe(5);
    ({ image, operations } = next);
  }
});

test('a snapshot takes each file once, too, and reads back what it has written', () => {
  const disk = directoryWith(30, { rotate: [10, 20, 29] });
  const before = disk.operations.length;
  disk.run(snapshot(3));
  const reads = disk.operations.slice(before).filter(({ kind }) => kind === 'read');
  expect(reads).toHaveLength(4);
});

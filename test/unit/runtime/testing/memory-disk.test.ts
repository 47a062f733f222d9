// The disk in memory keeps what was synced, whatever is written into the room behind it later.

import { expect, it } from 'vitest';
import fc from 'fast-check';
import type { DiskOperation, DiskProgram } from '../../../../core/store/disk.ts';
import { MemoryDisk } from '../../../../runtime/testing/memory-disk.ts';

function* perform(...operations: readonly DiskOperation[]): DiskProgram<void> {
  for (const operation of operations) yield operation;
}

const append = (...bytes: number[]): DiskOperation => ({ kind: 'append', file: 'a', bytes: Uint8Array.from(bytes) });
const create: DiskOperation = { kind: 'create', file: 'a' };
const sync: DiskOperation = { kind: 'sync', file: 'a' };
const syncDirectory: DiskOperation = { kind: 'syncDirectory' };
const truncate = (length: number): DiskOperation => ({ kind: 'truncate', file: 'a', length });

const bytesOf = (disk: MemoryDisk): number[] => [...(disk.image().get('a') ?? [])];

it('a power cut takes what was appended after the sync, and gives back what a cut took that was not synced', () => {
  const disk = new MemoryDisk();
  disk.run(perform(create, append(1, 2, 3), sync, syncDirectory, truncate(1), append(7, 8, 9, 10)));
  expect(bytesOf(disk)).toEqual([1, 7, 8, 9, 10]);
  expect(bytesOf(disk.losePower({ bytes: 'lost', names: 'kept' }))).toEqual([1, 2, 3]);
});

it('property: any appends, cuts and syncs leave the bytes that plain arrays have', () => {
  const step = fc.oneof(
    fc.array(fc.nat(255), { maxLength: 9 }).map((bytes) => ({ kind: 'append' as const, bytes })),
    fc.nat(30).map((length) => ({ kind: 'truncate' as const, length })),
    fc.constant({ kind: 'sync' as const }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const disk = new MemoryDisk();
      disk.run(perform(create, syncDirectory));
      let written: number[] = [];
      let synced: number[] = [];
      // The disk runs a program to its end and keeps its files open for the next, as one process does.
      for (const each of steps) {
        if (each.kind === 'append') written = [...written, ...each.bytes];
        if (each.kind === 'truncate') written = written.slice(0, each.length);
        if (each.kind === 'sync') synced = written;
        disk.run(
          perform(
            each.kind === 'append' ? append(...each.bytes) : each.kind === 'sync' ? sync : truncate(written.length),
          ),
        );
        expect(bytesOf(disk)).toEqual(written);
        expect(bytesOf(disk.losePower({ bytes: 'lost', names: 'kept' }))).toEqual(synced);
      }
    }),
  );
});

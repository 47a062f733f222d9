// Small data directories on a disk in memory, and what a start makes of them.

import type { Event } from '../../core/job/event.ts';
import { Instant, JobId, JsonText } from '../../core/job/job.ts';
import type { DiskProgram } from '../../core/store/disk.ts';
import { mapTables } from '../../core/store/map.ts';
import { recover } from '../../core/store/recovery.ts';
import type { Recovered } from '../../core/store/recovery.ts';
import { compact } from '../../core/store/snapshot.ts';
import type { SnapshotResult } from '../../core/store/snapshot.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import { specification } from './jobs.ts';
import { MemoryDisk } from '../../runtime/testing/memory-disk.ts';
import type { Image } from '../../runtime/testing/memory-disk.ts';

export const DIRECTORY_ID = 'directory-1';

export const start = (directoryId = DIRECTORY_ID, tables: TablesFactory = mapTables()): DiskProgram<Recovered> =>
  recover({ tables, directoryId });

export const snapshot = (throughSegment: number): DiskProgram<SnapshotResult> =>
  compact({ tables: mapTables(), throughSegment });

/** The event that submits job number `seq`. */
export function submitted(seq: number, text = 'ü'): Event {
  const id = JobId(`job-${seq}`);
  const job = specification({ id, payload: JsonText({ n: seq, text }) });
  return { seq, at: Instant(1_000 + seq), jobId: id, kind: 'submitted', job, runAt: Instant(1_000 + seq) };
}

/** Ids of the pending jobs, in order of submission. */
export const pendingOf = (tables: Tables): string[] => [...tables.jobsIn('pending')].map(({ id }) => id);

/** `job-1` … `job-<count>`, but for those left out. */
export const jobsUpTo = (count: number, but: readonly number[] = []): string[] =>
  Array.from({ length: count }, (_, index) => index + 1)
    .filter((n) => !but.includes(n))
    .map((n) => `job-${n}`);

/** A directory of one job a record; a new segment is begun, and perhaps a snapshot taken, after the jobs named. */
export function directoryWith(
  jobs: number,
  after: { readonly rotate?: readonly number[]; readonly snapshot?: readonly number[]; readonly close?: boolean } = {},
): MemoryDisk {
  const disk = new MemoryDisk();
  const { journal } = disk.run(start());
  for (let seq = 1; seq <= jobs; seq += 1) {
    disk.run(journal.append([submitted(seq)]));
    const isSnapshotDue = after.snapshot?.includes(seq) ?? false;
    if (!isSnapshotDue && !(after.rotate?.includes(seq) ?? false)) continue;
    const closed = disk.run(journal.rotate());
    if (isSnapshotDue) journal.compacted(disk.run(snapshot(closed)));
  }
  disk.run(after.close === true ? journal.close() : journal.seal());
  return disk.kill();
}

export function bytesOf(image: Image, file: string): Uint8Array {
  const bytes = image.get(file);
  if (bytes === undefined) throw new Error(`no ${file} in ${[...image.keys()].join(', ')}`);
  return bytes;
}

/** The image with one byte changed. */
export function flipped(image: Image, file: string, at: number): Map<string, Uint8Array> {
  const bytes = bytesOf(image, file).slice();
  bytes[at] = (bytes[at] ?? 0) ^ 0x01;
  return new Map(image).set(file, bytes);
}

/** Offsets at which the file's lines start, and its length. */
export function lineStarts(bytes: Uint8Array): number[] {
  const starts = [0];
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) starts.push(at + 1);
  return starts;
}

/** Much faster than `toEqual`, which looks at each byte as a value of its own. */
export function isSameImage(left: Image, right: Image): boolean {
  return (
    left.size === right.size && [...left].every(([file, bytes]) => Buffer.compare(bytes, bytesOf(right, file)) === 0)
  );
}

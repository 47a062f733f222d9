// Takes a snapshot of what is on the disk, beside the living journal. The format is in snapshot-file.ts.
//
//   1. read     the newest good snapshot and the closed segments after it; the segments behind are never touched
//   2. write    the database beside, sync, rename, sync the directory         a crash here: a file that nothing names
//   3. verify   read it back: length, checksums, and that it opens to the same state
//   4. write    the description beside, sync, rename, sync the directory      a crash here: there is a snapshot, or not
//   5. remove   the descriptions of older snapshots, sync the directory       a crash here: databases that nothing names
//   6. remove   their databases and the segments before, sync the directory   a crash here: some of them are left
//
// Rule 1: a snapshot is a function of the disk alone. What fails leaves the journal whole and may be tried again.
// Rule 2: two are kept, the new one and the one that it was built upon, with the journal since the older: a damaged new one
//         loses nothing.

import { assert } from '../job/assert.ts';
import { DamageError } from './damage.ts';
import { DiskError, list, read, writeBeside } from './disk.ts';
import type { DiskProgram } from './disk.ts';
import { newestSnapshot, readHistory } from './history.ts';
import { segmentFile } from './segment.ts';
import type { Place } from './segment.ts';
import { databaseFile, describeSnapshot, descriptionFile, encodeDescription } from './snapshot-file.ts';
import { openSnapshot, problemOf } from './snapshot-file.ts';
import type { Description } from './snapshot-file.ts';
import { survey } from './survey.ts';
import type { Survey } from './survey.ts';
import type { Meta, TablesFactory } from './tables.ts';

export type SnapshotResult = {
  /** The last segment that the snapshot covers. */
  readonly throughSegment: number;
  /** The last record that it covers. */
  readonly record: number;
  /** Bytes of the database. */
  readonly bytes: number;
  /** Records replayed to make it; 0 if there was one already. */
  readonly records: number;
  readonly segmentsRemoved: number;
};

/**
 * Makes a snapshot of all up to `throughSegment`, which must be closed.
 * @throws {DamageError | FormatError | DiskError} and then all that was durable is there as before.
 */
export function* compact(options: { tables: TablesFactory; throughSegment: number }): DiskProgram<SnapshotResult> {
  const { tables: factory, throughSegment } = options;
  const directory = survey(yield* list());
  assert(directory.segments.has(throughSegment + 1), 'a snapshot covers closed segments only');
  const base = yield* newestSnapshot(directory, []);
  if (base !== null && base.description.segment >= throughSegment) return resultOf(base.description, 0, 0);

  const { tables, place, records } = yield* readHistory({ tables: factory, directory, base, throughSegment });
  assert(place !== null, 'a closed segment has a header');
  let database: Uint8Array;
  let meta: Meta;
  try {
    database = tables.export();
    meta = tables.meta();
  } finally {
    tables.close();
  }
  const description = yield* storeSnapshot({ factory, database, meta, segment: throughSegment, place });
  const segmentsRemoved = yield* prune(directory, { kept: throughSegment, base: base?.description.segment ?? 0 });
  return resultOf(description, records, segmentsRemoved);
}

/** Writes the snapshot and proves it; steps 2 to 4. */
export function* storeSnapshot(snapshot: {
  factory: TablesFactory;
  database: Uint8Array;
  meta: Meta;
  segment: number;
  place: Place;
}): DiskProgram<Description> {
  const { factory, database, segment } = snapshot;
  const description = describeSnapshot(snapshot, database);
  try {
    // A damaged one of the same name must not describe the new database.
    yield { kind: 'remove', file: descriptionFile(segment) };
    yield* writeBeside(databaseFile(segment), database);
    yield { kind: 'syncDirectory' };
    const stored = yield* read(databaseFile(segment));
    const problem = problemOf(description, stored);
    if (problem !== null) throw new DamageError({ file: databaseFile(segment), record: null, ...problem });
    openSnapshot(factory, { description, database: stored }).close();
    yield* writeBeside(descriptionFile(segment), encodeDescription(description));
    yield { kind: 'syncDirectory' };
    return description;
  } catch (error) {
    yield* removeQuietly([databaseFile(segment), descriptionFile(segment)].map((file) => `${file}.tmp`));
    throw error;
  }
}

function* prune(directory: Survey, snapshots: { kept: number; base: number }): DiskProgram<number> {
  const { kept, base } = snapshots;
  const isOld = (segment: number): boolean => segment !== base && segment < kept;
  const descriptions = directory.snapshots.filter(isOld);
  for (const segment of descriptions) yield { kind: 'remove', file: descriptionFile(segment) };
  if (descriptions.length > 0) yield { kind: 'syncDirectory' };

  const databases = directory.databases.filter(isOld);
  for (const segment of databases) yield { kind: 'remove', file: databaseFile(segment) };
  const segments = [...directory.segments.keys()].filter((segment) => segment <= base);
  for (const segment of segments) yield { kind: 'remove', file: segmentFile(segment) };
  if (databases.length + segments.length > 0) yield { kind: 'syncDirectory' };
  return segments.length;
}

/** What is left behind here is removed at the next start. */
function* removeQuietly(files: readonly string[]): DiskProgram<void> {
  for (const file of files) {
    try {
      yield { kind: 'remove', file };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }
}

function resultOf({ segment, place, bytes }: Description, records: number, segmentsRemoved: number): SnapshotResult {
  return { throughSegment: segment, record: place.record, bytes, records, segmentsRemoved };
}

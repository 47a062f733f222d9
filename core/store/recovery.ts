// The start: from what is on the disk to tables and a journal that goes on.
//
// First everything is read and judged, and nothing is changed: what is refused stays as it was found. Then:
//
//   1. the clean marker is removed, the directory synced       a crash here: as after a crash behind the last record
//   2. half-made files (`.tmp`) are removed
//   3. the torn tail is copied aside, the directory synced     a crash here: it is cut and copied again
//   4. the last segment, as far as it is valid, is written beside, synced, renamed over the old one, directory synced
//   5. the next segment is created with its header, synced, directory synced
//
// Rule 1: no file that an earlier process left is ever appended to. After a failed sync the kernel goes on showing bytes
//         that are not on the disk: only what this process has written and synced itself can be built upon (step 4).
// Rule 2: step 4 is not needed after an orderly shutdown (the marker says that the file was synced as it is), nor where a
//         later segment was begun: then the segment was durable before, and the later one, which has no header, goes.
// Rule 3: killed anywhere and run again, it ends the same.
// Rule 4: it never starts empty where something was: new is only a directory without any file of ours, or with nothing but
//         a first segment that never got its header.

import { readMarker, removeMarker } from './clean-marker.ts';
import type { CleanMarker } from './clean-marker.ts';
import { DamageError } from './damage.ts';
import { list, writeBeside } from './disk.ts';
import type { DiskProgram } from './disk.ts';
import { newestSnapshot, readHistory } from './history.ts';
import type { History } from './history.ts';
import { Journal } from './journal.ts';
import { beginning, segmentFile } from './segment.ts';
import { begunSegment, survey } from './survey.ts';
import type { Survey } from './survey.ts';
import type { Tables, TablesFactory } from './tables.ts';

/** Torn tails kept aside, the newest: a machine that loses its power daily must not fill its disk with them. */
const TORN_TAILS_MAX = 8;

export type Recovered = { readonly tables: Tables; readonly journal: Journal; readonly report: RecoveryReport };

export type RecoveryReport = {
  readonly isNew: boolean;
  readonly directoryId: string;
  /** The last record that the snapshot covers; null without a snapshot. */
  readonly snapshotRecord: number | null;
  /** Records and events replayed from the journal. */
  readonly records: number;
  readonly events: number;
  /** The shutdown before was orderly. */
  readonly clean: boolean;
  /** Bytes of a torn tail that were cut off, and the copy of them; 0 and null if there was none. */
  readonly cutBytes: number;
  readonly cutFile: string | null;
  readonly warnings: readonly string[];
};

/**
 * Recovers the data directory, or begins it with the given id.
 * @throws {DamageError | FormatError} if it must not be opened; no file is changed.
 * @throws {DiskError} if the disk fails; running it again is safe.
 */
export function* recover(options: { tables: TablesFactory; directoryId: string }): DiskProgram<Recovered> {
  const { tables: factory, directoryId } = options;
  const found = yield* inspect(factory);
  const { directory, warnings } = found;
  if (found.history === null) return yield* beginDirectory({ factory, directory, directoryId, warnings });

  const { history, marker } = found;
  try {
    const cut = yield* makeDurable({ directory, history, isClean: marker !== null });
    const { last } = history;
    const place = history.place ?? beginning(directoryId);
    const covered = history.base?.segment ?? 0;
    const segment = last.reading === null ? last.number : last.number + 1;
    const earlier = new Map([...directory.segments].filter(([number]) => number > covered && number < segment));
    const snapshotBytes = history.base?.bytes ?? 0;
    const journal = yield* Journal.begin({ segment, place, earlier, snapshotBytes });
    const report: RecoveryReport = {
      isNew: history.place === null,
      directoryId: place.directoryId,
      snapshotRecord: history.base?.place.record ?? null,
      records: history.records,
      events: history.events,
      clean: marker !== null,
      ...cut,
      warnings,
    };
    return { tables: history.tables, journal, report };
  } catch (error) {
    history.tables.close();
    throw error;
  }
}

/** What a data directory holds, read and judged; nothing is changed. */
export type Inspection = {
  readonly directory: Survey;
  readonly marker: CleanMarker | null;
  /** Null if nothing was ever stored. Its tables are the caller's to close. */
  readonly history: History | null;
  readonly warnings: readonly string[];
};

/** @throws {DamageError | FormatError} if what was durable is not there, or is of a newer format. */
export function* inspect(factory: TablesFactory): DiskProgram<Inspection> {
  const warnings: string[] = [];
  const directory = survey(yield* list());
  const marker = directory.hasMarker ? yield* readMarker() : null;
  if (marker !== null) checkLastSegment(directory, marker);
  const isNew = directory.segments.size === 0 && begunSegment(directory) === 0 && marker === null;
  if (isNew) return { directory, marker, history: null, warnings };

  const throughSegment = Math.max([...directory.segments.keys()].at(-1) ?? 0, begunSegment(directory));
  const base = yield* newestSnapshot(directory, warnings);
  const history = yield* readHistory({ tables: factory, directory, base, throughSegment });
  try {
    if (marker !== null) checkEnd(history, marker);
  } catch (error) {
    history.tables.close();
    throw error;
  }
  return { directory, marker, history, warnings };
}

function* beginDirectory(options: {
  factory: TablesFactory;
  directory: Survey;
  directoryId: string;
  warnings: readonly string[];
}): DiskProgram<Recovered> {
  const { factory, directory, directoryId, warnings } = options;
  for (const file of directory.temporaries) yield { kind: 'remove', file };
  const place = beginning(directoryId);
  const journal = yield* Journal.begin({ segment: 1, place, earlier: new Map(), snapshotBytes: 0 });
  const report: RecoveryReport = {
    isNew: true,
    directoryId,
    snapshotRecord: null,
    records: 0,
    events: 0,
    clean: false,
    cutBytes: 0,
    cutFile: null,
    warnings,
  };
  return { tables: factory.create(), journal, report };
}

/** What the marker says can be held against the names and lengths before anything is read. */
function checkLastSegment({ segments }: Survey, { segment, bytes, place }: CleanMarker): void {
  const file = segmentFile(segment);
  const found = segments.get(segment);
  const later = [...segments.keys()].find((number) => number > segment);
  const { record } = place;
  if (found === undefined) {
    throw new DamageError({ file, offset: 0, record, reason: 'it is missing, and an orderly shutdown ended with it' });
  }
  if (later !== undefined) {
    const reason = `an orderly shutdown ended with ${file}, and nothing starts behind it`;
    throw new DamageError({ file: segmentFile(later), offset: 0, record: record + 1, reason });
  }
  if (found !== bytes) {
    const reason = `it is ${found} bytes long, and an orderly shutdown left it with ${bytes}, up to record ${record}`;
    throw new DamageError({ file, offset: Math.min(found, bytes), record: null, reason });
  }
}

function checkEnd({ last, place }: History, marker: CleanMarker): void {
  const file = segmentFile(marker.segment);
  if (last.reading === null || last.reading.validBytes !== marker.bytes) {
    const reason = 'no valid record is here, and an orderly shutdown left a whole one';
    const record = (place?.record ?? 0) + 1;
    throw new DamageError({ file, offset: last.reading?.validBytes ?? 0, record, reason });
  }
  const { directoryId, record, crc } = marker.place;
  if (place?.directoryId === directoryId && place.record === record && place.crc === crc) return;
  const reason = `it ends with record ${place?.record ?? 0}, and not with the record ${record} of the orderly shutdown`;
  throw new DamageError({ file, offset: marker.bytes, record, reason });
}

/** Steps 1 to 4: when it returns, what was accepted is on the disk whatever the kernel only seemed to hold. */
function* makeDurable(found: {
  directory: Survey;
  history: History;
  isClean: boolean;
}): DiskProgram<Pick<RecoveryReport, 'cutBytes' | 'cutFile'>> {
  const { directory, history, isClean } = found;
  const { number, bytes, reading } = history.last;
  if (isClean) yield* removeMarker();
  for (const file of directory.temporaries) yield { kind: 'remove', file };

  const validBytes = reading?.validBytes ?? 0;
  const cut = yield* keepAside(directory, { number, tail: bytes.subarray(validBytes), offset: validBytes });
  if (reading === null) {
    yield { kind: 'remove', file: segmentFile(number) };
  } else if (!isClean) {
    yield* writeBeside(segmentFile(number), bytes.subarray(0, validBytes));
    yield { kind: 'syncDirectory' };
  }
  return cut;
}

function* keepAside(
  directory: Survey,
  torn: { number: number; offset: number; tail: Uint8Array },
): DiskProgram<Pick<RecoveryReport, 'cutBytes' | 'cutFile'>> {
  const { number, offset, tail } = torn;
  if (tail.length === 0) return { cutBytes: 0, cutFile: null };
  const cutFile = segmentFile(number).replace(/log$/, `torn-${offset}`);
  yield* writeBeside(cutFile, tail);
  const others = directory.tornTails.map(({ file }) => file).filter((file) => file !== cutFile);
  for (const file of others.slice(0, Math.max(others.length - TORN_TAILS_MAX + 1, 0))) yield { kind: 'remove', file };
  yield { kind: 'syncDirectory' };
  return { cutBytes: tail.length, cutFile };
}

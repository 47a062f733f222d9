// Salvage: what can still be read of a damaged data directory, and a new directory made of it. Offline and by hand only; a
// start never skips anything (recovery.ts).
//
// Rule 1: the damaged directory is only read.
// Rule 2: nothing is passed over in silence: each stretch of bytes, each record and each event that is not in the new
//         directory is in the list of losses.
// Rule 3: it builds upon the newest snapshot that is as it was written, or upon the empty beginning where the journal still
//         has it; a damaged snapshot is opened only where neither is left.
// Rule 4: of the journal every valid record counts that is newer than the one before it, whatever is missing between.
//         Where events are missing, a job is what the events that are left make of it; an event that is not legal for it
//         any more is a loss. So a job whose success was lost runs again, and none that was submitted is dropped for it.
// Rule 5: a segment of another directory, or under the name of another segment, is a loss as a whole: its records are whole,
//         but not what stood here.

import { assert } from '../job/assert.ts';
import type { Event } from '../job/event.ts';
import { replay } from './apply.ts';
import { DamageError } from './damage.ts';
import { DiskError, list, read } from './disk.ts';
import type { DiskProgram } from './disk.ts';
import { Journal } from './journal.ts';
import { bodyOf, findRecord } from './record.ts';
import { beginning, headerOf, segmentFile } from './segment.ts';
import type { Header } from './segment.ts';
import { storeSnapshot } from './snapshot.ts';
import { databaseFile, openSnapshot, readSnapshot } from './snapshot-file.ts';
import { survey } from './survey.ts';
import type { Survey } from './survey.ts';
import type { Tables, TablesFactory } from './tables.ts';

/** What is not in the new directory. */
export type Loss = {
  readonly file: string;
  readonly offset: number;
  /** Bytes passed over; 0 where it is not a matter of bytes. */
  readonly bytes: number;
  readonly what: string;
};

/** Losses listed one by one; beyond it they are only counted. */
const LOSSES_LISTED_MAX = 1_000;

export type Salvaged = {
  readonly tables: Tables;
  /** File name of the snapshot that was built upon; null: the empty beginning. */
  readonly snapshot: string | null;
  readonly records: number;
  readonly events: number;
  readonly losses: readonly Loss[];
  /** All losses, those not listed too. */
  readonly lossCount: number;
};

/**
 * Reads everything that can be read. The caller closes the tables.
 * @throws {FormatError} if it was written by a newer version. @throws {DiskError} if the directory cannot be listed.
 */
export function* salvage(options: { tables: TablesFactory }): DiskProgram<Salvaged> {
  const directory = survey(yield* list());
  const salvager = new Salvager();
  const { tables, segment } = yield* salvager.open(options.tables, directory);
  try {
    const segments = [...directory.segments.keys()].filter((number) => number > segment);
    for (const number of segments) yield* salvager.readSegment(tables, number);
    const snapshot = segment === 0 ? null : databaseFile(segment);
    return { tables, snapshot, ...salvager.result() };
  } catch (error) {
    tables.close();
    throw error;
  }
}

/**
 * Makes a data directory of the tables. Run it on a directory that holds nothing of ours.
 * @throws {DiskError} if the disk fails; what is there then is refused at a start.
 */
export function* plant(options: { factory: TablesFactory; tables: Tables; directoryId: string }): DiskProgram<void> {
  const { factory, tables, directoryId } = options;
  const { segments, snapshots, databases, hasMarker } = survey(yield* list());
  assert(segments.size + snapshots.length + databases.length === 0 && !hasMarker, 'a new directory is empty');
  const place = beginning(directoryId);
  const database = tables.export();
  // The snapshot stands for segment 1, so that a start never takes a journal without it for the whole journal.
  const { bytes } = yield* storeSnapshot({ factory, database, meta: tables.meta(), segment: 1, place });
  const journal = yield* Journal.begin({ segment: 2, place, earlier: new Map(), snapshotBytes: bytes });
  yield* journal.close();
}

class Salvager {
  #records = 0;
  #events = 0;
  #lossCount = 0;
  readonly #losses: Loss[] = [];
  /** Number of the latest record that is known of; null where the snapshot that was used does not say. */
  #record: number | null = null;
  #directoryId: string | null = null;

  result(): Pick<Salvaged, 'records' | 'events' | 'losses' | 'lossCount'> {
    return { records: this.#records, events: this.#events, losses: this.#losses, lossCount: this.#lossCount };
  }

  /** What is built upon, and the last segment that it covers. */
  *open(factory: TablesFactory, directory: Survey): DiskProgram<{ tables: Tables; segment: number }> {
    for (const segment of directory.snapshots) {
      try {
        const stored = yield* readSnapshot(directory, segment);
        const tables = openSnapshot(factory, stored);
        this.#record = stored.description.place.record;
        this.#directoryId = stored.description.place.directoryId;
        return { tables, segment };
      } catch (error) {
        this.#lose(whyUnreadable(error));
      }
    }
    if (!directory.segments.has(1)) {
      for (const segment of directory.databases) {
        const tables = yield* this.#openAnyway(factory, segment);
        if (tables !== null) return { tables, segment };
      }
    }
    this.#record = 0;
    return { tables: factory.create(), segment: 0 };
  }

  *readSegment(tables: Tables, number: number): DiskProgram<void> {
    const file = segmentFile(number);
    let bytes: Uint8Array;
    try {
      bytes = yield* read(file);
    } catch (error) {
      this.#lose(whyUnreadable(error));
      return;
    }
    const header = headerOf(file, bytes);
    const stranger = header === undefined ? null : this.#whyNotOurs(header, number);
    if (stranger !== null) {
      this.#lose({ file, offset: 0, bytes: bytes.length, what: stranger });
      return;
    }
    let offset = header?.end ?? 0;
    for (;;) {
      const found = findRecord(bytes, offset, ({ segment }) => segment === number);
      const end = found?.offset ?? bytes.length;
      if (end > offset) this.#lose({ file, offset, bytes: end - offset, what: 'no valid record' });
      if (found === undefined) return;
      this.#readRecord(tables, { file, ...found });
      offset = found.line.end;
    }
  }

  /** Null if the segment belongs here. Where no snapshot says whose the directory is, the first header does. */
  #whyNotOurs({ segment, after }: Header, number: number): string | null {
    if (segment !== number) return `its header says that it is segment ${segment}`;
    this.#directoryId ??= after.directoryId;
    if (after.directoryId === this.#directoryId) return null;
    return `it is of the data directory ${after.directoryId}, and this one is ${this.#directoryId}`;
  }

  #readRecord(tables: Tables, at: { file: string } & NonNullable<ReturnType<typeof findRecord>>): void {
    const { file, offset, record, line } = at;
    const { n } = record.head;
    const bytes = line.end - offset;
    const before = this.#record ?? n - 1;
    if (n <= before) {
      this.#lose({ file, offset, bytes, what: `record ${n} stands behind record ${before}` });
      return;
    }
    if (n > before + 1) this.#lose({ file, offset, bytes: 0, what: `records ${before + 1} to ${n - 1} are missing` });
    this.#record = n;
    this.#records += 1;
    const body = bodyOf(record);
    if (body === undefined) this.#lose({ file, offset, bytes, what: `record ${n} says nothing that is known here` });
    else if (body.kind === 'batch') this.#replayBatch(tables, body.events, { file, offset });
  }

  /** The whole batch in one transaction; where an event of it is refused, each event in its own. */
  #replayBatch(tables: Tables, events: readonly Event[], at: { file: string; offset: number }): void {
    if (attempt(tables, () => events.forEach((event) => replayAcrossGap(tables, event))) === null) {
      this.#events += events.length;
      return;
    }
    for (const event of events) {
      const refusal = attempt(tables, () => replayAcrossGap(tables, event));
      if (refusal === null) this.#events += 1;
      else this.#lose({ ...at, bytes: 0, what: `event ${event.seq} (${nameOf(event)}): ${refusal}` });
    }
  }

  *#openAnyway(factory: TablesFactory, segment: number): DiskProgram<Tables | null> {
    const file = databaseFile(segment);
    try {
      const tables = factory.load(yield* read(file));
      this.#lose({
        file,
        offset: 0,
        bytes: 0,
        what: 'it is damaged and was used all the same: nothing better is left',
      });
      return tables;
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      this.#lose({ file, offset: 0, bytes: 0, what });
      return null;
    }
  }

  #lose(loss: Loss): void {
    this.#lossCount += 1;
    if (this.#losses.length < LOSSES_LISTED_MAX) this.#losses.push(loss);
  }
}

/** Applies the event even if events before it are missing; the feed then knows of a gap. */
function replayAcrossGap(tables: Tables, event: Event): void {
  const meta = tables.meta();
  if (event.seq > meta.lastSeq + 1) {
    tables.putMeta({ ...meta, lastSeq: event.seq - 1, forgottenSeq: Math.max(meta.forgottenSeq, event.seq - 1) });
  }
  replay(tables, event);
}

/** Runs the change in a transaction; null if it was taken, else why not. */
function attempt(tables: Tables, change: () => void): string | null {
  tables.begin();
  try {
    change();
  } catch (error) {
    tables.rollback();
    return error instanceof Error ? error.message : String(error);
  }
  tables.commit();
  return null;
}

/** @throws what is neither damage nor the disk's. */
function whyUnreadable(error: unknown): Loss {
  if (error instanceof DamageError) return { file: error.file, offset: error.offset, bytes: 0, what: error.reason };
  if (error instanceof DiskError) return { file: error.file, offset: 0, bytes: 0, what: 'it cannot be read' };
  throw error;
}

const nameOf = (event: Event): string => ('jobId' in event ? `${event.kind} of ${event.jobId}` : event.kind);

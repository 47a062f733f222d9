// What the disk says has happened: the newest good snapshot, and the segments of the journal after it. It only reads.
//
// Rule 1: a snapshot whose bytes are damaged is passed over for the one before it: the journal since that one is kept. If
//         the first of all is damaged, the journal since the beginning is still there.
// Rule 2: the segments after the snapshot are there without a gap, and there is at least one: the next segment is on the
//         disk before a snapshot is begun. Older ones are left-overs of a removal; nothing is asked of them.
// Rule 3: an event that the reducer refuses is damage, though its checksum is right.

import { InvariantError } from '../job/assert.ts';
import { replay } from './apply.ts';
import { DamageError } from './damage.ts';
import { read } from './disk.ts';
import type { DiskProgram } from './disk.ts';
import type { RecordBody } from './record.ts';
import { readSegment, segmentFile } from './segment.ts';
import type { Place, SegmentReading } from './segment.ts';
import { descriptionFile, openSnapshot, readSnapshot } from './snapshot-file.ts';
import type { Description, StoredSnapshot } from './snapshot-file.ts';
import { begunSegment } from './survey.ts';
import type { Survey } from './survey.ts';
import type { Tables, TablesFactory } from './tables.ts';

/** Events replayed in one transaction: bounds what the tables keep for a rollback. */
const TRANSACTION_EVENTS = 4_096;

export type History = {
  readonly tables: Tables;
  /** The snapshot that was built upon; null: the empty beginning. */
  readonly base: Description | null;
  /** Where the segments end; null if no line of them is valid: a directory that was never begun. */
  readonly place: Place | null;
  /** The last segment that was read, as it is on the disk. `reading` is null if it has no header. */
  readonly last: { readonly number: number; readonly bytes: Uint8Array; readonly reading: SegmentReading | null };
  readonly records: number;
  readonly events: number;
};

/**
 * Replays the segments behind the base, up to `throughSegment`. If that is the last of all, its end may be torn.
 * @throws {DamageError | FormatError} if what was durable is not there.
 */
export function* readHistory(options: {
  tables: TablesFactory;
  directory: Survey;
  base: StoredSnapshot | null;
  throughSegment: number;
}): DiskProgram<History> {
  const { tables: factory, directory, base, throughSegment } = options;
  const needed = neededSegments(directory, { after: base?.description.segment ?? 0, throughSegment });
  const tables = base === null ? factory.create() : openSnapshot(factory, base);
  try {
    return { tables, ...(yield* replaySegments(tables, { directory, needed, base: base?.description ?? null })) };
  } catch (error) {
    tables.close();
    throw error;
  }
}

/** The newest snapshot that is as it was written; null if the journal is there from the beginning. */
export function* newestSnapshot(directory: Survey, warnings: string[]): DiskProgram<StoredSnapshot | null> {
  let damage: DamageError | null = null;
  for (const segment of directory.snapshots) {
    try {
      return yield* readSnapshot(directory, segment);
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      damage ??= error;
      warnings.push(`${error.file} is damaged (${error.reason}); what came before it is used instead`);
    }
  }
  if (damage !== null && !directory.segments.has(1)) throw damage;
  return null;
}

function neededSegments(directory: Survey, range: { after: number; throughSegment: number }): readonly number[] {
  const { after, throughSegment } = range;
  const needed: number[] = [];
  for (let number = after + 1; number <= Math.max(throughSegment, after + 1); number += 1) {
    if (!directory.segments.has(number)) {
      const since = after === 0 ? 'from the beginning' : `since ${descriptionFile(after)}`;
      const reason = `it is missing, and the journal is needed without a gap ${since}`;
      throw new DamageError({ file: segmentFile(number), offset: 0, record: null, reason });
    }
    needed.push(number);
  }
  return needed;
}

function* replaySegments(
  tables: Tables,
  options: { directory: Survey; needed: readonly number[]; base: Description | null },
): DiskProgram<Omit<History, 'tables'>> {
  const { directory, needed, base } = options;
  const lastOfAll = [...directory.segments.keys()].at(-1);
  const begun = begunSegment(directory);
  const replayer = new Replayer(tables);
  let place = base?.place ?? null;
  let last: History['last'] = { number: 0, bytes: new Uint8Array(0), reading: null };

  for (const number of needed) {
    const file = segmentFile(number);
    const bytes = yield* read(file);
    const isLast = number === lastOfAll;
    const mayLackHeader = isLast && number > begun;
    const reading = readSegment({ number, bytes, isLast, mayLackHeader }, place, (body, at) => {
      replayer.replay(body, { file, offset: at.offset, record: at.record });
    });
    place = reading?.place ?? place;
    last = { number, bytes, reading };
  }
  replayer.commit();
  return { base, place, last, records: replayer.records, events: replayer.events };
}

/** Replays records in transactions of a bounded size. */
class Replayer {
  records = 0;
  events = 0;
  readonly #tables: Tables;
  #pendingEvents = 0;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  replay(body: RecordBody, at: { readonly file: string; readonly offset: number; readonly record: number }): void {
    this.records += 1;
    if (body.kind !== 'batch') return;
    if (this.#pendingEvents === 0) this.#tables.begin();
    try {
      for (const event of body.events) replay(this.#tables, event);
    } catch (cause) {
      if (!(cause instanceof InvariantError)) throw cause;
      throw new DamageError(
        { ...at, reason: `the record is valid, but what it says cannot be (${cause.message})` },
        { cause },
      );
    }
    this.events += body.events.length;
    this.#pendingEvents += body.events.length;
    if (this.#pendingEvents >= TRANSACTION_EVENTS) this.commit();
  }

  commit(): void {
    if (this.#pendingEvents > 0) this.#tables.commit();
    this.#pendingEvents = 0;
  }
}

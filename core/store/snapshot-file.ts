// The snapshot: the tables as all segments up to one made them. Two files:
//
//   snapshot-<segment, 10 digits>.sqlite   the export of the tables, as it is: `sqlite3` opens it
//   snapshot-<segment, 10 digits>.json     its description, one line (line.ts):
//     {"format":1,"directory":"<id>","segment":2,"record":40,"crc":"89abcdef",
//      "meta":{"lastSeq":120,"lastAt":1767225600000,"forgottenSeq":0},"bytes":81920,"blocks":"01234567…"}
//
//   segment      the last one that is covered; the number in the name
//   record, crc  the last record that is covered and the checksum of the last line: where the next segment continues
//   meta         as the tables hold it
//   bytes        length of the database; its blocks of 1 MiB have the checksums in `blocks`, 8 digits each
//
// Rule 1: the description makes the snapshot. It is written when the database is durable and verified, and removed (and
//         the directory synced) before the database goes: a description without its database is damage.
// Rule 2: neither file is ever changed; both come by rename.

import { crc32, crcOfText, crcText } from './crc32.ts';
import { DamageError, FormatError } from './damage.ts';
import { read } from './disk.ts';
import type { DiskProgram } from './disk.ts';
import { encodeLine, isCount, lineAt, objectOf } from './line.ts';
import { Instant } from '../job/job.ts';
import type { Place } from './segment.ts';
import type { Survey } from './survey.ts';
import type { Meta, Tables, TablesFactory } from './tables.ts';

export const SNAPSHOT_FORMAT = 1;
const BLOCK_BYTES = 1024 * 1024;

const stem = (segment: number): string => `snapshot-${String(segment).padStart(10, '0')}`;
export const databaseFile = (segment: number): string => `${stem(segment)}.sqlite`;
export const descriptionFile = (segment: number): string => `${stem(segment)}.json`;

export type Description = {
  readonly segment: number;
  readonly place: Place;
  readonly meta: Meta;
  readonly bytes: number;
  readonly blocks: string;
};

export type StoredSnapshot = { readonly description: Description; readonly database: Uint8Array };

export function describeSnapshot(
  covered: { segment: number; place: Place; meta: Meta },
  database: Uint8Array,
): Description {
  const { lastSeq, lastAt, forgottenSeq } = covered.meta;
  const blocks = blocksOf(database).join('');
  return { ...covered, meta: { lastSeq, lastAt, forgottenSeq }, bytes: database.length, blocks };
}

export function encodeDescription({ segment, place, meta, bytes, blocks }: Description): Uint8Array {
  const { directoryId: directory, record, crc } = place;
  const line = { format: SNAPSHOT_FORMAT, directory, segment, record, crc: crcText(crc), meta, bytes, blocks };
  return encodeLine(JSON.stringify(line)).bytes;
}

/**
 * Reads one snapshot and holds it against its description.
 * @throws {DamageError} if its bytes are not what was written; another snapshot may do.
 * @throws {FormatError} if it is of a newer format.
 */
export function* readSnapshot(directory: Survey, segment: number): DiskProgram<StoredSnapshot> {
  const description = decodeDescription(segment, yield* read(descriptionFile(segment)));
  if (!directory.databases.includes(segment)) throw damaged(databaseFile(segment), 0, 'it is missing');
  const database = yield* read(databaseFile(segment));
  const problem = problemOf(description, database);
  if (problem !== null) throw damaged(databaseFile(segment), problem.offset, problem.reason);
  return { description, database };
}

/**
 * Opens what is as it was written.
 * @throws {DamageError} if these tables cannot be made of it: another snapshot must not hide that.
 * @throws {RangeError} if memory does not suffice.
 */
export function openSnapshot(factory: TablesFactory, { description, database }: StoredSnapshot): Tables {
  const file = databaseFile(description.segment);
  let tables: Tables;
  try {
    tables = factory.load(database);
  } catch (cause) {
    // Too little memory says nothing about the database.
    if (cause instanceof RangeError) throw cause;
    const reason = `it is as it was written, but cannot be opened (${cause instanceof Error ? cause.message : String(cause)})`;
    throw new DamageError({ file, offset: 0, record: null, reason }, { cause });
  }
  const { lastSeq, lastAt, forgottenSeq } = tables.meta();
  const { meta } = description;
  if (lastSeq === meta.lastSeq && lastAt === meta.lastAt && forgottenSeq === meta.forgottenSeq) return tables;
  tables.close();
  throw damaged(file, 0, `it ends with event ${lastSeq}, but its description says ${meta.lastSeq}`);
}

/** The first place where the database is not what the description says; null if there is none. */
export function problemOf(description: Description, database: Uint8Array): { offset: number; reason: string } | null {
  const { bytes, blocks } = description;
  const found = blocksOf(database);
  const bad = found.findIndex((block, index) => block !== blocks.slice(index * 8, index * 8 + 8));
  const offset = bad === -1 ? database.length : bad * BLOCK_BYTES;
  if (database.length !== bytes) {
    return { offset: Math.min(offset, bytes), reason: `it is ${database.length} bytes long instead of ${bytes}` };
  }
  return bad === -1 ? null : { offset, reason: `the checksum of the ${BLOCK_BYTES} bytes from here is wrong` };
}

function decodeDescription(segment: number, bytes: Uint8Array): Description {
  const file = descriptionFile(segment);
  const line = lineAt(bytes, 0);
  const value = line?.end === bytes.length ? objectOf(line) : undefined;
  const { format, directory, segment: number, record, bytes: length, blocks } = value ?? {};
  if (isCount(format) && format > SNAPSHOT_FORMAT) {
    throw new FormatError({ file, found: format, newestKnown: SNAPSHOT_FORMAT });
  }
  const crc = crcOfText(value?.['crc']);
  const meta = metaOf(value?.['meta']);
  if (format !== SNAPSHOT_FORMAT || typeof directory !== 'string' || !isCount(record) || crc === undefined) {
    throw damaged(file, 0, 'the description is not valid');
  }
  if (meta === undefined || !isCount(length) || typeof blocks !== 'string') {
    throw damaged(file, 0, 'the description is not valid');
  }
  if (number !== segment) throw damaged(file, 0, `it describes the snapshot of segment ${String(number)}`);
  return { segment, place: { directoryId: directory, record, crc }, meta, bytes: length, blocks };
}

function metaOf(value: unknown): Meta | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { lastSeq, lastAt, forgottenSeq } = value as Readonly<Record<string, unknown>>;
  if (!isCount(lastSeq) || typeof lastAt !== 'number' || !isCount(forgottenSeq)) return undefined;
  return { lastSeq, lastAt: Instant(lastAt), forgottenSeq };
}

function blocksOf(database: Uint8Array): string[] {
  const blocks: string[] = [];
  for (let at = 0; at < database.length; at += BLOCK_BYTES) {
    blocks.push(crcText(crc32(database, at, Math.min(at + BLOCK_BYTES, database.length))));
  }
  return blocks;
}

function damaged(file: string, offset: number, reason: string): DamageError {
  return new DamageError({ file, offset, record: null, reason });
}

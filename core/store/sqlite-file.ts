// Opens a database: a new one, or one that was exported. What is not an export of ours is refused before it is used.

import { APPLICATION_ID, FORMAT, PRAGMAS, SCHEMA } from './sqlite-schema.ts';
import type { Database, Sqlite } from './sqlite-driver.ts';

/**
 * @throws {RangeError} if memory does not suffice.
 * @throws {Error} otherwise, if the bytes are not a whole export of these tables, or of a format that is not known here.
 */
export function openDatabase(sqlite: Sqlite, bytes: Uint8Array | undefined): Database {
  if (bytes !== undefined) check(bytes);
  const database = new sqlite.Database(bytes);
  try {
    database.run(PRAGMAS);
    if (bytes === undefined) database.run(SCHEMA);
    return database;
  } catch (cause) {
    database.close();
    if (cause instanceof Error && /out of memory|OOM/.test(cause.message)) {
      throw new RangeError('the database does not fit into memory', { cause });
    }
    throw new Error('the database cannot be opened', { cause });
  }
}

/**
 * Reads the file header (https://www.sqlite.org/fileformat2.html, section 1.3) without SQLite, which takes an empty file
 * for an empty database and looks at damage only where a query meets it.
 */
function check(bytes: Uint8Array): void {
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw new Error('not a SQLite database');
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  if (header.getUint32(APPLICATION_ID_OFFSET) !== APPLICATION_ID) throw new Error('not a database of perdure');
  const format = header.getUint32(FORMAT_OFFSET);
  if (format > FORMAT)
    throw new Error(`format ${format} is newer than format ${FORMAT}, the newest that is known here`);
  if (format < 1) throw new Error(`format ${format} never was one of perdure`);
  const pageBytes = header.getUint16(PAGE_BYTES_OFFSET);
  const expected = (pageBytes === 1 ? 65_536 : pageBytes) * header.getUint32(PAGES_OFFSET);
  if (bytes.length !== expected) throw new Error(`the database is ${bytes.length} bytes long instead of ${expected}`);
}

const HEADER_BYTES = 100;
const PAGE_BYTES_OFFSET = 16;
const PAGES_OFFSET = 28;
const FORMAT_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;

/** "SQLite format 3" and a NUL. */
const MAGIC = [...'SQLite format 3\0'].map((character) => character.charCodeAt(0));

// What the store asks of SQLite, so that core/ need not import it: the `SqlJsStatic` of sql.js fits as it is.
//
// Rule 1: initialise sql.js with `useOldExtensionFunctions: false`: the old functions are not SQLite's own.
// Rule 2: values are bound by position; a name that is misspelt would bind NULL in silence.
// Rule 3: a number beyond 32 bits is bound as REAL. Only a column of a STRICT table makes an INTEGER of it again, so it is
//         never used in an expression, a string or JSON that SQL builds.
// Rule 4: text is bound and read as UTF-8. Lone surrogates and a leading byte order mark do not survive that; sqlite-text.ts
//         escapes them.

export type SqlValue = number | string | Uint8Array | null;

export interface Statement {
  /** Resets the statement, then binds. */
  bind(values: SqlValue[]): boolean;
  /** False where there is no (further) row; `get` then returns an empty row. */
  step(): boolean;
  get(): SqlValue[];
  /** Binds, steps once and resets. */
  run(values?: SqlValue[]): void;
  reset(): void;
}

export interface Database {
  prepare(sql: string): Statement;
  run(sql: string): unknown;
  /** Rows changed by the latest INSERT, UPDATE or DELETE. */
  getRowsModified(): number;
  /** A copy of the whole file. Throws while a transaction writes. */
  export(): Uint8Array;
  /** Frees the database and its statements; without it their memory is never given back. */
  close(): void;
}

export interface Sqlite {
  /** Opens a copy of the bytes. Bytes that are no database are noticed by the first query, not here. */
  readonly Database: new (bytes?: Uint8Array) => Database;
}

// The disk as data. A disk program is a generator that yields operations and is sent their results; it never waits and
// never knows who drives it: `node:fs` in the runtime, a disk that loses, tears and reorders in the simulator.
//
// Rule 1: names are plain file names inside the data directory; there are no subdirectories.
// Rule 2: an operation either did all of what it says or throws a DiskError into the program. Short writes are continued
//         by the driver. After a failed append an unknown part of the bytes is in the file; after a failed sync nothing
//         is known of what was not synced before, and the file must not be written or synced again.
// Rule 3: nothing is durable but what was synced: a file's bytes by `sync`, names (create, rename, remove) by
//         `syncDirectory`.

export type DiskOperation =
  /** All regular files with their sizes, in any order. */
  | { readonly kind: 'list' }
  | { readonly kind: 'read'; readonly file: string }
  /** Makes an empty file and keeps it open for append; fails with `exists` if the name is taken. */
  | { readonly kind: 'create'; readonly file: string }
  /** Writes all the bytes at the end of a file that this process created. */
  | { readonly kind: 'append'; readonly file: string; readonly bytes: Uint8Array }
  /** Cuts a file that this process created. */
  | { readonly kind: 'truncate'; readonly file: string; readonly length: number }
  | { readonly kind: 'sync'; readonly file: string }
  /** Lets go of the file; its bytes stay. Legal for a file that is not open. */
  | { readonly kind: 'close'; readonly file: string }
  /** Atomic; replaces `to`. A file that is open goes on under its new name. */
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** Closes and unlinks; legal for a file that is not there. */
  | { readonly kind: 'remove'; readonly file: string }
  | { readonly kind: 'syncDirectory' };

export type FileEntry = { readonly file: string; readonly bytes: number };

export type DiskResult = undefined | Uint8Array | readonly FileEntry[];

export type DiskProgram<Result> = Generator<DiskOperation, Result, DiskResult>;

/** `no-space` is a full disk or quota; `io` is everything that has no name here. */
export type DiskErrorCode = 'no-space' | 'exists' | 'not-found' | 'io';

/** The world's fault: an operation on the disk failed. `cause` is the driver's own error. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: DiskErrorCode;
  readonly operation: DiskOperation['kind'];
  /** The file's name; empty for operations on the directory. */
  readonly file: string;

  constructor(failure: { code: DiskErrorCode; operation: DiskOperation['kind']; file?: string; cause?: unknown }) {
    const { code, operation, file = '', cause } = failure;
    super(`${operation} ${file === '' ? 'the data directory' : file}: ${code}`, { cause });
    this.code = code;
    this.operation = operation;
    this.file = file;
  }
}

export function* list(): DiskProgram<readonly FileEntry[]> {
  return (yield { kind: 'list' }) as readonly FileEntry[];
}

export function* read(file: string): DiskProgram<Uint8Array> {
  return (yield { kind: 'read', file }) as Uint8Array;
}

/** Writes a whole new file under a temporary name, syncs it and renames it over `file`; the caller syncs the directory. */
export function* writeBeside(file: string, bytes: Uint8Array): DiskProgram<void> {
  const temporary = `${file}.tmp`;
  yield { kind: 'remove', file: temporary };
  yield { kind: 'create', file: temporary };
  yield { kind: 'append', file: temporary, bytes };
  yield { kind: 'sync', file: temporary };
  yield { kind: 'close', file: temporary };
  yield { kind: 'rename', from: temporary, to: file };
}

// Performs disk programs on node:fs: the real disk behind core/store/disk.ts, whose rules it keeps.
//
// Rule 1: a failed operation is thrown into the program as a DiskError; its `cause` is Node's own error.
// Rule 2: operations of one program run one after another; several programs may run at once on different files.
// Rule 3: nothing is retried here. After a failed sync the kernel has thrown the pages away and a second sync would lie.

import fs from 'node:fs';
import { join } from 'node:path';
import { assert, InvariantError, unreachable } from '../../core/job/assert.ts';
import { DiskError } from '../../core/store/disk.ts';
import type { DiskErrorCode, DiskOperation, DiskProgram, DiskResult, FileEntry } from '../../core/store/disk.ts';

type Callback<Value> = (error: NodeJS.ErrnoException | null, value: Value) => void;

const FILE_MODE = 0o600;

export class NodeDisk {
  readonly #directory: string;
  readonly #onSync: (file: string, durationMs: number) => void;
  /** Descriptors of the files that this process created and has not closed. */
  readonly #open = new Map<string, number>();
  /** When each sync that has not returned was begun, on the monotonic clock. */
  readonly #syncs = new Set<{ readonly startedAtMs: number }>();

  /** `onSync` is told how long each sync of a file took, also one that failed. The directory must exist. */
  constructor(
    directory: string,
    { onSync = () => undefined }: { onSync?: (file: string, durationMs: number) => void } = {},
  ) {
    this.#directory = directory;
    this.#onSync = onSync;
  }

  /** @throws what the program throws; a {DiskError} it did not catch among it. */
  async run<Result>(program: DiskProgram<Result>): Promise<Result> {
    let turn = program.next();
    while (turn.done !== true) {
      let result: DiskResult;
      try {
        result = await this.#perform(turn.value);
      } catch (thrown) {
        turn = program.throw(diskError(turn.value, thrown));
        continue;
      }
      turn = program.next(result);
    }
    return turn.value;
  }

  /** How long the oldest sync that has not returned has been waiting; 0 if there is none. */
  syncingForMs(): number {
    const nowMs = performance.now();
    return Math.max(0, ...[...this.#syncs].map(({ startedAtMs }) => nowMs - startedAtMs));
  }

  #perform(operation: DiskOperation): Promise<DiskResult> {
    switch (operation.kind) {
      case 'list':
        return this.#list();
      case 'read':
        return call<Buffer>((done) => fs.readFile(this.#path(operation.file), done));
      case 'create':
        return this.#create(operation.file);
      case 'append':
        return append(this.#descriptor(operation.file), operation.bytes);
      case 'truncate':
        return perform((done) => fs.ftruncate(this.#descriptor(operation.file), operation.length, done));
      case 'sync':
        return this.#sync(operation.file);
      case 'close':
        return this.#close(operation.file);
      case 'rename':
        return this.#rename(operation.from, operation.to);
      case 'remove':
        return this.#remove(operation.file);
      case 'syncDirectory':
        return this.#syncDirectory();
      default:
        return unreachable(operation);
    }
  }

  async #list(): Promise<readonly FileEntry[]> {
    const names = await call<fs.Dirent[]>((done) => fs.readdir(this.#directory, { withFileTypes: true }, done));
    const entries: FileEntry[] = [];
    for (const { name } of names.filter((entry) => entry.isFile())) {
      const stats = await call<fs.Stats>((done) => fs.lstat(join(this.#directory, name), done)).catch(ignoreMissing);
      if (stats !== undefined) entries.push({ file: name, bytes: stats.size });
    }
    return entries;
  }

  async #create(file: string): Promise<undefined> {
    const descriptor = await call<number>((done) => fs.open(this.#path(file), 'ax', FILE_MODE, done));
    assert(!this.#open.has(file), `a new file is not open already (${file})`);
    this.#open.set(file, descriptor);
    // The mode at creation is narrowed by the umask; a file that its owner may not read is of no use.
    await perform((done) => fs.fchmod(descriptor, FILE_MODE, done));
    return undefined;
  }

  async #sync(file: string): Promise<undefined> {
    const descriptor = this.#descriptor(file);
    const sync = { startedAtMs: performance.now() };
    this.#syncs.add(sync);
    try {
      return await perform((done) => fs.fdatasync(descriptor, done));
    } finally {
      this.#syncs.delete(sync);
      this.#onSync(file, performance.now() - sync.startedAtMs);
    }
  }

  async #close(file: string): Promise<undefined> {
    const descriptor = this.#open.get(file);
    if (descriptor === undefined) return undefined;
    // Linux frees the descriptor even when close fails: it must not be closed again, it may be another file's by now.
    this.#open.delete(file);
    return perform((done) => fs.close(descriptor, done));
  }

  async #rename(from: string, to: string): Promise<undefined> {
    await perform((done) => fs.rename(this.#path(from), this.#path(to), done));
    if (from === to) return undefined;
    const descriptor = this.#open.get(from);
    await this.#close(to);
    this.#open.delete(from);
    if (descriptor !== undefined) this.#open.set(to, descriptor);
    return undefined;
  }

  async #remove(file: string): Promise<undefined> {
    await this.#close(file);
    return perform((done) => fs.unlink(this.#path(file), done)).catch(ignoreMissing);
  }

  async #syncDirectory(): Promise<undefined> {
    const descriptor = await call<number>((done) => fs.open(this.#directory, 'r', done));
    try {
      return await perform((done) => fs.fsync(descriptor, done));
    } finally {
      fs.closeSync(descriptor);
    }
  }

  #path(file: string): string {
    assert(isPlainName(file), `a file name is plain (${file})`);
    return join(this.#directory, file);
  }

  #descriptor(file: string): number {
    const descriptor = this.#open.get(file);
    assert(descriptor !== undefined, `a file that is written is open (${file})`);
    return descriptor;
  }
}

const isPlainName = (file: string): boolean => file !== '' && file !== '.' && file !== '..' && !/[/\0]/.test(file);

/** The kernel may take a part of a large write, and does so when the disk runs full: the next part tells. */
async function append(descriptor: number, bytes: Uint8Array): Promise<undefined> {
  let offset = 0;
  while (offset < bytes.length) {
    const from = offset;
    const written = await call<number>((done) => fs.write(descriptor, bytes, from, bytes.length - from, null, done));
    if (written === 0) throw new Error('the kernel wrote nothing and gave no reason');
    offset += written;
  }
  return undefined;
}

/** The callback API without `util.promisify` and FileHandle objects: half the time of a small write. */
function call<Value>(start: (done: Callback<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value);
      else reject(error);
    });
  });
}

async function perform(start: (done: Callback<void>) => void): Promise<undefined> {
  await call<void>(start);
  return undefined;
}

function ignoreMissing(thrown: unknown): undefined {
  if (codeOf(thrown) !== 'ENOENT') throw thrown;
  return undefined;
}

const CODES: ReadonlyMap<unknown, DiskErrorCode> = new Map([
  ['ENOSPC', 'no-space'],
  ['EDQUOT', 'no-space'],
  ['EEXIST', 'exists'],
  ['ENOENT', 'not-found'],
]);

/** A broken invariant stays one: it is not the disk's fault. */
function diskError(operation: DiskOperation, thrown: unknown): unknown {
  if (thrown instanceof InvariantError) return thrown;
  const file = 'file' in operation ? operation.file : 'from' in operation ? operation.from : '';
  const code = CODES.get(codeOf(thrown)) ?? 'io';
  return new DiskError({ code, operation: operation.kind, file, cause: thrown });
}

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined);

// A disk in memory that runs disk programs at once, and fails or stops them where it is told.
//
// Rule 1: it keeps the rules of core/store/disk.ts, and holds programs to them: who writes to a file that it did not create,
//         or touches one whose sync failed, gets an error that no program catches.
// Rule 2: a stop is the end of the process: the program is never resumed. What was not synced is still there, as the
//         kernel shows it, until `losePower`.
// Rule 3: what a failed sync did not write is lost at the next power cut, whatever is synced later.

import { DiskError } from '../../core/store/disk.ts';
import type { DiskErrorCode, DiskOperation, DiskProgram, DiskResult, FileEntry } from '../../core/store/disk.ts';

export type Image = ReadonlyMap<string, Uint8Array>;

export type RunOptions = {
  /** Fails the nth operation, counted from 1. Of a failed append half of the bytes are in the file. */
  readonly fail?: { readonly at: number; readonly code: DiskErrorCode };
  /** Ends the process before or after the nth operation: `run` throws `Stopped`. */
  readonly stopBefore?: number;
  readonly stopAfter?: number;
  /** Called before the nth operation; it may run other programs of the same process. */
  readonly before?: (n: number, operation: DiskOperation) => void;
};

/**
 * What a power cut leaves of bytes that were never synced: all, none, or their length alone; and of changes of names: all,
 * none, or the newest alone, for they reach the disk in any order.
 */
export type PowerCut = {
  readonly bytes: 'kept' | 'lost' | 'zeroed';
  readonly names: 'kept' | 'lost' | 'newest';
};

export const POWER_CUTS: readonly PowerCut[] = (['kept', 'lost', 'zeroed'] as const).flatMap((bytes) =>
  (['kept', 'lost', 'newest'] as const).map((names) => ({ bytes, names })),
);

/** The process ended here. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

type NameChange = (names: Map<string, File>) => void;

type File = { kernel: Uint8Array<ArrayBuffer>; durable: Uint8Array<ArrayBuffer>; isDistrusted: boolean };

export class MemoryDisk {
  /** Every operation that was begun, in order. */
  readonly operations: DiskOperation[] = [];
  #names = new Map<string, File>();
  #durableNames = new Map<string, File>();
  /** The newest change of names since they were synced. */
  #newestName: NameChange | null = null;
  readonly #open = new Map<string, File>();

  constructor(image: Image = new Map()) {
    for (const [name, bytes] of image) this.#names.set(name, newFile(bytes));
    this.#durableNames = new Map(this.#names);
  }

  /** @throws what the program throws; {Stopped} at a stop. */
  run<Result>(program: DiskProgram<Result>, options: RunOptions = {}): Result {
    let turn = program.next();
    for (let n = 1; turn.done !== true; n += 1) {
      const operation = turn.value;
      options.before?.(n, operation);
      if (n === options.stopBefore) throw new Stopped(`before ${describe(operation)}`);
      this.operations.push(operation);
      let result: DiskResult;
      try {
        if (n === options.fail?.at) this.#fail(operation, options.fail.code);
        result = this.#perform(operation);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        turn = program.throw(error);
        continue;
      }
      if (n === options.stopAfter) throw new Stopped(`after ${describe(operation)}`);
      turn = program.next(result);
    }
    return turn.value;
  }

  /** All files as the kernel shows them. */
  image(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([name, { kernel }]) => [name, kernel.slice()]));
  }

  /** The process is gone, and with it what it held open. */
  kill(): this {
    this.#open.clear();
    return this;
  }

  /** The disk that the next machine finds. */
  losePower({ bytes, names }: PowerCut): MemoryDisk {
    const left = new Map<string, Uint8Array>();
    for (const [name, { kernel, durable, isDistrusted }] of this.#survivingNames(names)) {
      if (bytes === 'lost' || isDistrusted) left.set(name, durable.slice());
      else if (bytes === 'kept') left.set(name, kernel.slice());
      else left.set(name, zeroed(durable, kernel.length));
    }
    return new MemoryDisk(left);
  }

  #perform(operation: DiskOperation): DiskResult {
    switch (operation.kind) {
      case 'list':
        return [...this.#names].map(([file, { kernel }]): FileEntry => ({ file, bytes: kernel.length }));
      case 'read':
        return this.#existing(operation, operation.file).kernel.slice();
      case 'create': {
        if (this.#names.has(operation.file)) throw failure(operation, 'exists');
        const file = newFile();
        this.#name((names) => names.set(operation.file, file));
        this.#open.set(operation.file, file);
        return undefined;
      }
      case 'append': {
        const file = this.#writable(operation);
        file.kernel = joined(file.kernel, operation.bytes);
        return undefined;
      }
      case 'truncate': {
        const file = this.#writable(operation);
        if (operation.length > file.kernel.length) throw new Error(`truncate lengthens ${operation.file}`);
        file.kernel = file.kernel.slice(0, operation.length);
        return undefined;
      }
      case 'sync': {
        const file = this.#writable(operation);
        file.durable = file.kernel;
        return undefined;
      }
      case 'close':
        this.#open.delete(operation.file);
        return undefined;
      case 'rename': {
        const { from, to } = operation;
        const held = this.#open.get(from);
        const file = this.#existing(operation, from);
        this.#name((names) => {
          names.set(to, file);
          names.delete(from);
        });
        this.#open.delete(from);
        this.#open.delete(to);
        if (held !== undefined) this.#open.set(to, held);
        return undefined;
      }
      case 'remove':
        this.#name((names) => names.delete(operation.file));
        this.#open.delete(operation.file);
        return undefined;
      case 'syncDirectory':
        this.#durableNames = new Map(this.#names);
        this.#newestName = null;
        return undefined;
    }
  }

  #name(change: NameChange): void {
    change(this.#names);
    this.#newestName = change;
  }

  #survivingNames(names: PowerCut['names']): ReadonlyMap<string, File> {
    if (names === 'kept') return this.#names;
    const surviving = new Map(this.#durableNames);
    if (names === 'newest') this.#newestName?.(surviving);
    return surviving;
  }

  #fail(operation: DiskOperation, code: DiskErrorCode): never {
    if (operation.kind === 'append') {
      const file = this.#writable(operation);
      file.kernel = joined(file.kernel, operation.bytes.subarray(0, Math.ceil(operation.bytes.length / 2)));
    }
    if (operation.kind === 'sync') this.#writable(operation).isDistrusted = true;
    throw failure(operation, code);
  }

  #existing(operation: DiskOperation, name: string): File {
    const file = this.#names.get(name);
    if (file === undefined) throw failure(operation, 'not-found');
    return file;
  }

  #writable(operation: DiskOperation & { readonly file: string }): File {
    const file = this.#open.get(operation.file);
    if (file === undefined) throw new Error(`${describe(operation)}: not created by this process, or closed`);
    if (file.isDistrusted) throw new Error(`${describe(operation)}: its sync has failed before`);
    return file;
  }
}

/** Runs the program to its end and returns how many operations it takes; the disk is left as it was. */
export function operationsOf<Result>(disk: MemoryDisk, program: DiskProgram<Result>): number {
  const copy = new MemoryDisk(disk.image());
  copy.run(program);
  return copy.operations.length;
}

function newFile(bytes: Uint8Array = new Uint8Array(0)): File {
  return { kernel: copyOf(bytes), durable: copyOf(bytes), isDistrusted: false };
}

const copyOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

/**
 * The bytes one behind the other, in the room that the left ones have behind them, else in new and roomier memory: a
 * journal grows by small pieces. Only a file's newest bytes are ever lengthened, so that no older view of them changes.
 */
function joined(left: Uint8Array<ArrayBuffer>, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = left.length + right.length;
  const hasRoom = left.buffer.byteLength >= length;
  const whole = new Uint8Array(hasRoom ? left.buffer : new ArrayBuffer(Math.max(length, 2 * left.length)), 0, length);
  if (!hasRoom) whole.set(left);
  whole.set(right, left.length);
  return whole;
}

function zeroed(durable: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(durable.subarray(0, length));
  return bytes;
}

function describe(operation: DiskOperation): string {
  return 'file' in operation ? `${operation.kind} ${operation.file}` : operation.kind;
}

function failure(operation: DiskOperation, code: DiskErrorCode): DiskError {
  const file = 'file' in operation ? operation.file : 'from' in operation ? operation.from : '';
  return new DiskError({ code, operation: operation.kind, file });
}

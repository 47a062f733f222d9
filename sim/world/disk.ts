// A disk that performs the operations of disk programs, and loses what POSIX lets it lose.
//
// Rule 1: three layers. A process holds descriptors; the kernel holds names and bytes that survive its death; the platter
//         holds what was synced. `processKill` takes the first, `powerLoss` the second.
// Rule 2: names are pending like bytes: create, rename and remove are durable only by `syncDirectory`.
// Rule 3: it holds programs to their own rules: who writes to a file that it did not create, or touches one whose sync
//         failed, has broken the discipline of core/store/disk.ts.

import { DiskError } from '../../core/store/disk.ts';
import type { DiskErrorCode, DiskOperation, DiskResult, FileEntry } from '../../core/store/disk.ts';
import { SimulatedFile } from './file.ts';
import { applyName, survivingBytes, survivingNames } from './power-loss.ts';
import type { PendingName, Survival } from './power-loss.ts';

/** The chance that decides what survives; the disk adds what it has forgotten. */
export type Chance = Omit<Survival, 'stale'>;

/** A disk program did what core/store/disk.ts forbids: a bug, never the disk's fault. */
export class DisciplineError extends Error {
  override readonly name = 'DisciplineError';
}

/** The files that one process holds open, and what it has asked of the disk since it began. */
export class Descriptors {
  readonly open = new Map<string, SimulatedFile>();
  /** Files whose sync failed: this process must not touch them again. */
  readonly distrusted = new Set<SimulatedFile>();
  /** Names that it removed. */
  readonly removed = new Set<string>();
  /** Operations of all kinds, those that failed included. */
  operations = 0;
  /** Syncs of files, not of the directory. */
  syncs = 0;
  readBytes = 0;
  appendedBytes = 0;
  /** The most files that it ever held open at once. */
  openMost = 0;
  #done = 0;

  get failures(): number {
    return this.operations - this.#done;
  }

  did(operation: DiskOperation, result: DiskResult): void {
    this.#done += 1;
    if (operation.kind === 'sync') this.syncs += 1;
    else if (operation.kind === 'create') this.openMost = Math.max(this.openMost, this.open.size);
    else if (operation.kind === 'remove') this.removed.add(operation.file);
    else if (operation.kind === 'append') this.appendedBytes += operation.bytes.length;
    else if (operation.kind === 'read' && result instanceof Uint8Array) this.readBytes += result.length;
  }
}

const STALE_WRITES_KEPT = 32;
const STALE_BYTES_MAX = 65_536;

export class Disk {
  /** Bytes that all files together may hold; a write beyond it is cut short with `no-space`. */
  capacityBytes = Number.POSITIVE_INFINITY;
  #names = new Map<string, SimulatedFile>();
  #durableNames = new Map<string, SimulatedFile>();
  #pendingNames: PendingName[] = [];
  readonly #stale: Uint8Array[] = [];
  /** Null while nobody knows: it is asked after every event, and most events leave the disk alone. */
  #hasUnsynced: boolean | null = null;

  constructor(image: ReadonlyMap<string, Uint8Array> = new Map()) {
    for (const [name, bytes] of image) this.#names.set(name, new SimulatedFile(bytes));
    this.#durableNames = new Map(this.#names);
  }

  /**
   * Does all of what the operation says.
   * @throws {DiskError} where a real disk would refuse; a short write has then left a part.
   * @throws {DisciplineError} if the program broke a rule.
   */
  perform(process: Descriptors, operation: DiskOperation): DiskResult {
    process.operations += 1;
    this.#hasUnsynced = null;
    const result = this.#perform(process, operation);
    process.did(operation, result);
    return result;
  }

  #perform(process: Descriptors, operation: DiskOperation): DiskResult {
    switch (operation.kind) {
      case 'list':
        return [...this.#names].map(([file, { kernel }]): FileEntry => ({ file, bytes: kernel.length }));
      case 'read':
        return this.#existing(operation, operation.file).kernel.view();
      case 'create': {
        if (this.#names.has(operation.file)) throw failure(operation, 'exists');
        const file = new SimulatedFile();
        this.#name({ kind: 'link', name: operation.file, file });
        process.open.set(operation.file, file);
        return undefined;
      }
      case 'append': {
        const file = writable(process, operation);
        const fits = Math.min(operation.bytes.length, this.#room);
        this.#append(file, operation.bytes.subarray(0, fits));
        if (fits < operation.bytes.length) throw failure(operation, 'no-space');
        return undefined;
      }
      case 'truncate': {
        const file = writable(process, operation);
        if (operation.length > file.kernel.length) throw new DisciplineError(`truncate lengthens ${operation.file}`);
        file.cut(operation.length);
        return undefined;
      }
      case 'sync':
        writable(process, operation).sync();
        return undefined;
      case 'close':
        process.open.delete(operation.file);
        return undefined;
      case 'rename': {
        const file = this.#existing(operation, operation.from);
        this.#name({ kind: 'rename', from: operation.from, to: operation.to, file });
        const held = process.open.get(operation.from);
        process.open.delete(operation.to);
        process.open.delete(operation.from);
        if (held !== undefined) process.open.set(operation.to, held);
        return undefined;
      }
      case 'remove':
        process.open.delete(operation.file);
        if (this.#names.has(operation.file)) this.#name({ kind: 'unlink', name: operation.file });
        return undefined;
      case 'syncDirectory':
        for (const change of this.#pendingNames) applyName(this.#durableNames, change);
        this.#pendingNames = [];
        return undefined;
    }
  }

  /**
   * Fails the operation. Of a failed append a drawn part is in the file; what a failed sync left on the platter is drawn
   * too, and the rest will never be written, though the kernel goes on showing it.
   */
  fail(process: Descriptors, operation: DiskOperation, failing: { code: DiskErrorCode; chance: Chance }): never {
    const { code } = failing;
    process.operations += 1;
    this.#hasUnsynced = null;
    const survival = this.#survival(failing.chance);
    if (operation.kind === 'append') {
      const part = survival.stream.choose('part of a failed append', operation.bytes.length + 1);
      this.#append(writable(process, operation), operation.bytes.subarray(0, part));
    }
    if (operation.kind === 'sync') {
      const file = writable(process, operation);
      file.failSync(survivingBytes(file, survival));
      process.distrusted.add(file);
    }
    // It was closed before its name should go.
    if (operation.kind === 'remove') process.open.delete(operation.file);
    throw failure(operation, code);
  }

  /** The process is gone; the kernel keeps what it was told. */
  processKill(process: Descriptors): void {
    process.open.clear();
    process.distrusted.clear();
  }

  /** The machine is gone: what was not synced meets its fate, and what is left is all there is. */
  powerLoss(process: Descriptors, chance: Chance): void {
    this.processKill(process);
    this.#hasUnsynced = null;
    const images = new Map<SimulatedFile, SimulatedFile>();
    const names = this.namesAfterLoss(chance);
    for (const [name, file] of names) {
      const image = images.get(file) ?? new SimulatedFile(this.bytesAfterLoss(file, chance));
      images.set(file, image);
      names.set(name, image);
    }
    this.#names = names;
    this.#durableNames = new Map(names);
    this.#pendingNames = [];
  }

  /** What a power loss now would leave of the directory; the disk is left alone. */
  namesAfterLoss(chance: Chance): Map<string, SimulatedFile> {
    return survivingNames(this.#durableNames, this.#pendingNames, this.#survival(chance));
  }

  /** What it would leave of one file. */
  bytesAfterLoss(file: SimulatedFile, chance: Chance): Uint8Array {
    return survivingBytes(file, this.#survival(chance)).view();
  }

  /** True if the kernel's bytes in `from` … `to` of the file, and its name, outlive any power loss. */
  isDurable(name: string, from: number, to: number): boolean {
    const file = this.#names.get(name);
    return file !== undefined && this.#durableNames.get(name) === file && file.isDurable(from, to);
  }

  /** True while something would be lost by a power loss. */
  get hasUnsynced(): boolean {
    return (this.#hasUnsynced ??= this.#pendingNames.length > 0 || this.#hasUnsyncedBytes);
  }

  get #hasUnsyncedBytes(): boolean {
    for (const file of this.#names.values()) if (file.pending.length > 0) return true;
    return false;
  }

  get #room(): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return this.capacityBytes;
    return Math.max(this.capacityBytes - this.usedBytes, 0);
  }

  get usedBytes(): number {
    let bytes = 0;
    for (const file of this.#names.values()) bytes += file.kernel.length;
    return bytes;
  }

  /** Length of a file as the kernel shows it; 0 if it is not there. */
  lengthOf(name: string): number {
    return this.#names.get(name)?.kernel.length ?? 0;
  }

  /** All files as the kernel shows them. */
  image(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([name, file]) => [name, file.kernel.view()]));
  }

  /** A disk of its own in the same state, with nothing open. */
  copy(): Disk {
    const copies = new Map<SimulatedFile, SimulatedFile>();
    const copyOf = (file: SimulatedFile): SimulatedFile => {
      const copy = copies.get(file) ?? file.copy();
      copies.set(file, copy);
      return copy;
    };
    const disk = new Disk();
    disk.capacityBytes = this.capacityBytes;
    for (const [name, file] of this.#names) disk.#names.set(name, copyOf(file));
    for (const [name, file] of this.#durableNames) disk.#durableNames.set(name, copyOf(file));
    disk.#pendingNames = this.#pendingNames.map((change) =>
      change.kind === 'unlink' ? change : { ...change, file: copyOf(change.file) },
    );
    disk.#stale.push(...this.#stale);
    return disk;
  }

  #survival({ stream, allows, fired }: Chance): Survival {
    return { stream, allows, fired, stale: this.#stale };
  }

  #append(file: SimulatedFile, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#stale.push(file.append(bytes).subarray(0, STALE_BYTES_MAX));
    if (this.#stale.length > STALE_WRITES_KEPT) this.#stale.shift();
  }

  #name(change: PendingName): void {
    applyName(this.#names, change);
    this.#pendingNames.push(change);
  }

  #existing(operation: DiskOperation, name: string): SimulatedFile {
    const file = this.#names.get(name);
    if (file === undefined) throw failure(operation, 'not-found');
    return file;
  }
}

function writable(process: Descriptors, operation: DiskOperation & { readonly file: string }): SimulatedFile {
  const file = process.open.get(operation.file);
  if (file === undefined) {
    throw new DisciplineError(`${operation.kind} ${operation.file}, which this process did not create or has closed`);
  }
  if (process.distrusted.has(file))
    throw new DisciplineError(`${operation.kind} ${operation.file} after a failed sync`);
  return file;
}

function failure(operation: DiskOperation, code: DiskErrorCode): DiskError {
  const file = 'file' in operation ? operation.file : 'from' in operation ? operation.from : '';
  return new DiskError({ code, operation: operation.kind, file });
}

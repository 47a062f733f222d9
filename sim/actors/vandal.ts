// Between two processes, sometimes: a copy of the disk is damaged as no crash could, and started from.
//
// Rule 1 (D12): the start is refused, with the file named and nothing changed, or it finds the state that was there. It
//               never finds another: at most the last record is missing, where nothing proves that it had been durable.
// Rule 2 (P13): the same holds for a file of a newer version: it is refused as such.
// Rule 3: the life itself goes on with the disk as it was.

import { DamageError, FormatError } from '../../core/store/damage.ts';
import { DiskError } from '../../core/store/disk.ts';
import type { DiskProgram, DiskResult } from '../../core/store/disk.ts';
import { encodeLine, lineAt } from '../../core/store/line.ts';
import { recover } from '../../core/store/recovery.ts';
import type { TablesFactory } from '../../core/store/tables.ts';
import { broken } from '../checks/rules.ts';
import { contentOf, isSameContent } from '../world/state.ts';
import type { FaultCode } from '../faults.ts';
import type { Planted } from '../mutants/mutant.ts';
import { damage } from '../world/damage.ts';
import type { DamageCode, Image } from '../world/damage.ts';
import { Descriptors, Disk } from '../world/disk.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';

const DAMAGES: readonly DamageCode[] = ['D9', 'D12', 'D13', 'D14', 'D16'];
/** Headers and descriptions begin so. */
const FORMAT = /^\{"format":\d+/;
/** Experiments in one life, at most: each costs some starts. */
const EXPERIMENTS_MAX = 24;

type Start = { readonly content: string } | { readonly refused: Error };

export class Vandal {
  readonly #options: { world: World; tables: TablesFactory; planted: Planted };
  #left = EXPERIMENTS_MAX;

  constructor(options: { world: World; tables: TablesFactory; planted: Planted }) {
    this.#options = options;
  }

  /** No process runs. */
  visit(): void {
    const { faults, disk } = this.#options.world;
    let undamaged: Start | undefined;
    for (const code of DAMAGES) {
      if (this.#left === 0 || !faults.strikes(code)) continue;
      this.#left -= 1;
      this.#damage(code, disk.image(), () => (undamaged ??= this.#start(disk.image())));
    }
    if (this.#left === 0 || !faults.strikes('P13')) return;
    this.#left -= 1;
    this.#upgrade(disk.image());
  }

  #damage(code: DamageCode, image: Image, undamaged: () => Start): void {
    const { tape } = this.#options.world;
    const done = damage(code, image, tape.stream(`damage/${code}`));
    if (done === null) return;
    this.#note(`on a copy of the disk, ${done.what}`, code);
    const after = this.#start(done.image);
    const isPlaced = 'refused' in after && after.refused instanceof DamageError && after.refused.file !== '';
    if (isPlaced) return;
    // What a crash has left is judged by the start of the life itself.
    const before = undamaged();
    if ('refused' in before) return;
    if ('refused' in after)
      throw broken('D12', `${done.what}: refused without its place, ${after.refused.name}: ${after.refused.message}`);
    if (isSameContent(after.content, before.content)) return;
    const unproven = done.unproven === null ? null : this.#start(done.unproven);
    if (unproven !== null && 'content' in unproven && isSameContent(unproven.content, after.content)) return;
    throw broken('D12', `${done.what}: the start finds another state, and does not say so`);
  }

  /** A newer version has begun a file, and this one is started again. */
  #upgrade(image: Image): void {
    const name = [...image.keys()]
      .filter((file) => file.endsWith('.log') || file.endsWith('.json'))
      .sort()
      .at(-1);
    const bytes = name === undefined ? undefined : image.get(name);
    const line = bytes === undefined ? undefined : lineAt(bytes, 0);
    if (name === undefined || bytes === undefined || line === undefined) return;
    const text = new TextDecoder().decode(line.json);
    // Where a header did not reach the disk an older record may stand: it has no version.
    if (!FORMAT.test(text)) return;
    this.#note(`on a copy of the disk, a newer version wrote ${name}`, 'P13');
    const newer = encodeLine(text.replace(FORMAT, '{"format":9')).bytes;
    const copy = new Uint8Array(newer.length + bytes.length - line.end);
    copy.set(newer);
    copy.set(bytes.subarray(line.end), newer.length);
    const start = this.#start(new Map(image).set(name, copy));
    if ('refused' in start && start.refused instanceof FormatError && start.refused.file === name) return;
    const found = 'refused' in start ? start.refused.message : 'it starts';
    throw broken('D12', `${name} is of a newer format: ${found}`);
  }

  /** Starts from a copy of the image. @throws {Violation} if a refused start has changed anything. */
  #start(image: Image): Start {
    const { tables: factory, planted } = this.#options;
    const disk = new Disk(image);
    try {
      const { tables } = perform(disk, recover({ tables: factory, directoryId: '0'.repeat(32) }), planted);
      const content = contentOf(tables);
      tables.close();
      return { content };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error instanceof DamageError || error instanceof FormatError) unchanged(disk, image, error);
      return { refused: error };
    }
  }

  #note(text: string, code: FaultCode): void {
    note(this.#options.world, 'nature', text, code);
  }
}

/** All operations of a program at once. */
function perform<Result>(disk: Disk, program: DiskProgram<Result>, planted: Planted): Result {
  const process = new Descriptors();
  let next = program.next();
  while (next.done !== true) {
    const operation = planted.operation === undefined ? next.value : planted.operation(next.value);
    if (operation === null) {
      next = program.next();
      continue;
    }
    const result = attempt(() => disk.perform(process, operation));
    if (result instanceof DiskError) next = program.throw(result);
    else next = program.next(planted.result?.(operation, result) ?? result);
  }
  return next.value;
}

function attempt(perform: () => DiskResult): DiskResult | DiskError {
  try {
    return perform();
  } catch (error) {
    if (error instanceof DiskError) return error;
    throw error;
  }
}

function unchanged(disk: Disk, image: Image, refusal: Error): void {
  const found = disk.image();
  const isUnchanged = found.size === image.size && [...image].every(([name, bytes]) => isSame(bytes, found.get(name)));
  if (!isUnchanged) throw broken('D12', `a start was refused and has changed files: ${refusal.message}`);
}

function isSame(left: Uint8Array, right: Uint8Array | undefined): boolean {
  if (left.length !== right?.length) return false;
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false;
  return true;
}

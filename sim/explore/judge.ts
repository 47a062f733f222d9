// What becomes of an image: it is recovered by the production code, gone on with, crashed once more and recovered again.
//
// A recovery is a function of what it reads: the list of files, and the files that it opens. So each run notes what it
// read, and an image that differs from a judged one only in files that were not looked at has the same verdict. The
// lengths of half-made files and of torn tails are taken for not looked at, though a list shows them; their names count.
//
// What is done after a recovery is a function of the disk that it left, if that is durable. So going on and crashing once
// more is done once for each such disk.

import type { DiskOperation, FileEntry } from '../../core/store/disk.ts';
import type { LifeTables } from '../depth.ts';
import type { Planted } from '../mutants/mutant.ts';
import { Descriptors, Disk } from '../world/disk.ts';
import { Tape } from '../world/tape.ts';
import { Hasher } from './fingerprint.ts';
import type { Fingerprint } from './fingerprint.ts';
import { fingerprintOfBytes, imageOf } from './images.ts';
import type { Image } from './images.ts';
import { Machine } from './machine.ts';

export type Verdict = {
  /** What the recovery found; null if it failed. */
  readonly state: string | null;
  /** What it came to by going on; null if that failed. */
  readonly later: string | null;
  /** What went wrong, whatever state it should have found. */
  readonly failures: readonly string[];
  /** The files of the image that were looked at, in order. */
  readonly reads: readonly string[];
};

/** What came of going on, whatever image it began with. */
type Sequel = Pick<Verdict, 'later' | 'failures' | 'reads'>;

export type JudgeOptions = {
  readonly tables: LifeTables;
  readonly planted: Planted;
  /** Cut each recovery off before each of its operations, too. */
  readonly nested: boolean;
};

/** Long after every workload: what comes in later is not older. */
const LATER_AT = 1_000_000;

export class Judge {
  readonly #options: JudgeOptions;
  readonly #inner: Judge | null;
  /** By what was read so far: the file that is read next, or how it ended. */
  readonly #steps = new Map<Fingerprint, string | Verdict>();
  readonly #sequels = new Map<Fingerprint, Sequel>();
  /** Recoveries by the production code; of them, the first ones of an image; disks that were gone on with. */
  recoveries = 0;
  judged = 0;
  continued = 0;

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#inner = options.nested ? new Judge({ ...options, nested: false }) : null;
  }

  /** Of this judge and of the one that it asks about recoveries that were cut off. */
  get totals(): { readonly recoveries: number; readonly judged: number; readonly continued: number } {
    const inner = this.#inner?.totals ?? { recoveries: 0, judged: 0, continued: 0 };
    return {
      recoveries: this.recoveries + inner.recoveries,
      judged: this.judged + inner.judged,
      continued: this.continued + inner.continued,
    };
  }

  judge(image: Image): Verdict {
    let key = listed(image);
    for (;;) {
      const step = this.#steps.get(key);
      if (step === undefined) break;
      if (typeof step !== 'string') return step;
      key = afterReading(key, step, image);
    }
    const verdict = this.#run(image);
    key = listed(image);
    for (const file of verdict.reads) {
      this.#steps.set(key, file);
      key = afterReading(key, file, image);
    }
    this.#steps.set(key, verdict);
    return verdict;
  }

  #run(image: Image): Verdict {
    const { tables, planted, nested } = this.#options;
    this.judged += 1;
    this.recoveries += 1;
    const disk = diskOf(image);
    const changed = new Set<string>();
    const cuts: Disk[] = [];
    let reads = new Set<string>();
    let isRecovering = true;
    const before = (operation: DiskOperation): void => {
      if (operation.kind === 'read') reads.add(operation.file);
      if (!isRecovering) return;
      for (const name of changedBy(operation)) changed.add(name);
      if (nested) cuts.push(disk.copy());
    };
    const machine = new Machine({ disk, tables, planted, snapshotAfterBytes: 1, startAt: LATER_AT, before });
    const refusal = attempt(() => machine.open());
    isRecovering = false;
    const looked = new Set([...reads].filter((file) => image.has(file)));
    if (refusal !== null) return { state: null, later: null, failures: [refusal], reads: [...looked] };
    const { state } = machine;

    const left = disk.hasUnsynced ? null : leftBy(disk, image, changed);
    let sequel = left === null ? undefined : this.#sequels.get(left);
    if (sequel === undefined) {
      reads = new Set();
      sequel = { ...this.#goOn(machine, disk, before), reads: [...reads] };
      if (left !== null && !sequel.reads.some(isPassedOver)) this.#sequels.set(left, sequel);
    }
    const failures = [...sequel.failures];
    for (const file of sequel.reads) if (image.has(file)) looked.add(file);
    for (const verdict of this.#cutOff(cuts, state, failures)) {
      for (const file of verdict.reads) if (image.has(file)) looked.add(file);
    }
    return { state, later: sequel.later, failures, reads: [...looked] };
  }

  /** Rule (P6): a recovery that is cut off and run again finds the same. */
  *#cutOff(cuts: readonly Disk[], state: string, failures: string[]): Generator<Verdict> {
    for (const cut of cuts) {
      const killed = imageOf(cut.image());
      cut.powerLoss(new Descriptors(), NOTHING_KEPT);
      for (const [when, image] of [
        ['after its recovery was killed', killed],
        ['after its recovery lost its power', imageOf(cut.image())],
      ] as const) {
        const verdict = this.#inner?.judge(image);
        if (verdict === undefined) continue;
        for (const failure of verdict.failures) failures.push(`${when}: ${failure}`);
        if (verdict.state !== null && verdict.state !== state) failures.push(`${when} it found another state`);
        yield verdict;
      }
    }
  }

  /** Rule (P4): what the recovered process acknowledges survives a power loss that keeps nothing un-synced. */
  #goOn(machine: Machine, disk: Disk, before: (operation: DiskOperation) => void): Omit<Sequel, 'reads'> {
    this.continued += 1;
    const failure = attempt(() => {
      machine.turn(null);
      machine.turn(machine.command('s'));
    });
    if (failure !== null) return { later: null, failures: [`goes on after the recovery: ${failure}`] };
    const acknowledged = machine.state;
    disk.powerLoss(new Descriptors(), NOTHING_KEPT);
    const { tables } = this.#options;
    this.recoveries += 1;
    const again = new Machine({ disk, tables, planted: {}, snapshotAfterBytes: 1, startAt: LATER_AT, before });
    const when = 'after it went on and lost its power';
    const refusal = attempt(() => again.open());
    if (refusal !== null) return { later: acknowledged, failures: [`${when}: ${refusal}`] };
    const failures = again.state === acknowledged ? [] : [`${when} it found another state`];
    return { later: acknowledged, failures };
  }
}

const diskOf = (image: Image): Disk => new Disk(new Map([...image].map(([name, { bytes }]) => [name, bytes])));

const isPassedOver = (name: string): boolean => name.endsWith('.tmp') || name.includes('.torn-');

/** What a list of the files tells. */
function listed(image: Image): Fingerprint {
  const hasher = new Hasher();
  for (const [name, { bytes }] of image) hasher.text(name).word(isPassedOver(name) ? -1 : bytes.length);
  return hasher.fingerprint;
}

const afterReading = (key: Fingerprint, file: string, image: Image): Fingerprint =>
  new Hasher()
    .text(key)
    .text(file)
    .text(image.get(file)?.fingerprint ?? '').fingerprint;

/** The disk that a recovery left; of torn tails the names alone, which is all that is ever asked for. */
function leftBy(disk: Disk, image: Image, changed: ReadonlySet<string>): Fingerprint {
  const hasher = new Hasher();
  for (const { file: name } of filesOf(disk)) {
    const known = changed.has(name) ? undefined : image.get(name)?.fingerprint;
    hasher.text(name);
    if (!isPassedOver(name)) hasher.text(known ?? fingerprintOfBytes(bytesOf(disk, name)));
  }
  return hasher.fingerprint;
}

const filesOf = (disk: Disk): FileEntry[] =>
  [...(disk.perform(NOBODY, { kind: 'list' }) as readonly FileEntry[])].sort((a, b) => (a.file < b.file ? -1 : 1));

const bytesOf = (disk: Disk, file: string): Uint8Array => disk.perform(NOBODY, { kind: 'read', file }) as Uint8Array;

function changedBy(operation: DiskOperation): readonly string[] {
  switch (operation.kind) {
    case 'create':
    case 'append':
    case 'truncate':
    case 'remove':
      return [operation.file];
    case 'rename':
      return [operation.from, operation.to];
    default:
      return [];
  }
}

/** Null, or what was thrown. */
function attempt(act: () => void): string | null {
  try {
    act();
    return null;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** Looks at the disk, and holds nothing open. */
const NOBODY = new Descriptors();

const NOTHING_KEPT = {
  stream: new Tape({ draw: () => 0 }).stream('survival'),
  allows: () => true,
  fired: () => undefined,
};

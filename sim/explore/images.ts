// Every image that a power loss may leave: the draws of power-loss.ts, tried out one after the other like an odometer.
//
// Rule: of equal contents and of equal images one is visited. Where an answer is sampled, SAMPLED and tears.ts say so.

import type { Chance, Disk } from '../world/disk.ts';
import type { PendingChange, SimulatedFile } from '../world/file.ts';
import type { SurvivalFault } from '../world/power-loss.ts';
import { Tape } from '../world/tape.ts';
import { Hasher, Sum } from './fingerprint.ts';
import type { Fingerprint } from './fingerprint.ts';
import { SECTOR_BYTES } from './tears.ts';
import type { Cuts } from './tears.ts';

/** Draws whose answers are not all tried, and those that stand for the rest. */
const SAMPLED: Readonly<Record<string, (n: number) => readonly number[]>> = {
  // Every sector and every page ends at some byte.
  'tear unit': () => [1],
  // Three of the four answers are no.
  'size alone': () => [0, 1],
  // The oldest and the newest of the writes before: an older record, and the one that was just replaced.
  'stale block': (n) => (n > 2 ? [0, n - 1] : [0, 1]),
  // Random bytes have no end.
  noise: (n) => [Math.floor(n / 3)],
};

const PAGE_BYTES = 4096;

/** Answers to try, by the label of the draw; undefined: all of them. */
export type Sampling = (label: string, n: number) => readonly number[] | undefined;

const sampled: Sampling = (label, n) => SAMPLED[label]?.(n);

/** Counts up through all sequences of answers. `visit` is called with the tape for each; it must draw alike each time. */
export function enumerate(visit: (tape: Tape) => void, sampling: Sampling = sampled): number {
  // The digits of the odometer, and how many values each of them has.
  const digits: number[] = [];
  const answers: number[] = [];
  let position = 0;
  const draw = (_: string, n: number, label: string): number => {
    const samples = sampling(label, n);
    const digit = digits[position] ?? 0;
    digits[position] = digit;
    answers[position] = samples?.length ?? n;
    position += 1;
    return samples?.[digit] ?? digit;
  };
  const tape = new Tape({ draw });
  for (let count = 1; ; count += 1) {
    position = 0;
    visit(tape);
    let last = position - 1;
    while (last >= 0 && (digits[last] ?? 0) + 1 >= (answers[last] ?? 0)) last -= 1;
    if (last < 0) return count;
    digits.length = last + 1;
    digits[last] = (digits[last] ?? 0) + 1;
  }
}

/** Bytes that a file may have, with their fingerprint. */
export type Content = { readonly bytes: Uint8Array; readonly fingerprint: Fingerprint };

/** What is in the directory, by name in ascending order. */
export type Image = ReadonlyMap<string, Content>;

type See = (fingerprint: Fingerprint, image: () => Image) => void;

export type ImageOptions = {
  readonly faults: readonly SurvivalFault[];
  /** Where the pending changes of a file are torn; null, or without it: at every byte. */
  readonly cutsOf?: (name: string, pending: readonly PendingChange[]) => Cuts | null;
  /** Whether an image of this fingerprint is visited; all are, without it. */
  readonly isWanted?: (fingerprint: Fingerprint) => boolean;
  /** The image is made where it is asked for: most of them were seen before. */
  readonly visit: (fingerprint: Fingerprint, image: () => Image) => void;
};

export type Enumerated = {
  /** Fates of the directory and of single files that were tried. */
  readonly fates: number;
  /** Fates that were passed over, because a write is torn at some bytes only. */
  readonly sampled: boolean;
};

/**
 * Visits the distinct images of power losses, and of the kill that leaves the kernel's.
 * The directory and each file meet their fate apart, so each is tried out alone, and then all are combined.
 */
export function imagesOf(disk: Disk, options: ImageOptions): Enumerated {
  const { faults, cutsOf, isWanted = (): boolean => true, visit } = options;
  let fates = 0;
  let isSampled = false;
  const seen = new Set<Fingerprint>();
  const see: See = (fingerprint, image) => {
    if (!isWanted(fingerprint) || seen.has(fingerprint)) return;
    seen.add(fingerprint);
    visit(fingerprint, image);
  };
  const kernel = imageOf(disk.image());
  see(fingerprintOf(kernel), () => kernel);

  const directories = new Map<string, readonly (readonly [string, SimulatedFile])[]>();
  const numbers = new Map<SimulatedFile, number>();
  const namesOf = new Map<SimulatedFile, string>();
  fates += enumerate((tape) => {
    const names = [...disk.namesAfterLoss(chanceOf(tape, faults))].sort(byName);
    for (const [name, file] of names) {
      if (!numbers.has(file)) numbers.set(file, numbers.size);
      if (!namesOf.has(file)) namesOf.set(file, name);
    }
    directories.set(names.map(([name, file]) => `${name} ${numbers.get(file) ?? ''}`).join('\n'), names);
  });
  const contents = new Map<SimulatedFile, readonly Content[]>();
  for (const [file, name] of namesOf) {
    const ownCuts = file.pending.length === 0 ? null : (cutsOf?.(name, file.pending) ?? null);
    const cuts = isLong(file) ? atSectors : ownCuts;
    if (cuts !== null) isSampled = true;
    const found = contentsOf(disk, file, { faults, cuts });
    contents.set(file, found.contents);
    fates += found.fates;
  }
  for (const names of directories.values()) combine(names, contents, see);
  return { fates, sampled: isSampled };
}

export const imageOf = (files: ReadonlyMap<string, Uint8Array>): Image =>
  new Map([...files].sort(byName).map(([name, bytes]) => [name, { bytes, fingerprint: fingerprintOfBytes(bytes) }]));

export const fingerprintOfBytes = (bytes: Uint8Array): Fingerprint =>
  new Hasher().bytes(bytes).word(bytes.length).fingerprint;

/** The distinct contents that the file may have after a power loss. */
function contentsOf(
  disk: Disk,
  file: SimulatedFile,
  { faults, cuts }: { readonly faults: readonly SurvivalFault[]; readonly cuts: Cuts | null },
): { readonly contents: readonly Content[]; readonly fates: number } {
  // All contents begin with what is durable, up to the first change of it: it is fingerprinted once.
  let certain = file.durable.length;
  for (const change of file.pending) certain = Math.min(certain, change.kind === 'cut' ? change.length : change.offset);
  certain -= certain % 4;
  const beginning = new Hasher().bytes(file.durable.view(), 0, certain);
  const distinct = new Map<Fingerprint, Content>();
  const shares = isOnePage(file) || isLong(file) ? [0, 1, 2] : undefined;
  const sampling: Sampling = (label, n) => {
    if (label === 'tear' && cuts !== null) return cuts(n);
    return label === 'share of writes' && n === 4 ? shares : sampled(label, n);
  };
  let chance: Chance | null = null;
  const fates = enumerate((tape) => {
    chance ??= chanceOf(tape, faults);
    const bytes = disk.bytesAfterLoss(file, chance);
    const { fingerprint } = beginning.copy().bytes(bytes, certain).word(bytes.length);
    if (!distinct.has(fingerprint)) distinct.set(fingerprint, { bytes, fingerprint });
  }, sampling);
  return { contents: [...distinct.values()], fates };
}

/** All combinations of contents; a file that has two names has one content. */
function combine(
  names: readonly (readonly [name: string, file: SimulatedFile])[],
  contents: ReadonlyMap<SimulatedFile, readonly Content[]>,
  see: See,
): void {
  const files = [...new Set(names.map(([, file]) => file))];
  const choices = files.map((file) => {
    const own = names.filter(([, named]) => named === file);
    return (contents.get(file) ?? []).map((content) => {
      const sum = new Sum();
      for (const [name] of own) sum.add(entryOf(name, content));
      return { content, sum };
    });
  });
  const places = files.map(() => 0);
  const chosen = (index: number) => choices[index]?.[places[index] ?? 0];
  const image = (): Image => {
    const found = new Map<string, Content>();
    for (const [name, file] of names) {
      const choice = chosen(files.indexOf(file));
      if (choice !== undefined) found.set(name, choice.content);
    }
    return found;
  };
  for (;;) {
    const sum = new Sum();
    for (let index = 0; index < files.length; index += 1) {
      const choice = chosen(index);
      if (choice !== undefined) sum.add(choice.sum);
    }
    see(sum.fingerprint, image);
    const next = places.findIndex((place, index) => place + 1 < (choices[index]?.length ?? 0));
    if (next === -1) return;
    places.fill(0, 0, next);
    places[next] = (places[next] ?? 0) + 1;
  }
}

/** A write that lies in one page: its subsets of pages, whole or torn, are its prefixes. */
const isOnePage = ({ pending }: SimulatedFile): boolean => {
  const [change, ...others] = pending;
  return (
    change?.kind === 'write' && others.length === 0 && (change.offset % PAGE_BYTES) + change.bytes.length <= PAGE_BYTES
  );
};

/** A write over several pages: its subsets of torn pages have no end, so its prefixes stand for them. */
const isLong = ({ pending }: SimulatedFile): boolean =>
  pending.some((change) => change.kind === 'write' && change.bytes.length > PAGE_BYTES);

const atSectors: Cuts = (length) =>
  Array.from({ length: Math.ceil(length / SECTOR_BYTES) }, (_, sector) => sector * SECTOR_BYTES);

const chanceOf = (tape: Tape, faults: readonly SurvivalFault[]): Chance => ({
  stream: tape.stream('survival'),
  allows: (fault) => faults.includes(fault),
  fired: () => undefined,
});

function fingerprintOf(image: Image): Fingerprint {
  const sum = new Sum();
  for (const [name, content] of image) sum.add(entryOf(name, content));
  return sum.fingerprint;
}

const entryOf = (name: string, { fingerprint }: Content): Hasher => new Hasher().text(name).text(fingerprint);

const byName = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  left < right ? -1 : 1;

// Every image that a power loss may leave: the draws of power-loss.ts, tried out one after the other like an odometer.

import type { Chance, Disk } from '../world/disk.ts';
import type { SimulatedFile } from '../world/file.ts';
import type { SurvivalFault } from '../world/power-loss.ts';
import { Tape } from '../world/tape.ts';

/** Draws whose answers are not all tried, and those that stand for the rest. */
const SAMPLED: Readonly<Record<string, (n: number) => readonly number[]>> = {
  // Every sector and every page ends at some byte.
  'tear unit': () => [1],
  // The oldest and the newest of the writes before: an older record, and the one that was just replaced.
  'stale block': (n) => (n > 2 ? [0, n - 1] : [0, 1]),
  // Random bytes have no end.
  noise: (n) => [Math.floor(n / 3)],
};

/** Counts up through all sequences of answers. `visit` is called with a tape for each; it must draw alike each time. */
export function enumerate(visit: (tape: Tape) => void): number {
  let digits: number[] = [];
  for (let count = 1; ; count += 1) {
    const asked: { readonly value: number; readonly answers: number }[] = [];
    const draw = (_: string, n: number, label: string): number => {
      const samples = SAMPLED[label]?.(n);
      const value = digits[asked.length] ?? 0;
      asked.push({ value, answers: samples?.length ?? n });
      return samples?.[value] ?? value;
    };
    visit(new Tape({ draw }));
    const last = asked.findLastIndex(({ value, answers }) => value + 1 < answers);
    if (last === -1) return count;
    digits = asked.slice(0, last + 1).map(({ value }, index) => (index === last ? value + 1 : value));
  }
}

export type Image = ReadonlyMap<string, Uint8Array>;

export type ImageOptions = {
  readonly faults: readonly SurvivalFault[];
  readonly visit: (image: Image) => void;
};

/**
 * Visits the distinct images of power losses, and of the kill that leaves the kernel's; returns how many fates were tried.
 * The directory and each file meet theirs apart, so each is tried out alone, and then all are combined.
 */
export function imagesOf(disk: Disk, { faults, visit }: ImageOptions): number {
  let tried = 0;
  const seen = new Set<string>();
  const see = (image: Image): void => {
    const key = fingerprintOf(image);
    if (seen.has(key)) return;
    seen.add(key);
    visit(image);
  };
  see(disk.image());

  const directories = new Map<string, ReadonlyMap<string, SimulatedFile>>();
  const numbers = new Map<SimulatedFile, number>();
  tried += enumerate((tape) => {
    const names = disk.namesAfterLoss(chanceOf(tape, faults));
    for (const file of names.values()) if (!numbers.has(file)) numbers.set(file, numbers.size);
    const entries = [...names].map(([name, file]) => `${name} ${numbers.get(file) ?? ''}`).sort();
    directories.set(entries.join('\n'), names);
  });
  const contents = new Map<SimulatedFile, readonly Uint8Array[]>();
  for (const file of numbers.keys()) {
    const distinct = new Map<string, Uint8Array>();
    tried += enumerate((tape) => {
      const bytes = disk.bytesAfterLoss(file, chanceOf(tape, faults));
      distinct.set(textOf(bytes), bytes);
    });
    contents.set(file, [...distinct.values()]);
  }
  for (const names of directories.values()) for (const image of combined([...names], contents)) see(image);
  return tried;
}

function* combined(
  names: readonly (readonly [name: string, file: SimulatedFile])[],
  contents: ReadonlyMap<SimulatedFile, readonly Uint8Array[]>,
): Generator<Image> {
  const [first, ...rest] = names;
  if (first === undefined) return yield new Map();
  const [name, file] = first;
  for (const bytes of contents.get(file) ?? []) {
    for (const others of combined(rest, contents)) yield new Map(others).set(name, bytes);
  }
}

const chanceOf = (tape: Tape, faults: readonly SurvivalFault[]): Chance => ({
  stream: tape.stream('survival'),
  allows: (fault) => faults.includes(fault),
  fired: () => undefined,
});

function fingerprintOf(image: Image): string {
  return [...image]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, bytes]) => `${name}\0${textOf(bytes)}`)
    .join('\0\0');
}

/** One character a byte. */
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

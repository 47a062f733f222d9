// Every image that a power loss may leave: the draws of power-loss.ts, tried out one after the other like an odometer.

import { Descriptors } from '../world/disk.ts';
import type { Disk } from '../world/disk.ts';
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

/** The distinct images of all power losses, and of the kill that leaves the kernel's. Returns how many there were. */
export function imagesOf(
  disk: Disk,
  visit: (image: Image) => void,
): { readonly all: number; readonly distinct: number } {
  const seen = new Set<string>();
  const see = (image: Image): void => {
    const key = fingerprintOf(image);
    if (seen.has(key)) return;
    seen.add(key);
    visit(image);
  };
  see(disk.image());
  const all = enumerate((tape) => {
    const copy = disk.copy();
    copy.powerLoss(new Descriptors(), {
      stream: tape.stream('survival'),
      allows: () => true,
      fired: () => undefined,
    });
    see(copy.image());
  });
  return { all: all + 1, distinct: seen.size };
}

/** Names and bytes as one text: one character a byte. */
function fingerprintOf(image: Image): string {
  return [...image]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, bytes]) => `${name}\0${Buffer.from(bytes).toString('latin1')}`)
    .join('\0\0');
}

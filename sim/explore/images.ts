// Every image that a power loss may leave: the draws of power-loss.ts, tried out one after the other like an odometer.

import { Descriptors } from '../world/disk.ts';
import type { Disk } from '../world/disk.ts';
import { Tape } from '../world/tape.ts';

/** A draw with more answers than this is sampled: filler of random bytes has no end. */
const ANSWERS_MAX = 4_096;
const SAMPLES = 2;

/** Counts up through all sequences of answers. `visit` is called with a tape for each; it must draw alike each time. */
export function enumerate(visit: (tape: Tape) => void): number {
  let digits: number[] = [];
  for (let count = 1; ; count += 1) {
    const asked: { readonly value: number; readonly answers: number }[] = [];
    const draw = (_: string, n: number): number => {
      const answers = n > ANSWERS_MAX ? SAMPLES : n;
      const value = digits[asked.length] ?? 0;
      asked.push({ value, answers });
      return n > ANSWERS_MAX && value > 0 ? Math.floor(n / 2) : value;
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

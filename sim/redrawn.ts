// A life of the same kind as another, with some of it drawn anew: what shrinking tries when leaving out leads no further.
//
// What is left out of a life moves all that comes behind it, and a fault that has to strike at one moment then misses
// it. Another throw of the dice may hit that moment again, in a shorter life and without what led there by chance.
//
// Rule 1: nothing of the plan grows, and no fault is switched on that was not: the life is of the same kind, or calmer.
// Rule 2: each other stream is kept, calm, or drawn anew as a whole; dice thrown anew favour both ends of their range,
//         since faults and bounds are there.
// Rule 3: the dice are those of a seed: the same life and seed give the same life anew.

import { aligned, calmest, isRate, isSwitches } from './variations.ts';
import type { Draws } from './variations.ts';
import { seeded, Tape } from './world/tape.ts';
import type { Source, Stream } from './world/tape.ts';

/** How many clients there are and how much they do is drawn anew even if all else is kept: it is what most events are. */
const SIZES: ReadonlySet<string> = new Set(['clients', 'operations']);
const SIZE_MAX = 3;
/** One number of the plan in so many is calmed. */
const PLAN_CALMED = [4, 16, 64];
/** So many faults of eight stay on. */
const FAULTS_KEPT = [4, 7, 8];
/** One throw in so many is the boldest answer. */
const BOLDNESS = [2, 8, 32];
/** More sides than that has a die only if all but its last few mean the same: nothing happens. */
const SIDES_MAX = 100_000;

type Throw = (label: string, n: number) => number;

export function redrawn(draws: Draws, seed: bigint): Source {
  const dice = new Tape(seeded(seed)).stream('redrawn');
  const kept = aligned(draws.with());
  const calmed = dice.pick('plan calmed', PLAN_CALMED);
  const faultsKept = dice.pick('faults kept', FAULTS_KEPT);
  const throws = new Map<string, Throw | null>();
  return {
    draw(stream, n, label) {
      const value = kept.draw(stream, n, label);
      if (isSwitches(stream)) return isRate(label) || dice.choose('keep', 8) < faultsKept ? value : 0;
      if (stream.startsWith('swarm/')) {
        if (SIZES.has(label)) return dice.choose('size', Math.min(value, SIZE_MAX) + 1);
        return dice.choose('calm', calmed) === 0 ? 0 : value;
      }
      let thrown = throws.get(stream);
      if (thrown === undefined) throws.set(stream, (thrown = drawThrow(dice)));
      return thrown === null ? value : thrown(label, n);
    },
  };
}

/** How a stream answers in this life; null: as it did. */
function drawThrow(dice: Stream): Throw | null {
  switch (dice.pick('mode', ['kept', 'kept', 'calm', 'anew', 'anew'] as const)) {
    case 'kept':
      return null;
    case 'calm':
      return calmest;
    case 'anew': {
      const boldness = dice.pick('boldness', BOLDNESS);
      return (_, n) => {
        if (dice.choose('bold', boldness) === 0) return n - 1;
        return n > SIDES_MAX || dice.choose('low', 2) === 0 ? 0 : dice.choose('any', n);
      };
    }
  }
}

// Makes a failure small: variations of its tape are lived again, and each that still breaks the same rule in fewer
// lines of story, or in as many but more calmly, becomes the tape to vary next.
//
// Rule 1: since 0 is the calmest answer (but for an operator, who is calm when rarely there), a draw set to 0 is a fault
//         that does not strike, an actor fewer, a shorter wait; a stream cut short is calm from there on.
// Rule 2: what removes most is tried first: faults, clients, whole streams, moments, decisions, and single draws last.
// Rule 3: leaving out takes turns with drawing anew (redrawn.ts), which finds what leaving out cannot reach step by step.
// Rule 4: the lives and the draws are bounded, not the time: it ends alike everywhere.

import { storyOf } from './report/story.ts';
import type { LifeOptions } from './life.ts';
import { redrawn } from './redrawn.ts';
import type { Outcome } from './simulation.ts';
import { live } from './simulation.ts';
import { aligned, calmest, changed, Draws, isClient, isHead, OPERATOR } from './variations.ts';
import type { Place, Variation } from './variations.ts';
import { replayed } from './world/tape.ts';
import type { Source } from './world/tape.ts';

export type Shrunk = {
  readonly outcome: Outcome;
  /** Lines of the story before and after. */
  readonly linesBefore: number;
  readonly lines: number;
  readonly runs: number;
};

/** What all variations share; made anew for each, as a planted bug may remember. */
export type Varied = Omit<LifeOptions, 'source' | 'keepDraws' | 'keepTrace'>;

export type ShrinkLimits = {
  readonly runsMax: number;
  /**
   * Until so many draws were made over all lives, which is what the time goes into, a story of so many lines is short
   * enough; behind the last of them it is over.
   */
  readonly efforts: readonly { readonly draws: number; readonly lines: number }[];
};

export const THOROUGH: ShrinkLimits = {
  runsMax: 5_000,
  efforts: [
    { draws: 500_000, lines: 0 },
    { draws: 1_500_000, lines: 15 },
  ],
};
export const QUICK: ShrinkLimits = {
  runsMax: 5_000,
  efforts: [
    { draws: 100_000, lines: 9 },
    { draws: 700_000, lines: 15 },
  ],
};

/** A variation may become this much longer than the best life, on its way to the same end, before it is given up. */
const LONGER = 1.1;
const LONGER_DRAWS = 150;
/** Into how many parts a whole is taken apart: a large life is cut down roughly before it is looked at closely. */
const GRAINS = [2, 8];
const FINEST = 48;
/** Leaving out and drawing anew take turns, so that neither uses up everything. */
const ROUND_DRAWS = 150_000;
const REDRAWN_LIVES = 150;
/** A life of a few events draws no more than this. */
const REDRAWN_DRAWS = 1_200;
const PACES_MS = [2, 20, 200, 2_000];

/** How good a life is as an explanation; the first difference decides, less is better. */
type Size = readonly [lines: number, events: number, draws: number, unrest: number, weight: number];

export function shrink(first: Outcome, options: () => Varied, limits: ShrinkLimits = THOROUGH): Shrunk {
  return new Shrinker(first, options, limits).run();
}

class Shrinker {
  readonly #rule: string | undefined;
  readonly #options: () => Varied;
  readonly #limits: ShrinkLimits;
  readonly #tried = new Set<string>();
  #best: Outcome;
  #size: Size;
  #draws: Draws;
  #runs = 0;
  #drawn = 0;
  #roundEnd = 0;
  #redrawn = 0n;

  constructor(first: Outcome, options: () => Varied, limits: ShrinkLimits) {
    this.#rule = first.violation?.rule;
    this.#options = options;
    this.#limits = limits;
    // Lived once more, to know what each draw was for.
    this.#best = live({ ...options(), source: replayed(first.tape.recording()), keepDraws: true });
    this.#draws = new Draws(this.#best.tape.draws ?? []);
    this.#size = sizeOf(this.#best, this.#draws);
  }

  run(): Shrunk {
    const [linesBefore] = this.#size;
    const linesEnough = this.#limits.efforts.at(-1)?.lines ?? 0;
    for (const grain of GRAINS) this.#advance(grain);
    let before: Outcome;
    do {
      before = this.#best;
      this.#advance(FINEST);
      // A long story that nothing was left out of for a whole round may yet be met by luck.
    } while (!this.#isSpent && (this.#best !== before || this.#size[0] > linesEnough));
    return { outcome: this.#best, linesBefore, lines: this.#size[0], runs: this.#runs };
  }

  #advance(grain: number): void {
    this.#roundEnd = this.#drawn + ROUND_DRAWS;
    this.#round(grain);
    this.#roundEnd = Number.POSITIVE_INFINITY;
    this.#redraw();
  }

  /** All passes, with parts no smaller than a grain-th of the whole. */
  #round(grain: number): void {
    this.#thin({ grain, items: () => this.#draws.switches() }, (off) => this.#draws.with(calming(off)));
    this.#thin({ grain: FINEST, items: () => this.#draws.clients(), most: 1 }, ([client]) =>
      this.#draws.withoutClient(client ?? ''),
    );
    this.#pace();
    this.#cut({ grain, marks: () => this.#draws.decisions(OPERATOR) }, (from, to) =>
      this.#draws.withIdleOperator(from, to),
    );
    this.#cut({ grain, marks: () => this.#draws.moments() }, (from, to) => this.#draws.withoutMoments(from, to));
    this.#thin({ grain, items: () => this.#draws.actors() }, (names) => without(this.#draws.with(), names));
    this.#thin({ grain, items: () => this.#draws.plan() }, (places) => this.#draws.with(calming(places)));
    if (grain < FINEST) return;
    for (const name of this.#draws.actors().sort(byWeight)) {
      const marks = (): readonly number[] => this.#draws.decisions(name);
      this.#cut({ grain, marks }, (from, to) => this.#sliced(name, from, to));
      // The wait before what is left out becomes the wait before what comes next.
      if (isClient(name)) this.#cut({ grain, marks }, (from, to) => this.#sliced(name, from + 1, to + 1));
      this.#shorten(name);
      this.#calm(name);
    }
    this.#patience();
    for (const name of ['swarm/plan', ...this.#draws.actors()].filter(isReadable)) this.#lower(name);
  }

  /** Leaves out parts of what there is, from all of them to small ones. */
  #thin<Item>(
    { grain, items, most = items().length }: { grain: number; items: () => readonly Item[]; most?: number },
    vary: (out: readonly Item[]) => Variation,
  ): void {
    const least = Math.max(1, Math.floor(items().length / grain));
    for (let size = most; size >= least; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < items().length && !this.#isSpent;) {
        if (!this.#attempt(vary(items().slice(from, from + size)))) from += size;
      }
    }
  }

  /** The same for ranges between marks. */
  #cut(
    { grain, marks }: { grain: number; marks: () => readonly number[] },
    vary: (from: number, to: number) => Variation,
  ): void {
    const least = Math.max(1, Math.floor(marks().length / grain));
    for (let size = marks().length - 1; size >= least; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let index = 0; index < marks().length - 1 && !this.#isSpent;) {
        const from = marks()[index] ?? 0;
        const to = marks()[Math.min(index + size, marks().length - 1)] ?? 0;
        if (!this.#attempt(vary(from, to))) index += size;
      }
    }
  }

  /** Those who come one after the other, each when the last is over, make fewer events than a crowd. */
  #pace(): void {
    for (const paceMs of PACES_MS) this.#attempt(this.#draws.withPace(paceMs));
  }

  /** The same for each of them alone. */
  #patience(): void {
    for (const name of [...this.#draws.clients(), 'operator']) {
      for (let index = 0; index < this.#draws.restless(name) && !this.#isSpent; index += 1) {
        const place = this.#draws.stream(name)[index];
        if (place === undefined || !isHead(place) || place.value === place.n - 1) continue;
        this.#attempt(changed(this.#draws.with(), place, place.n - 1));
      }
    }
  }

  /** Cuts off the end of a stream, as much of it as can be. */
  #shorten(name: string): void {
    let kept = 0;
    for (;;) {
      const length = this.#draws.restless(name);
      if (kept >= length || this.#isSpent || this.#attempt(this.#sliced(name, kept, length))) return;
      kept += Math.max(1, (length - kept) >> 1);
    }
  }

  /** Sets blocks of a stream to 0, and takes them out, from large blocks to single draws. */
  #calm(name: string): void {
    const length = this.#draws.restless(name);
    const least = Math.max(1, Math.floor(length / FINEST));
    for (let size = length >> 1; size >= least; size >>= 1) {
      for (let start = 0; start < this.#draws.restless(name) && !this.#isSpent; start += size) {
        const block = this.#draws.stream(name).slice(start, start + size);
        if (block.some(({ value }) => value > 0) && this.#attempt(this.#draws.with(calming(block)))) continue;
        this.#attempt(this.#sliced(name, start, start + size));
      }
    }
  }

  /** Brings each number down to the smallest that will do. */
  #lower(name: string): void {
    for (let index = 0; index < this.#draws.stream(name).length && !this.#isSpent; index += 1) {
      let low = 0;
      for (;;) {
        const place = this.#draws.stream(name)[index];
        if (place === undefined || place.value <= low || this.#isSpent) break;
        const middle = (low + place.value) >> 1;
        if (!this.#attempt(changed(this.#draws.with(), place, middle))) low = middle + 1;
      }
    }
  }

  #sliced(name: string, from: number, to: number): Variation {
    return this.#draws.with(({ stream, index, value }) =>
      stream === name && index >= from && index < to ? null : value,
    );
  }

  /** Lives of the same kind, with some of it left to chance once more. */
  #redraw(): void {
    for (let lives = 0; lives < REDRAWN_LIVES && !this.#isSpent; lives += 1) {
      this.#redrawn += 1n;
      const source = redrawn(this.#draws, this.#redrawn);
      if (this.#live(source, Math.min(this.#draws.all.length, REDRAWN_DRAWS))) lives = 0;
    }
  }

  #attempt(variation: Variation): boolean {
    const key = keyOf(variation);
    if (this.#isSpent || this.#tried.has(key)) return false;
    this.#tried.add(key);
    return this.#live(aligned(variation), this.#draws.all.length * LONGER + LONGER_DRAWS);
  }

  /** Whether what is lived from this source is better than the best so far, and is from now on the best. */
  #live(answers: Source, drawsMax: number): boolean {
    this.#runs += 1;
    const source = new Bounded(answers, drawsMax);
    const outcome = live({ ...this.#options(), source, keepDraws: true });
    this.#drawn += source.count;
    if (source.isSpent || outcome.violation?.rule !== this.#rule) return false;
    const draws = new Draws(outcome.tape.draws ?? []);
    const size = sizeOf(outcome, draws);
    if (!isLess(size, this.#size)) return false;
    this.#best = outcome;
    this.#draws = draws;
    this.#size = size;
    return true;
  }

  get #isSpent(): boolean {
    const { runsMax, efforts } = this.#limits;
    if (this.#runs >= runsMax || this.#drawn >= this.#roundEnd) return true;
    const effort = efforts.find(({ draws }) => this.#drawn < draws);
    return effort === undefined || this.#size[0] <= effort.lines;
  }
}

/** Ends a life that goes on for too long to be of use. */
class Bounded implements Source {
  readonly #source: Source;
  readonly #most: number;
  count = 0;

  constructor(source: Source, most: number) {
    this.#source = source;
    this.#most = most;
  }

  get isSpent(): boolean {
    return this.count > this.#most;
  }

  draw(stream: string, n: number, label: string): number {
    this.count += 1;
    if (this.isSpent) throw new Error('this life is longer than the one that it should explain');
    return this.#source.draw(stream, n, label);
  }
}

function sizeOf({ trace }: Outcome, { all }: Draws): Size {
  let unrest = 0;
  let weight = 0;
  for (const { value, stream } of all) {
    if (value === 0) continue;
    unrest += 1;
    if (isReadable(stream)) weight += Math.log2(value + 1);
  }
  return [storyOf(trace.events).length, trace.ordinal, all.length, unrest, Math.round(weight * 1000)];
}

function isLess(a: Size, b: Size): boolean {
  const index = a.findIndex((part, position) => part !== b[position]);
  return index >= 0 && (a[index] ?? 0) < (b[index] ?? 0);
}

/** Equal for variations that live alike: answers are 0 where there is none. */
function keyOf(variation: Variation): string {
  const parts: string[] = [];
  for (const name of [...variation.keys()].sort()) {
    const answers = variation.get(name) ?? [];
    const length = answers.findLastIndex(({ value }) => value !== 0) + 1;
    if (length > 0) parts.push(`${name}:${answers.slice(0, length).map(({ value }) => value)}`);
  }
  return parts.join(';');
}

/** Makes these draws calm. */
function calming(places: readonly Place[]): (place: Place) => number {
  const calmed = new Set(places.map(({ at }) => at));
  return ({ at, label, n, value }) => (calmed.has(at) ? calmest(label, n) : value);
}

const without = (variation: Variation, names: readonly string[]): Variation =>
  new Map([...variation].filter(([name]) => !names.includes(name)));

/** Streams whose numbers a reader sees as times and sizes; those of a fault say only whether it strikes. */
const isReadable = (stream: string): boolean =>
  isClient(stream) || ['swarm/plan', 'operator', 'handlers', 'server', 'network'].includes(stream);

/** Faults first, then clients, then the rest. */
function byWeight(a: string, b: string): number {
  const rank = (name: string): number => (name.startsWith('fault/') ? 0 : isClient(name) ? 1 : 2);
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}

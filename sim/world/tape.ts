// The choice tape: every decision of a simulated life is a draw from here, and nothing else is random.
//
// Rule 1: `choose(label, n)` answers an integer in 0 … n−1, and 0 is the calmest answer: no fault, the shortest, the
//         first. A replay whose recording has run out answers 0, so a shorter recording is a quieter life.
// Rule 2: each subsystem draws from a stream of its own, so that a draw added to one does not shift the others.
// Rule 3: only integers are drawn. No floating-point function decides, so a seed lives alike on every machine.

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** Where the answers come from. `n` is at least 2. */
export interface Source {
  draw(stream: string, n: number, label: string): number;
}

/** The answers given so far, by stream: replaying them gives the same life. */
export type Recording = ReadonlyMap<string, readonly number[]>;

export type Draw = { readonly stream: string; readonly label: string; readonly n: number; readonly value: number };

const MILLION = 1_000_000;

export class Stream {
  readonly name: string;
  readonly #tape: Tape;
  readonly #values: number[];

  constructor(name: string, tape: Tape, values: number[]) {
    this.name = name;
    this.#tape = tape;
    this.#values = values;
  }

  /** An integer in 0 … n−1; one that cannot vary is not drawn. */
  choose(label: string, n: number): number {
    if (n <= 1) return 0;
    const value = this.#tape.draw(this.name, label, n);
    this.#values.push(value);
    return value;
  }

  /** True `perMillion` times in a million. */
  chance(label: string, perMillion: number): boolean {
    return perMillion > 0 && this.choose(label, MILLION) >= MILLION - perMillion;
  }

  /** An integer in low … high. */
  between(label: string, low: number, high: number): number {
    return low + this.choose(label, high - low + 1);
  }

  /** One of the items; the first is the calmest. */
  pick<Item>(label: string, items: readonly Item[]): Item {
    const item = items[this.choose(label, items.length)];
    if (item === undefined) throw new Error(`nothing to pick for ${label}`);
    return item;
  }

  /** One of the items, each as often as its weight says; the first is the calmest. */
  weighted<Item>(label: string, items: readonly (readonly [weight: number, item: Item])[]): Item {
    let total = 0;
    for (const [weight] of items) total += weight;
    let left = this.choose(label, total);
    for (const [weight, item] of items) {
      if (left < weight) return item;
      left -= weight;
    }
    throw new Error(`nothing to pick for ${label}`);
  }

  /** An integer in low … high, each doubling of it equally likely; `low` at least 1. */
  logarithmic(label: string, low: number, high: number): number {
    let doublings = 0;
    while (low * 2 ** (doublings + 1) <= high) doublings += 1;
    const from = low * 2 ** this.choose(label, doublings + 1);
    return this.between(label, from, Math.min(from * 2 - 1, high));
  }
}

export class Tape {
  readonly #source: Source;
  readonly #streams = new Map<string, Stream>();
  readonly #values = new Map<string, number[]>();
  /** Every draw in order, if they are kept: for naming the first that differs between two runs. */
  readonly draws: Draw[] | null;
  /** How many draws there were. */
  count = 0;
  #hash = 0;

  constructor(source: Source, options: { readonly keepDraws: boolean } = { keepDraws: false }) {
    this.#source = source;
    this.draws = options.keepDraws ? [] : null;
  }

  stream(name: string): Stream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      const values: number[] = [];
      stream = new Stream(name, this, values);
      this.#streams.set(name, stream);
      this.#values.set(name, values);
    }
    return stream;
  }

  /** For streams only: one answer of the source, noted. */
  draw(stream: string, label: string, n: number): number {
    const value = this.#source.draw(stream, n, label);
    this.count += 1;
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193) + n;
    this.draws?.push({ stream, label, n, value });
    return value;
  }

  /** A hash of all draws so far, in order. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  recording(): Recording {
    return this.#values;
  }
}

/** A fresh life: 64 bits of seed, a generator for each stream. */
export function seeded(seed: bigint): Source {
  const generators = new Map<string, ReturnType<typeof xoroshiro128plusFromState>>();
  return {
    draw(stream, n) {
      let generator = generators.get(stream);
      if (generator === undefined) {
        generator = xoroshiro128plusFromState(stateOf(seed, stream));
        generators.set(stream, generator);
      }
      return uniformInt(generator, 0, n - 1);
    },
  };
}

/** A life lived again, or a variation of it: a recorded answer that is too large here is the largest there is. */
export function replayed(recording: Recording): Source {
  const positions = new Map<string, number>();
  return {
    draw(stream, n) {
      const position = positions.get(stream) ?? 0;
      positions.set(stream, position + 1);
      return Math.min(recording.get(stream)?.[position] ?? 0, n - 1);
    },
  };
}

/** The first draw at which two runs part; undefined if one is a copy of the other. */
export function firstDifference(
  first: readonly Draw[],
  second: readonly Draw[],
): { readonly position: number; readonly first: Draw | undefined; readonly second: Draw | undefined } | undefined {
  const length = Math.max(first.length, second.length);
  for (let position = 0; position < length; position += 1) {
    const a = first[position];
    const b = second[position];
    if (a?.stream !== b?.stream || a?.label !== b?.label || a?.n !== b?.n || a?.value !== b?.value) {
      return { position, first: a, second: b };
    }
  }
  return undefined;
}

/** 128 bits of state out of seed and name, by the finalizer of MurmurHash3. */
function stateOf(seed: bigint, stream: string): number[] {
  const low = Number(seed & 0xffff_ffffn);
  const high = Number((seed >> 32n) & 0xffff_ffffn);
  let hash = mix(mix(0x9e3779b9 ^ low) ^ high);
  for (let index = 0; index < stream.length; index += 1) hash = mix(hash ^ stream.charCodeAt(index));
  return [low, high, 1, 2].map((word, index) => {
    hash = mix(hash + 0x9e3779b9 + index) ^ mix(word);
    return hash | 0;
  });
}

function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

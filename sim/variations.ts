// The parts of a recorded life that can be left out or made calmer.
//
// A life is its draws, in order. They are looked at in three ways: by stream, by moment (from one decision of a client
// or of the operator to the next, whoever draws in between), and as numbers of the plan.

import type { Draw, Source } from './world/tape.ts';

/** Draws by stream, with what each was for: what is lived again may ask for other ones than before. */
export type Variation = ReadonlyMap<string, readonly Answer[]>;
export type Answer = { readonly label: string; readonly value: number };

/** Where a draw stands: its place among all draws, and in its stream. */
export type Place = Draw & { readonly at: number; readonly index: number };

const PLAN = 'swarm/plan';
const SWITCHES = 'swarm/faults';
export const OPERATOR = 'operator';
/** What an actor draws first when it decides what to do next. */
const HEADS: ReadonlySet<string> = new Set(['think', 'look']);

/** So many draws may fall away at once in a stream without decisions. */
const AHEAD_MAX = 16;

export const isHead = ({ label }: Draw): boolean => HEADS.has(label);
export const isSwitches = (stream: string): boolean => stream === SWITCHES;
export const isRate = (label: string): boolean => label.endsWith(' rate');
/** The answer that makes least happen; an operator who looks in at once, and again, makes most. */
export const calmest = (label: string, n: number): number => (label === 'look' ? n - 1 : 0);
export const isClient = (stream: string): boolean => stream.startsWith('client-');

export class Draws {
  readonly all: readonly Place[];
  readonly streams: ReadonlyMap<string, readonly Place[]>;

  constructor(draws: readonly Draw[]) {
    const streams = new Map<string, Place[]>();
    this.all = draws.map((draw, at) => {
      const stream = streams.get(draw.stream) ?? [];
      const place = { ...draw, at, index: stream.length };
      stream.push(place);
      streams.set(draw.stream, stream);
      return place;
    });
    this.streams = streams;
  }

  stream(name: string): readonly Place[] {
    return this.streams.get(name) ?? [];
  }

  /** Switches of faults that are on. */
  switches(): Place[] {
    return this.stream(SWITCHES).filter(({ n, value, label }) => n === 2 && value === 1 && !isRate(label));
  }

  /** Numbers of the plan that are not the calmest. */
  plan(): Place[] {
    return this.all.filter(({ stream, value }) => stream.startsWith('swarm/') && stream !== SWITCHES && value > 0);
  }

  /** Everything that is not a plan and was drawn at all. */
  actors(): string[] {
    return [...this.streams.keys()].filter((name) => !name.startsWith('swarm/'));
  }

  /** The length of a stream up to its last draw that is not 0. */
  restless(name: string): number {
    return this.stream(name).findLastIndex(({ value }) => value > 0) + 1;
  }

  /** Where moments begin, as places among all draws; the end of the last restless one comes last. */
  moments(): number[] {
    const heads = this.all.filter(isHead).map(({ at }) => at);
    const last = this.all.findLastIndex(({ value }) => value > 0);
    return [...heads.filter((at) => at <= last), heads.find((at) => at > last) ?? this.all.length];
  }

  /** Where the decisions of one stream begin, as places in it; its restless end comes last. */
  decisions(name: string): number[] {
    const places = this.stream(name).slice(0, this.restless(name));
    const [first] = places;
    if (first === undefined) return [0];
    const heads = places.filter(({ label }) => label === first.label).map(({ index }) => index);
    return [...heads, places.length];
  }

  clients(): string[] {
    return [...this.streams.keys()].filter(isClient).sort();
  }

  /** Everything as it was, with some values changed; null leaves one out. */
  with(change: (place: Place) => number | null = ({ value }) => value): Variation {
    const variation = new Map<string, readonly Answer[]>();
    for (const [name, places] of this.streams) {
      const answers: Answer[] = [];
      for (const place of places) {
        const value = change(place);
        if (value !== null) answers.push({ label: place.label, value });
      }
      variation.set(name, answers);
    }
    return variation;
  }

  /** All that was drawn in some moments is left out; nobody does more than the busiest client does now. */
  withoutMoments(from: number, to: number): Variation {
    const kept = this.all.filter(({ at, stream }) => at < from || at >= to || stream.startsWith('swarm/'));
    const isKept = new Set(kept.map(({ at }) => at));
    const variation = this.with(({ at, value }) => (isKept.has(at) ? value : null));
    const counts = this.clients().map(
      (name) => kept.filter(({ stream, label }) => stream === name && label === 'think').length,
    );
    return this.withNumber('operations', Math.max(2, ...counts), variation);
  }

  /** One client is left out; the ones behind it take its place. */
  withoutClient(name: string): Variation {
    const clients = this.clients();
    const variation = new Map(this.with());
    for (let index = clients.indexOf(name); index < clients.length; index += 1) {
      const next = clients[index + 1];
      const current = clients[index] ?? name;
      if (next === undefined) variation.delete(current);
      else variation.set(current, variation.get(next) ?? []);
    }
    const place = this.stream(PLAN).find(({ label }) => label === 'clients');
    return place === undefined ? variation : changed(variation, place, Math.max(0, place.value - 1));
  }

  /** All clients think for so long before each operation. */
  withPace(thinkMs: number): Variation {
    const variation = this.with(({ stream, label, value }) =>
      isClient(stream) && label === 'think' ? thinkMs : value,
    );
    return this.withNumber('think', thinkMs, variation);
  }

  /** In a part of its stream the operator looks in as rarely as can be, and does nothing: little happens in a long time. */
  withIdleOperator(from: number, to: number): Variation {
    return this.with(({ stream, index, label, n, value }) =>
      stream === OPERATOR && index >= from && index < to ? calmest(label, n) : value,
    );
  }

  /** A number of the plan that was drawn on a logarithmic scale, from 1 or a power of two on. */
  withNumber(label: string, value: number, variation: Variation): Variation {
    const [power, rest] = this.stream(PLAN).filter((place) => place.label === label);
    if (power === undefined || rest === undefined) return variation;
    const low = rest.n / 2 ** power.value;
    const doublings = Math.min(power.n - 1, Math.max(0, Math.floor(Math.log2(value / low))));
    const from = low * 2 ** doublings;
    return changed(changed(variation, power, doublings), rest, Math.max(0, Math.min(value - from, from - 1)));
  }
}

export function changed(variation: Variation, { stream, index }: Place, value: number): Variation {
  const answers = variation.get(stream) ?? [];
  return new Map(variation).set(
    stream,
    answers.map((answer, at) => (at === index ? { ...answer, value } : answer)),
  );
}

/**
 * Answers as recorded, draw for draw by what they are for. What a variation no longer asks for is passed over, and what
 * it asks for anew is calm, so that one draw more or less does not give all later ones another meaning.
 */
export function aligned(variation: Variation): Source {
  const positions = new Map<string, number>();
  return {
    draw(stream, n, label) {
      const answers = variation.get(stream) ?? [];
      const position = positions.get(stream) ?? 0;
      const found = find(answers, position, label);
      const answer = answers[found];
      if (answer === undefined) return calmest(label, n);
      positions.set(stream, found + 1);
      return Math.min(answer.value, n - 1);
    },
  };
}

/** The next answer for this; none beyond the next decision, or far away. */
function find(answers: readonly Answer[], position: number, label: string): number {
  const isDecision = HEADS.has(label);
  for (let at = position; at < answers.length; at += 1) {
    const answer = answers[at];
    if (answer?.label === label) return at;
    if (!isDecision && (at - position >= AHEAD_MAX || (answer !== undefined && HEADS.has(answer.label)))) break;
  }
  return answers.length;
}

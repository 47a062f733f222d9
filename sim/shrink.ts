// Makes a failure small: variations of its tape are lived again, and each that still breaks the same rule with fewer
// events becomes the tape to vary next.
//
// Since 0 is always the calmest answer, a draw set to 0 is a fault that does not strike, an actor fewer, a shorter wait;
// a stream cut short is calm from there on. The number of lives is bounded, not the time: it ends alike everywhere.

import type { LifeOptions, Outcome } from './simulation.ts';
import { live } from './simulation.ts';
import { replayed } from './world/tape.ts';
import type { Recording } from './world/tape.ts';

export type Shrunk = {
  readonly outcome: Outcome;
  readonly eventsBefore: number;
  readonly runs: number;
};

const RUNS_MAX = 600;

export function shrink(first: Outcome, options: () => Omit<LifeOptions, 'source'>, runsMax: number = RUNS_MAX): Shrunk {
  const rule = first.violation?.rule;
  let best = first;
  let tape = first.tape.recording();
  let runs = 0;

  const attempt = (variation: Recording): boolean => {
    if (runs >= runsMax) return false;
    runs += 1;
    const outcome = live({ ...options(), source: replayed(variation) });
    if (outcome.violation?.rule !== rule || !isSmaller(outcome, best)) return false;
    best = outcome;
    tape = outcome.tape.recording();
    return true;
  };

  for (;;) {
    const before = best;
    for (const name of namesInOrder(tape)) {
      shorten(name);
      calm(name);
    }
    if (best === before || runs >= runsMax) break;
  }
  return { outcome: best, eventsBefore: first.trace.ordinal, runs };

  /** Cuts off the end of a stream, half of it at a time. */
  function shorten(name: string): void {
    let kept = 0;
    for (;;) {
      const values = tape.get(name) ?? [];
      if (kept >= values.length || runs >= runsMax) return;
      if (!attempt(new Map(tape).set(name, values.slice(0, kept)))) kept += Math.max(1, (values.length - kept) >> 1);
    }
  }

  /** Sets blocks of a stream to 0, and takes them out, from large blocks to single draws. */
  function calm(name: string): void {
    for (let size = Math.max(1, (tape.get(name)?.length ?? 0) >> 1); size >= 1; size >>= 1) {
      for (let start = 0; start < (tape.get(name)?.length ?? 0); start += size) {
        if (runs >= runsMax) return;
        const values = tape.get(name) ?? [];
        const block = values.slice(start, start + size);
        if (block.every((value) => value === 0)) continue;
        const zeros = block.map(() => 0);
        if (attempt(new Map(tape).set(name, [...values.slice(0, start), ...zeros, ...values.slice(start + size)]))) {
          continue;
        }
        attempt(new Map(tape).set(name, [...values.slice(0, start), ...values.slice(start + size)]));
      }
    }
  }
}

function isSmaller(a: Outcome, b: Outcome): boolean {
  if (a.trace.ordinal !== b.trace.ordinal) return a.trace.ordinal < b.trace.ordinal;
  return unrest(a.tape.recording()) < unrest(b.tape.recording());
}

/** How many draws are not the calmest. */
function unrest(recording: Recording): number {
  let count = 0;
  for (const values of recording.values()) for (const value of values) if (value !== 0) count += 1;
  return count;
}

/** The switches and the plan first, then the faults, then the rest: what removes most comes first. */
function namesInOrder(recording: Recording): string[] {
  const rank = (name: string): number => (name.startsWith('swarm/') ? 0 : name.startsWith('fault/') ? 1 : 2);
  return [...recording.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

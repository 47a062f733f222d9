// All orders of events (O8): two workers, two jobs, two clients, one crash. From the first state on every deed that is
// possible is done, and each state is gone on from once; what must hold is checked after each (safety.ts).
//
// A state cannot be copied, so it is reached anew from the beginning by the deeds that led to it: the engine is run, never
// rebuilt. States are found breadth first, hence the deeds that are told with a failure are the fewest there are.
//
// What counts as one state is SmallWorld.key: everything that decides what may happen, times from now on, without the
// history. Not tried are: more than two inputs in one turn, or more than one after the crash; a second crash; fates of what
// a crash finds un-synced other than nothing and everything of it (exhaustive.ts tries them all).

import type { LifeTables } from '../depth.ts';
import { Violation } from '../checks/check.ts';
import type { Mutant, Planted } from '../mutants/mutant.ts';
import { Hasher } from './fingerprint.ts';
import type { Fingerprint } from './fingerprint.ts';
import { describeDeed, SmallWorld, WHOLE_SCOPE } from './small-world.ts';
import type { Deed, Scope } from './small-world.ts';

export type InterleaveOptions = {
  readonly tables: LifeTables;
  /** A fresh one each time: some of them remember. */
  readonly plant?: Mutant['plant'];
  readonly scope?: Scope;
  readonly progress?: (interleaved: Interleaved) => void;
};

export type Interleaved = {
  states: number;
  /** Deeds done, each from its state. */
  transitions: number;
  /** Of them, crashes, each with its recovery. */
  crashes: number;
  /** Deeds of the longest way to a state, and states from which nothing may happen any more. */
  depth: number;
  ends: number;
  failure: { readonly rule: string; readonly detail: string; readonly path: readonly string[] } | null;
};

/** How a state was reached. */
type Way = { readonly before: Way | null; readonly deed: Deed; readonly length: number };

type Found = { readonly way: Way | null; readonly deeds: readonly Deed[]; readonly mayCrash: boolean };

export function interleave(options: InterleaveOptions): Interleaved {
  const { tables, plant = (): Planted => ({}), scope = WHOLE_SCOPE, progress } = options;
  const interleaved: Interleaved = { states: 0, transitions: 0, crashes: 0, depth: 0, ends: 0, failure: null };
  const seen = new Set<Fingerprint>();
  let level: Found[] = [];
  let next: Found[] = [];

  /** The operations of the last turn on the way; null: a rule was broken. */
  const reach = (way: Way | null): number | null => {
    try {
      const world = new SmallWorld({ tables, planted: plant(), scope });
      for (const deed of deedsOf(way)) world.do(deed);
      const key = new Hasher().text(world.key).fingerprint;
      if (!seen.has(key)) {
        seen.add(key);
        interleaved.states += 1;
        interleaved.depth = Math.max(interleaved.depth, way?.length ?? 0);
        next.push({ way, deeds: world.deeds, mayCrash: world.mayCrash });
      }
      return world.operations;
    } catch (error) {
      interleaved.failure = failureOf(error, way);
      return null;
    } finally {
      tables.closeAll();
    }
  };

  const goOn = (from: Found, deed: Deed): number | null => {
    interleaved.transitions += 1;
    return reach({ before: from.way, deed, length: (from.way?.length ?? 0) + 1 });
  };

  if (reach(null) === null) return interleaved;
  while (next.length > 0) {
    level = next;
    next = [];
    for (const found of level) {
      if (found.deeds.length === 0) interleaved.ends += 1;
      for (const deed of found.deeds) {
        const operations = goOn(found, deed);
        if (operations === null) return interleaved;
        if (deed.kind !== 'turn' || !found.mayCrash) continue;
        for (const crash of crashesOf(operations)) {
          interleaved.crashes += 1;
          if (goOn(found, { kind: 'turn', crash }) === null) return interleaved;
        }
      }
      progress?.(interleaved);
    }
  }
  return interleaved;
}

function crashesOf(operations: number): readonly { before: number; kept: 'nothing' | 'everything' }[] {
  const crashes: { before: number; kept: 'nothing' | 'everything' }[] = [];
  for (let before = 0; before <= operations; before += 1) {
    crashes.push({ before, kept: 'nothing' });
    if (before > 0 && before < operations) crashes.push({ before, kept: 'everything' });
  }
  return crashes;
}

function deedsOf(way: Way | null): readonly Deed[] {
  const deeds: Deed[] = [];
  for (let step = way; step !== null; step = step.before) deeds.push(step.deed);
  return deeds.reverse();
}

function failureOf(error: unknown, way: Way | null): Interleaved['failure'] {
  const path = deedsOf(way).map(describeDeed);
  if (error instanceof Violation) return { rule: error.rule, detail: error.message, path };
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { rule: 'S30', detail, path };
}

export const describeInterleaved = ({ states, transitions, crashes, depth, ends, failure }: Interleaved): string =>
  `${states} states, ${transitions} transitions (${crashes} crashes), ${ends} ends, at most ${depth} deeds, ` +
  `${failure === null ? 'no failure' : '1 failure'}`;

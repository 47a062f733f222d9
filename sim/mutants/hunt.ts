// Plants one bug and lives seeds until a rule that knows it is broken; then makes the failure small.

import type { Check } from '../checks/check.ts';
import type { LifeTables } from '../depth.ts';
import { ALL_FAULTS } from '../faults.ts';
import type { FaultSelection } from '../faults.ts';
import { shrink } from '../shrink.ts';
import type { ShrinkLimits, Shrunk, Varied } from '../shrink.ts';
import { live } from '../simulation.ts';
import type { Outcome } from '../simulation.ts';
import { seeded } from '../world/tape.ts';
import type { Mutant } from './mutant.ts';

export type Catch = { readonly rule: string; readonly seed: bigint; readonly lives: number };

export type HuntOptions = {
  readonly tables: LifeTables;
  readonly faults?: FaultSelection;
  readonly checks?: readonly Check[];
  readonly from?: bigint;
  readonly livesMax?: number;
};

/** Lives until a bug must have shown itself. */
export const LIVES_MAX = 500;

/** Lives that are looked at for a short one, what is short, and how many events may be spent on it. */
const LOOK_ON = 30n;
const SHORT_EVENTS = 120;
const LOOK_ON_EVENTS = 20_000;

/** How the bug was caught; null if it survived. */
export function hunt(mutant: Mutant, options: HuntOptions): Catch | null {
  const { from = 0n, livesMax = LIVES_MAX, ...others } = options;
  const rest = { ...others, faults: faultsFor(mutant, options.faults) };
  for (let lives = 1; lives <= livesMax; lives += 1) {
    const seed = from + BigInt(lives - 1);
    const { violation } = live({ ...rest, source: seeded(seed), planted: mutant.plant(), keepTrace: false });
    if (violation !== null && [mutant.rule, ...mutant.others].includes(violation.rule))
      return { rule: violation.rule, seed, lives };
  }
  return null;
}

/** A life in which the bug was caught, and the shortest one found in which it breaks the same rule. */
export function dissect(
  mutant: Mutant,
  caught: Catch,
  options: Pick<HuntOptions, 'tables' | 'faults' | 'checks'> & { readonly limits: ShrinkLimits },
): { readonly seed: bigint; readonly outcome: Outcome; readonly shrunk: Shrunk } {
  const { limits, ...others } = options;
  const rest = { ...others, faults: faultsFor(mutant, options.faults) };
  const varied = (): Varied => ({ ...rest, planted: mutant.plant() });
  const seed = shortest(caught, varied);
  const outcome = live({ ...varied(), source: seeded(seed) });
  return { seed, outcome, shrunk: shrink(outcome, varied, limits) };
}

/** Of the lives that follow, one that breaks the same rule sooner: it says the same, and is quicker to shrink. */
function shortest({ seed, rule }: Catch, varied: () => Varied): bigint {
  let best = { seed, events: Number.POSITIVE_INFINITY };
  let spent = 0;
  for (let next = seed; next < seed + LOOK_ON && best.events > SHORT_EVENTS && spent < LOOK_ON_EVENTS; next += 1n) {
    const { violation, trace, steps } = live({ ...varied(), source: seeded(next), keepTrace: false });
    spent += steps;
    if (violation?.rule === rule && trace.ordinal < best.events) best = { seed: next, events: trace.ordinal };
  }
  return best.seed;
}

/** Those that were asked for; where nothing was, those among which the bug is hunted. */
function faultsFor({ among }: Mutant, asked: FaultSelection = ALL_FAULTS): FaultSelection {
  const isAll = asked.only.length === 0 && asked.without.length === 0;
  return among === undefined || !isAll ? asked : { only: among, without: [] };
}

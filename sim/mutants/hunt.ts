// Plants one bug and lives seeds until a rule that knows it is broken.

import type { Check } from '../checks/check.ts';
import type { FaultSelection } from '../faults.ts';
import { live } from '../simulation.ts';
import type { LifeTables } from '../depth.ts';
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

/** How the bug was caught; null if it survived. */
export function hunt(mutant: Mutant, options: HuntOptions): Catch | null {
  const { from = 0n, livesMax = LIVES_MAX, ...rest } = options;
  for (let lives = 1; lives <= livesMax; lives += 1) {
    const seed = from + BigInt(lives - 1);
    const { violation } = live({ ...rest, source: seeded(seed), planted: mutant.plant() });
    if (violation !== null && [mutant.rule, ...mutant.others].includes(violation.rule))
      return { rule: violation.rule, seed, lives };
  }
  return null;
}

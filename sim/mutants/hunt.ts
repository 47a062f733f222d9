// Plants one bug and lives seeds until it is caught. A life that fails under a rule that is not the bug's own is another
// catch: the bug has done what nobody expected, and is found all the same.

import type { Check } from '../checks/check.ts';
import type { FaultSelection } from '../faults.ts';
import { live } from '../simulation.ts';
import type { TablesFactory } from '../../core/store/tables.ts';
import { seeded } from '../world/tape.ts';
import type { Mutant } from './mutant.ts';

export type Catch = { readonly rule: string; readonly seed: bigint; readonly lives: number };

export type HuntOptions = {
  readonly tables: TablesFactory;
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
    if (violation !== null && mutant.caughtBy.includes(violation.rule)) return { rule: violation.rule, seed, lives };
  }
  return null;
}

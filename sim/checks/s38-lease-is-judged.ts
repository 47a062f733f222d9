import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

/** Milliseconds that a timer may be late, and then some. */
const LATE_MS = 90_000;
/** Turns that may pass before the timer comes, however late it is. */
const TURNS = 8;

/** Where a lease was first seen to be long over, and how many turns have passed since. */
type Overdue = { readonly sinceAt: number; readonly turns: number };

export const leaseIsJudged: Check = {
  name: 'S38',
  sentence: 'a lease that is long over has been judged: a handler that hangs does not hold its job for ever',
  watch({ model, fail }) {
    let overdue = new Map<string, Overdue>();
    let turnAt = 0;
    return {
      turned() {
        const still = new Map<string, Overdue>();
        for (const { id, attempt, leaseUntil } of model.running.values()) {
          if (leaseUntil === null || leaseUntil + LATE_MS > turnAt) continue;
          const fence = fenceOf(id, attempt);
          const { sinceAt, turns } = overdue.get(fence) ?? { sinceAt: turnAt, turns: 0 };
          still.set(fence, { sinceAt, turns: turns + 1 });
          // When everything has stood still, a timer that has fired waits its turn behind all that came meanwhile.
          if (turns >= TURNS && turnAt > sinceAt + LATE_MS)
            fail(`the lease of attempt ${fence} is over since ${turnAt - leaseUntil} ms`);
        }
        overdue = still;
      },
      happened({ row }) {
        turnAt = row.at;
      },
      recovered() {
        overdue = new Map();
        turnAt = 0;
      },
    };
  },
};

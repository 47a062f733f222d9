import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

/** Milliseconds that a timer may be late, and then some. */
const LATE_MS = 90_000;
/** Turns that may pass before the timer comes, however late it is. */
const TURNS = 8;

export const leaseIsJudged: Check = {
  name: 'S38',
  sentence: 'a lease that is long over has been judged: a handler that hangs does not hold its job for ever',
  watch({ model, fail }) {
    let overdue = new Map<string, number>();
    let turnAt = 0;
    return {
      turned() {
        const still = new Map<string, number>();
        for (const { id, attempt, leaseUntil } of model.running.values()) {
          if (leaseUntil === null || leaseUntil + LATE_MS > turnAt) continue;
          const fence = fenceOf(id, attempt);
          const turns = (overdue.get(fence) ?? 0) + 1;
          still.set(fence, turns);
          if (turns > TURNS) fail(`the lease of attempt ${fence} is over since ${turnAt - leaseUntil} ms`);
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

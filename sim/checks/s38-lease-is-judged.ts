import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

/** Milliseconds that a timer may be late, and then some. */
const LATE_MS = 90_000;
/** Turns that may pass before the timer comes, however late it is. */
const TURNS = 8;
/** Time that must pass meanwhile: when everything has stood still, what was due comes turn by turn before the timer. */
const SETTLED_US = 1_000_000;
/** What one attempt may have said and the queue not yet heard. */
const ANSWERS_MAX = 2;

export const leaseIsJudged: Check = {
  name: 'S38',
  sentence: 'a lease that is long over has been judged: a handler that hangs does not hold its job for ever',
  watch({ world, model, fail }) {
    const { stepInputsMax } = world.plan.limits;
    /** Since when a lease is overdue, and how many turns are left until it must have been judged, by its fence. */
    let overdue = new Map<string, { readonly sinceUs: number; readonly turns: number }>();
    let turnAt = 0;
    /** Requests without an answer. */
    let open = 0;
    /** When everything has stood still, a timer that has fired waits its turn behind all that came meanwhile. */
    const turnsLeft = (): number => TURNS + Math.ceil((open + ANSWERS_MAX * model.running.size) / stepInputsMax);
    return {
      offered() {
        open += 1;
      },
      released(effect) {
        if (effect.kind === 'reply') open -= 1;
      },
      turned() {
        const { nowUs } = world.clock;
        const still: typeof overdue = new Map();
        for (const { id, attempt, leaseUntil } of model.running.values()) {
          if (leaseUntil === null || leaseUntil + LATE_MS > turnAt) continue;
          const fence = fenceOf(id, attempt);
          const { sinceUs, turns } = overdue.get(fence) ?? { sinceUs: nowUs, turns: turnsLeft() };
          if (turns <= 0 && nowUs - sinceUs > SETTLED_US)
            fail(`the lease of attempt ${fence} is over since ${turnAt - leaseUntil} ms`);
          still.set(fence, { sinceUs, turns: turns - 1 });
        }
        overdue = still;
      },
      happened({ row }) {
        turnAt = row.at;
      },
      recovered() {
        overdue = new Map();
        turnAt = 0;
        open = 0;
      },
    };
  },
};

import { fenceOf } from '../ledger.ts';
import type { Check } from './check.ts';

/** Milliseconds that a timer may be late, and then some. */
const LATE_MS = 90_000;
/** Turns that may pass before the timer comes, however late it is. */
const TURNS = 8;
/** What one attempt may have said and the queue not yet heard. */
const ANSWERS_MAX = 2;

export const leaseIsJudged: Check = {
  name: 'S38',
  sentence: 'a lease that is long over has been judged: a handler that hangs does not hold its job for ever',
  watch({ world, model, fail }) {
    const { stepInputsMax } = world.plan.limits;
    /** Turns that are left until a lease must have been judged, by the fence of its attempt. */
    let overdue = new Map<string, number>();
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
        const still = new Map<string, number>();
        for (const { id, attempt, leaseUntil } of model.running.values()) {
          if (leaseUntil === null || leaseUntil + LATE_MS > turnAt) continue;
          const fence = fenceOf(id, attempt);
          const turns = overdue.get(fence) ?? turnsLeft();
          if (turns === 0) fail(`the lease of attempt ${fence} is over since ${turnAt - leaseUntil} ms`);
          still.set(fence, turns - 1);
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

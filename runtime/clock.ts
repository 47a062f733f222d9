// The queue's clock: the wall clock as it stood when the process started, carried on by the monotonic clock.
//
// A jump of the wall clock therefore moves no lease and no delay. How far the wall clock has been set since is told
// beside the time, so that a client's `run_at` still means the client's instant.

import { randomInt } from 'node:crypto';
import { Instant } from '../core/job/job.ts';
import type { Now } from '../core/queue/command.ts';

/** Differences below this are rounding and drift, not a clock that was set. */
const WALL_SET_MS_MIN = 1_000;

export class QueueClock {
  readonly #startedAt = performance.now();
  #origin = Date.now();

  /** Starts no earlier than the latest event that is stored: stored time never runs backwards. */
  raiseTo(floor: Instant): void {
    this.#origin = Math.max(this.#origin, floor - this.uptimeMs());
  }

  uptimeMs(): number {
    return Math.floor(performance.now() - this.#startedAt);
  }

  at(): Instant {
    return Instant(this.#origin + this.uptimeMs());
  }

  now(): Now {
    const at = this.at();
    const aheadMs = Date.now() - at;
    return { at, wallAheadMs: Math.abs(aheadMs) < WALL_SET_MS_MIN ? 0 : aheadMs, seed: randomInt(2 ** 32) };
  }
}

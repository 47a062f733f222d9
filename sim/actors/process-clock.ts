// The queue's clock as one process has it: the wall clock at its start, carried on by the process's own monotonic clock,
// which may run too fast or too slow, and stand still for a while.

import { Instant } from '../../core/job/job.ts';
import type { Now } from '../../core/queue/command.ts';
import type { Life, Timer } from '../world/clock.ts';
import type { World } from '../world/world.ts';

/** Timers reach no further ahead: milliseconds that fit 31 bits. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const DRIFT_MAX = 100;

export class ProcessClock {
  readonly #world: World;
  readonly #startedAtMs: number;
  /** How many of its milliseconds pass in a thousand true ones. */
  readonly #rate: number;
  #baseAt: number;
  #stoppedAtMs = 0;
  #stoppedUntilMs = 0;
  readonly #armed = new Set<Timer>();
  /** How often a timer has fired. */
  wakes = 0;

  constructor(world: World) {
    const { clock, faults, tape } = world;
    this.#world = world;
    this.#startedAtMs = clock.monotonicMs;
    this.#baseAt = clock.wallMs;
    const isDrifting = faults.strikes('C3');
    this.#rate = isDrifting ? tape.stream('timers').between('drift', 1000 - DRIFT_MAX, 1000 + DRIFT_MAX) : 1000;
  }

  /** The stored times reach this far: the clock begins no earlier. */
  startAfter(lastAt: Instant): void {
    this.#baseAt = Math.max(this.#baseAt, lastAt);
  }

  /** It stands still, then shows true time again at once. */
  stop(forMs: number): void {
    const { clock } = this.#world;
    if (clock.monotonicMs >= this.#stoppedUntilMs) this.#stoppedAtMs = clock.monotonicMs;
    this.#stoppedUntilMs = clock.monotonicMs + forMs;
  }

  goOn(): void {
    this.#stoppedUntilMs = 0;
  }

  now(): Now {
    const { clock, tape } = this.#world;
    const at = this.#at();
    const aheadMs = clock.wallMs - at;
    const seed = tape.stream('core').choose('seed', 2 ** 32);
    return { at: Instant(at), wallAheadMs: Math.abs(aheadMs) < 1_000 ? 0 : aheadMs, seed };
  }

  /** True microseconds until this clock comes to the millisecond; 0 if it has passed. */
  untilUs(at: Instant): number {
    const { nowUs } = this.#world.clock;
    const dueMs = this.#startedAtMs + Math.ceil(((at - this.#baseAt) * 1000) / this.#rate);
    return Math.max(dueMs * 1000 - nowUs, 0);
  }

  /** Arms a timer for an instant of this clock; the timer itself may be late or fire twice. */
  arm(wakeAt: Instant, life: Life, fire: () => void): Timer {
    const { clock, faults, tape } = this.#world;
    const stream = tape.stream('timers');
    const waitMs = Math.ceil(((wakeAt - this.#at()) * 1000) / this.#rate);
    let delayMs = Math.min(Math.max(waitMs, 0), TIMER_MS_MAX);
    if (faults.strikes('C7')) delayMs += stream.logarithmic('late', 1, 60_000);
    const wake = (): void => {
      this.#armed.delete(timer);
      this.wakes += 1;
      fire();
    };
    const timer = clock.after(delayMs * 1000, life, wake);
    this.#armed.add(timer);
    // The second time it is the timer of an instant that has passed, whatever has been armed since.
    if (faults.isOn('C7') && stream.choose('twice', 8) === 1) {
      const again = (): void => (faults.isHealed ? undefined : wake());
      clock.after(delayMs * 1000 + stream.logarithmic('again', 1, 100_000), life, again);
    }
    return timer;
  }

  /** Timers that were armed, and have neither fired nor been cancelled. */
  get armed(): number {
    for (const timer of this.#armed) if (timer.cancelled) this.#armed.delete(timer);
    return this.#armed.size;
  }

  #at(): number {
    const { monotonicMs } = this.#world.clock;
    const shownMs = monotonicMs < this.#stoppedUntilMs ? this.#stoppedAtMs : monotonicMs;
    return this.#baseAt + Math.floor(((shownMs - this.#startedAtMs) * this.#rate) / 1000);
  }
}

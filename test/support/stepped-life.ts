// A life of the simulator that a test steps by itself, and may wait between two events.

import type { SimulatedLife } from '../../sim/life.ts';

/** Simulated time within which a life comes to rest when its faults have stopped: a job may be due in a year. */
const REST_MS = 2 * 31_536_000_000;

/** Steps until it is so, with a pause after each step. @throws {Violation} if a rule is broken. */
export async function until(life: SimulatedLife, isReached: () => boolean, pause: () => Promise<void>): Promise<void> {
  const deadlineMs = life.world.clock.monotonicMs + REST_MS;
  while (!isReached()) {
    if (life.world.clock.monotonicMs > deadlineMs) throw new Error('it never comes to rest');
    if (!life.step()) throw new Error('nothing is left to happen');
    await pause();
  }
}

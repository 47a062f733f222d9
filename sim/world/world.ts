// Everything a simulated life is made of, handed to each actor.

import type { Faults } from '../faults.ts';
import type { Plan } from '../plan.ts';
import type { Clock } from './clock.ts';
import type { Chance, Disk } from './disk.ts';
import type { Tape } from './tape.ts';
import type { Trace } from './trace.ts';

export type World = {
  readonly tape: Tape;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly trace: Trace;
  readonly faults: Faults;
  readonly plan: Plan;
};

/** Writes down what happened. The text is made only where the trace is kept. */
export function note(world: World, actor: string, text: string | (() => string), fault: string | null = null): void {
  world.trace.add({ atUs: world.clock.nowUs, actor, text, fault });
}

/** What may survive on the disk, as the switches of this life allow. */
export function chanceOf(world: World): Chance {
  return {
    stream: world.tape.stream('survival'),
    allows: (fault) => world.faults.isOn(fault),
    fired: (fault) => world.faults.note(fault),
  };
}

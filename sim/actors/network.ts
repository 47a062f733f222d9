// The network between clients and the server: it delays, loses, doubles and reorders. It never corrupts.

import type { FaultCode } from '../faults.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';

/** Longest delays of other messages that pass one which is overtaken. */
const OVERTAKEN_BY = 3;

/** Carries something; what arrives late, twice or never is drawn. */
export function carry(
  world: World,
  parcel: { readonly label: string; readonly lostBy: FaultCode; readonly arrive: () => void },
): void {
  const stream = world.tape.stream('network');
  const { label, lostBy, arrive } = parcel;
  if (world.faults.strikes(lostBy)) return note(world, 'net', () => `${label} is lost`, lostBy);
  const copies = world.faults.strikes('N3') ? 2 : 1;
  if (copies === 2) note(world, 'net', () => `${label} is sent twice`, 'N3');
  for (let copy = 0; copy < copies; copy += 1) {
    let delayUs = stream.between('delay', 50, world.plan.networkUsMax);
    if (world.faults.strikes('N4')) {
      delayUs = stream.logarithmic('late', 1_000, 60_000) * 1000;
      note(world, 'net', () => `${label} will be late`, 'N4');
    }
    if (world.faults.strikes('N5')) {
      delayUs += OVERTAKEN_BY * world.plan.networkUsMax;
      note(world, 'net', () => `${label} is overtaken`, 'N5');
    }
    world.clock.after(delayUs, null, arrive);
  }
}

// The network between clients and the server: it delays, loses, cuts off, doubles and reorders.

import type { FaultCode } from '../faults.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';

/** Longest delays of other messages that pass one which is overtaken. */
const OVERTAKEN_BY = 3;

export type Parcel = {
  readonly label: string;
  readonly lostBy: FaultCode;
  readonly arrive: () => void;
  /** Its head arrives, and nothing behind it ever does. */
  readonly arriveHead?: () => void;
  /** Its sender has knocked for long: it arrives the moment that somebody listens. */
  readonly isAtDoor?: boolean;
};

/** Carries something; what arrives late, twice, in part or never is drawn. */
export function carry(world: World, parcel: Parcel): void {
  const stream = world.tape.stream('network');
  const { label, lostBy, arrive } = parcel;
  if (world.faults.strikes(lostBy)) return lose(world, parcel);
  const isTwice = world.faults.strikes('N3');
  const delayUs = delayOf(world, parcel);
  world.clock.after(delayUs, null, arrive);
  if (!isTwice) return;
  note(world, 'net', () => `${label} is sent twice`, 'N3');
  const isTogether = stream.choose('together', 2) === 1;
  world.clock.after(isTogether ? delayUs : delayOf(world, parcel), null, arrive);
}

function lose(world: World, { label, lostBy, arriveHead }: Parcel): void {
  const stream = world.tape.stream('network');
  const isCut = arriveHead !== undefined && stream.choose('head arrives', 2) === 1;
  note(world, 'net', () => `${label} is lost${isCut ? ' behind its head' : ''}`, lostBy);
  if (isCut) world.clock.after(stream.between('delay', 50, world.plan.networkUsMax), null, arriveHead);
}

function delayOf(world: World, { label, isAtDoor = false }: Parcel): number {
  const stream = world.tape.stream('network');
  let delayUs = isAtDoor ? 0 : stream.between('delay', 50, world.plan.networkUsMax);
  if (world.faults.strikes('N4')) {
    delayUs = stream.logarithmic('late', 1_000, 60_000) * 1000;
    note(world, 'net', () => `${label} will be late`, 'N4');
  }
  if (world.faults.strikes('N5')) {
    // Those behind it are other senders' messages, or the next one of a sender who has given up waiting.
    const patienceUs = world.plan.requestTimeoutMs * 1_000;
    delayUs += stream.pick('overtaken', [OVERTAKEN_BY * world.plan.networkUsMax, patienceUs]);
    note(world, 'net', () => `${label} is overtaken`, 'N5');
  }
  return delayUs;
}

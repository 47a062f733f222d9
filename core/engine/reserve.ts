// The reserve: a file of written bytes that is given up when the disk is full, so that attempts that end, and the final
// record, still find room, and a start its new segment. That it can be written again is the proof that there is space again.

import { DiskError, list, writeBeside } from '../store/disk.ts';
import type { DiskProgram } from '../store/disk.ts';
import { recover } from '../store/recovery.ts';
import type { Recovered } from '../store/recovery.ts';
import { RESERVE_FILE } from '../store/survey.ts';
import type { EngineLimits } from './limits.ts';

/** Makes the reserve unless it is there. Returns whether it is; false if the disk is full. */
export function* keepReserve({ reserveBytes }: EngineLimits): DiskProgram<boolean> {
  const entries = yield* list();
  if (entries.some(({ file, bytes }) => file === RESERVE_FILE && bytes === reserveBytes)) return true;
  try {
    yield* writeBeside(RESERVE_FILE, new Uint8Array(reserveBytes).fill(0x2e));
    yield { kind: 'syncDirectory' };
    return true;
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'no-space') throw error;
    yield { kind: 'remove', file: `${RESERVE_FILE}.tmp` };
    return false;
  }
}

/** Recovers, and once more in the room of the reserve if the disk is full. What the first try left behind is known to the second. */
export function* recoverInRoom(options: Parameters<typeof recover>[0]): DiskProgram<Recovered> {
  try {
    return yield* recover(options);
  } catch (error) {
    // After a failed sync, for lack of space too, nothing is tried again.
    const isFull = error instanceof DiskError && error.code === 'no-space' && !error.operation.startsWith('sync');
    if (!isFull || !(yield* list()).some(({ file }) => file === RESERVE_FILE)) throw error;
    yield* giveUpReserve();
    return yield* recover(options);
  }
}

export function* giveUpReserve(): DiskProgram<void> {
  yield { kind: 'remove', file: RESERVE_FILE };
  yield { kind: 'syncDirectory' };
}

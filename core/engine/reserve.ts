// The reserve: a file of written bytes that is given up when the disk is full, so that attempts that end, and the final
// record, still find room. That it can be written again is the proof that there is space again.

import { DiskError, list, writeBeside } from '../store/disk.ts';
import type { DiskProgram } from '../store/disk.ts';
import type { EngineLimits } from './limits.ts';

export const RESERVE_FILE = 'reserve';

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

export function* giveUpReserve(): DiskProgram<void> {
  yield { kind: 'remove', file: RESERVE_FILE };
  yield { kind: 'syncDirectory' };
}

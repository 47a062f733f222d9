// Reading a data directory while nobody writes: the lock for what looks at the files and changes none.
//
// Rule 1: it is shared: several may look at once, and a server that starts meanwhile is refused instead of being read
//         half-way.
// Rule 2: it writes nothing, not even into the lock's file. Where that is missing, as in a copy of a directory, no server
//         of this machine has ever held the directory, and there is nothing to lock.

import fs from 'node:fs';
import { join } from 'node:path';
import { decodeHolder, describeHolder, LockedError, refuseUnlessDead } from './holder.ts';
import { LOCK_FILE, runFlock } from './lock.ts';
import { PID_FILE } from './pid-file.ts';

/**
 * Keeps servers out until it is released.
 * @throws {LockedError} if a process holds the directory, or if that cannot be ruled out.
 */
export function holdReadLock(directory: string): { release(): void } {
  refuseIfWritten(directory, PID_FILE);
  const path = join(directory, LOCK_FILE);
  if (!fs.existsSync(path)) return { release: () => undefined };
  const descriptor = fs.openSync(path, 'r');
  try {
    const answer = runFlock(descriptor, 'shared');
    switch (answer.kind) {
      case 'locked':
        break;
      case 'missing':
        refuseIfWritten(directory, LOCK_FILE);
        break;
      case 'held': {
        const holder = decodeHolder(fs.readFileSync(descriptor, 'utf8'));
        throw new LockedError(`the data directory ${directory} is held by ${describeHolder(holder)}`);
      }
      case 'failed':
        throw new LockedError(`the data directory ${directory} cannot be locked: ${answer.reason}`);
    }
  } catch (thrown) {
    fs.closeSync(descriptor);
    throw thrown;
  }
  return { release: () => fs.closeSync(descriptor) };
}

function refuseIfWritten(directory: string, file: string): void {
  const path = join(directory, file);
  if (fs.existsSync(path) && fs.statSync(path).size > 0) refuseUnlessDead(directory, path);
}

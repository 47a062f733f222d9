// The lock for machines without the program `flock`: an exclusive file that says who holds the directory.
//
// Rule 1: the file appears whole: it is written under another name and linked into place, which fails if it is there.
// Rule 2: it is taken over only from a holder that is proven dead. One that cannot be judged is left to a person.
// Rule 3: one process at a time takes over, behind a guard file; else two could each remove what the other has just put.
//         A crash in between leaves the guard, which is left to a person too.

import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { encodeHolder, LockedError, refuseUnlessDead, thisProcess } from './holder.ts';

export const PID_FILE = 'lock.pid';
const GUARD_FILE = 'lock.takeover';

/** @throws {LockedError} if another process holds the directory, or if that cannot be ruled out. */
export function holdPidFile(directory: string): { release(): void } {
  const path = join(directory, PID_FILE);
  const temporary = join(directory, `${PID_FILE}.${randomUUID()}.tmp`);
  const text = encodeHolder(thisProcess());
  fs.writeFileSync(temporary, text, { flag: 'wx', mode: 0o600, flush: true });
  try {
    if (!isNewLink(temporary, path)) takeOver({ directory, path, temporary });
  } finally {
    fs.rmSync(temporary, { force: true });
  }
  return {
    release: () => {
      if (fs.existsSync(path) && fs.readFileSync(path, 'utf8') === text) fs.rmSync(path);
    },
  };
}

function takeOver({ directory, path, temporary }: { directory: string; path: string; temporary: string }): void {
  const guard = join(directory, GUARD_FILE);
  refuseUnlessDead(directory, path);
  if (!isNewLink(temporary, guard)) {
    throw new LockedError(`another process is taking over ${directory}; if none is, remove ${guard}`);
  }
  try {
    refuseUnlessDead(directory, path); // the one before us behind the guard may have come and taken it
    fs.renameSync(temporary, path);
  } finally {
    fs.rmSync(guard);
  }
}

/** Whether the file was given the name, which nobody had. */
function isNewLink(file: string, name: string): boolean {
  try {
    fs.linkSync(file, name);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && Reflect.get(thrown, 'code') === 'EEXIST') return false;
    throw thrown;
  }
}

// One writer: the lock of a data directory.
//
// Rule 1: the lock is flock(2) on the file `lock`. It belongs to the open file, so it falls with the process however that
//         dies, and it holds across containers. Node has no call for it: the program `flock` is run once, on a descriptor
//         that it inherits, and what it locked stays locked when it has ended.
// Rule 2: where there is no such program, an exclusive file with the holder's number stands in (pid-file.ts).
// Rule 3: a process with `flock` and one without must not both get in: each writes down who it is first, and looks for
//         the other then.
// Rule 4: `lock` is never removed: two processes could hold locks on two files of that name.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { decodeHolder, describeHolder, encodeHolder, LockedError, refuseUnlessDead, thisProcess } from './holder.ts';
import { holdPidFile, PID_FILE } from './pid-file.ts';

export type Lock = {
  /** Lets another process in. Not needed before exit with `flock`, but then the next one has nothing to judge. */
  release(): void;
  /** Lets another process in and leaves the lock's file with the text it had: the start was refused. */
  undo(): void;
};

export const LOCK_FILE = 'lock';

/** Milliseconds that `flock -n` may take, which never waits for anybody. */
const FLOCK_TIMEOUT_MS = 10_000;

/**
 * Takes the lock of the directory, which must exist, without waiting.
 * @throws {LockedError} if another process holds it, or if that cannot be ruled out.
 */
export function holdLock(directory: string): Lock {
  const descriptor = fs.openSync(join(directory, LOCK_FILE), fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  try {
    const answer = runFlock(descriptor, 'exclusive');
    switch (answer.kind) {
      case 'missing':
        return withoutFlock(directory, descriptor);
      case 'held': {
        const holder = decodeHolder(fs.readFileSync(descriptor, 'utf8'));
        throw new LockedError(`the data directory ${directory} is held by ${describeHolder(holder)}`);
      }
      case 'failed':
        throw new LockedError(`the data directory ${directory} cannot be locked: ${answer.reason}`);
      case 'locked':
        return withFlock(directory, descriptor);
    }
  } catch (thrown) {
    fs.closeSync(descriptor);
    throw thrown;
  }
}

type FlockAnswer =
  | { readonly kind: 'locked' }
  | { readonly kind: 'held' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Locks the open file without waiting; the lock stays with the descriptor. */
export function runFlock(descriptor: number, mode: 'exclusive' | 'shared'): FlockAnswer {
  const { status, error, stderr } = spawnSync('flock', ['-n', mode === 'exclusive' ? '-x' : '-s', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    timeout: FLOCK_TIMEOUT_MS,
    encoding: 'utf8',
  });
  if (error !== undefined) {
    const isMissing = Reflect.get(error, 'code') === 'ENOENT';
    return isMissing ? { kind: 'missing' } : { kind: 'failed', reason: error.message };
  }
  if (status === 0) return { kind: 'locked' };
  if (status === 1 && stderr === '') return { kind: 'held' };
  return { kind: 'failed', reason: `flock ended with ${status}: ${stderr.trim().replaceAll(/\s+/g, ' ')}` };
}

function withFlock(directory: string, descriptor: number): Lock {
  const before = fs.readFileSync(descriptor);
  fs.ftruncateSync(descriptor);
  writeHolder(descriptor);
  refuseOther(directory, PID_FILE);
  const release = (): void => {
    fs.ftruncateSync(descriptor);
    fs.closeSync(descriptor);
  };
  const undo = (): void => {
    fs.ftruncateSync(descriptor);
    fs.writeSync(descriptor, before, 0, before.length, 0);
    fs.closeSync(descriptor);
  };
  return { release, undo };
}

/** The lock holds without the text; a disk too full for it must not keep the server from its data. */
function writeHolder(descriptor: number): void {
  try {
    fs.writeSync(descriptor, encodeHolder(thisProcess()), 0);
  } catch (thrown) {
    if (!(thrown instanceof Error) || !['ENOSPC', 'EDQUOT'].includes(String(Reflect.get(thrown, 'code')))) throw thrown;
  }
}

function withoutFlock(directory: string, descriptor: number): Lock {
  const { release } = holdPidFile(directory);
  try {
    refuseOther(directory, LOCK_FILE);
  } catch (thrown) {
    release();
    throw thrown;
  }
  fs.closeSync(descriptor);
  return { release, undo: release };
}

/** The other kind of lock, if somebody ever took it here. */
function refuseOther(directory: string, file: string): void {
  const path = join(directory, file);
  if (fs.existsSync(path) && fs.statSync(path).size > 0) refuseUnlessDead(directory, path);
}

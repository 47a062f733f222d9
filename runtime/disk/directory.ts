// The data directory itself: made before anything else, readable by its owner alone.

import fs from 'node:fs';
import { dirname } from 'node:path';

const DIRECTORY_MODE = 0o700;
const PERMISSIONS = 0o777;
const STICKY = 0o1000;

/**
 * Makes the directory if it is missing, durably, and closes it to others. Returns a warning for the operator where that
 * is not ours to do, else null.
 * @throws Node's error if the directory cannot be made or is none.
 */
export function prepareDirectory(directory: string): string | null {
  const firstMade = makeWithParents(directory);
  if (firstMade !== null) syncNames(directory, dirname(firstMade));
  const { mode } = fs.statSync(directory);
  if ((mode & PERMISSIONS) === DIRECTORY_MODE) return null;
  // A directory like /tmp is everybody's: closing it would break the machine.
  if ((mode & STICKY) !== 0) return `${directory} is shared with other users; give the data a directory of its own`;
  try {
    fs.chmodSync(directory, DIRECTORY_MODE);
    return null;
  } catch (thrown) {
    return `${directory} may be open to other users: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

/**
 * Returns the topmost directory that was made, null if there was nothing to do. Node's own recursive way never returns
 * where directories cannot be made although the one above is there, as in /proc.
 */
function makeWithParents(directory: string): string | null {
  try {
    fs.mkdirSync(directory, { mode: DIRECTORY_MODE });
    return directory;
  } catch (thrown) {
    if (isDirectory(directory)) return null;
    const parent = dirname(directory);
    if (codeOf(thrown) !== 'ENOENT' || isDirectory(parent)) throw thrown;
    const topmost = makeWithParents(parent);
    const made = makeWithParents(directory);
    return topmost ?? made;
  }
}

const isDirectory = (path: string): boolean => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined);

/** The name of each new directory is an entry of the one above it. */
function syncNames(directory: string, topmost: string): void {
  let parent = directory;
  do {
    parent = dirname(parent);
    const descriptor = fs.openSync(parent, 'r');
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  } while (parent !== topmost);
}

// The commit that is checked out: a failure names it, and each one lives seeds of its own.

import { execFileSync } from 'node:child_process';

/** All 40 digits; null outside a repository. */
export function commitHash(): string | null {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

// Builds the package once before the tests: processes that run what was compiled start three times as fast as those that
// run sources, and are what a user runs.
//
// Rule: a build that is newer than its sources is left as it is, so that a second run of tests beside this one never
//       finds a file half written.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Written when the build is complete. */
const STAMP = join(ROOT, 'dist/built');

export const BUILT = join(ROOT, 'dist/runtime');

/** Called by vitest. */
export function setup(): void {
  if (existsSync(STAMP) && statSync(STAMP).mtimeMs > newestSourceAt()) return;
  const startedAt = new Date();
  try {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'pipe', encoding: 'utf8' });
  } catch (thrown) {
    // The compiler emits all the same; that the types are right is for `npm run types` to say.
    process.stderr.write(
      `the build has errors:\n${thrown instanceof Error ? String(Reflect.get(thrown, 'stdout')) : ''}\n`,
    );
    return;
  }
  writeFileSync(STAMP, `${startedAt.toISOString()}\n`);
}

function newestSourceAt(): number {
  const folders = ['core', 'runtime'].flatMap((folder) => {
    const entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    return entries.map((entry) => join(folder, entry));
  });
  const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json'];
  return Math.max(...[...folders, ...settings].map((file) => statSync(join(ROOT, file)).mtimeMs));
}

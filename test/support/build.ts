// Compiles the package before the tests: processes that run what was compiled start three times as fast as those that run
// sources, and are what a user runs.
//
// Rule: a build is named by the checksum of what it was made of, made elsewhere and renamed into place. It never changes,
//       so runs of tests beside each other, and while sources are edited, share it or have their own.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder of the package as it is published: `dist` beside `package.json`. */
    readonly built: string;
  }
}

const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules/.cache/perdure');
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json'];

/** What the package holds beside what is compiled. */
const BESIDE = ['package.json', 'README.md', 'LICENSE'];

/** Milliseconds after which nobody uses a build of other sources any more. */
const KEPT_MS = 3_600_000;

/** Called by vitest, once for all files. */
export function setup(project: TestProject): void {
  const built = join(CACHE, checksumOf(sources()));
  if (!existsSync(built)) build(built);
  project.provide('built', built);
}

function build(target: string): void {
  removeOldBuilds();
  const temporary = `${target}.${process.pid}.tmp`;
  mkdirSync(temporary, { recursive: true });
  for (const file of BESIDE) if (existsSync(join(ROOT, file))) copyFileSync(join(ROOT, file), join(temporary, file));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', join(temporary, 'dist')], {
      cwd: ROOT,
      encoding: 'utf8',
    });
  } catch (thrown) {
    // It emits all the same. That the types are right is for `npm run types` to say.
    const output = thrown instanceof Error ? String(Reflect.get(thrown, 'stdout')) : String(thrown);
    process.stderr.write(`the build has errors:\n${output}\n`);
  }
  if (existsSync(target)) rmSync(temporary, { recursive: true });
  else renameSync(temporary, target);
}

function removeOldBuilds(): void {
  if (!existsSync(CACHE)) return;
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}

function sources(): string[] {
  const found = ['core', 'runtime'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name)),
  );
  return [...found.sort(), ...[...SETTINGS, ...BESIDE].map((file) => join(ROOT, file)).filter(existsSync)];
}

function checksumOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

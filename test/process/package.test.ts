// The package as npm hands it out: installed into an empty project, imported, run and type-checked.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { removeDirectory, scratchDirectory } from '../support/server.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, 'node_modules/.bin');

const MANY_MS = 240_000;

type Packed = { readonly filename: string; readonly files: readonly { readonly path: string }[] };

let scratch: string;
let project: string;
let tarball: string;
let files: readonly string[];

const run = (command: string, argv: readonly string[], cwd: string): string =>
  execFileSync(command, argv, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: MANY_MS });

beforeAll(() => {
  scratch = scratchDirectory();
  project = join(scratch, 'project');
  mkdirSync(project);
  const text = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch], inject('built'));
  const [packed] = JSON.parse(text) as Packed[];
  tarball = join(scratch, packed?.filename ?? '');
  files = packed?.files.map(({ path }) => path) ?? [];
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball], project);
}, MANY_MS);
afterAll(() => removeDirectory(scratch));

describe('the package', () => {
  it('holds what runs and its types, and no tests, no simulator and no sources of either', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/runtime/cli.js',
        'dist/runtime/embed/index.d.ts',
        'dist/runtime/testing/index.js',
        'README.md',
      ]),
    );
    expect(files.filter((path) => !/^(dist\/(core|runtime)\/.*\.(js|d\.ts|js\.map)|package\.json|README\.md|LICENSE)$/.test(path))).toEqual([]); // prettier-ignore
  });

  it('embeds a queue and talks to it as a client', () => {
    const script = `
import { createQueue, defineHandlers } from 'perdure';
import { createClient } from 'perdure/client';
const queue = await createQueue({ directory: './data', handlers: defineHandlers({ greet: (name) => 'Hello, ' + name }) });
const app = queue.app();
const client = createClient({ url: 'http://127.0.0.1', fetch: (url, init) => app.request(new Request(url, init)) });
const { job } = await client.submit('greet', 'Ada');
await queue.drain();
console.log(JSON.stringify((await queue.get(job.id)).result));
await queue.close();
`;
    writeFileSync(join(project, 'embed.js'), script);
    expect(run(process.execPath, ['embed.js'], project)).toBe('"Hello, Ada"\n');
  });

  it('has a client that loads no other package', () => {
    const imports = files
      .filter((path) => /^dist\/runtime\/client\/.*\.js$/.test(path))
      .flatMap((path) => [
        ...readFileSync(join(project, 'node_modules/perdure', path), 'utf8').matchAll(
          /^(?:import|export) .* from '([^']+)'/gm,
        ),
      ])
      .map(([, target]) => target ?? '')
      .filter((target) => !/^\.\/[\w-]+\.js$/.test(target));
    expect(imports.filter((target) => !target.startsWith('node:'))).toEqual([]);
  });

  it('tests handlers under a crash, without a directory', () => {
    const script = `
import { createTestQueue } from 'perdure/testing';
let effects = 0;
const queue = await createTestQueue({ handlers: { charge: (cents) => { effects += 1; return cents; } } });
const { job } = await queue.submit('charge', 100, { delayMs: 86_400_000 });
queue.crashNext('charge', { powerLoss: true });
await queue.drain();
const { state, crashes } = await queue.get(job.id);
console.log(state, crashes, effects, queue.runs(job.id).map(({ cause }) => cause).join());
`;
    writeFileSync(join(project, 'testing.js'), script);
    expect(run(process.execPath, ['testing.js'], project)).toBe('succeeded 1 2 submitted,crashed\n');
  });

  it('has the command', () => {
    expect(run('npx', ['--no-install', 'perdure', '--version'], project)).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run('npx', ['--no-install', 'perdure', 'verify', './data'], project)).toMatch(/1 succeeded/);
  });

  it('has types that a strict program passes with, and a wrong one does not', () => {
    const program = (payload: string): string => `
import { createQueue, defineHandlers } from 'perdure';
import type { JobView } from 'perdure';
import { createClient, ProblemError } from 'perdure/client';
import { createTestQueue } from 'perdure/testing';
const handlers = defineHandlers({ greet: (payload: { name: string }) => payload.name });
const queue = await createQueue({ directory: './data', handlers });
const { job } = await queue.submit('greet', ${payload});
const view: JobView | null = await createClient().get(job.id);
await (await createTestQueue({ handlers })).submit('greet', ${payload});
if (view?.state === 'dead') throw new ProblemError({ status: 500, retryAfter: null, body: view.lastError?.message });
`;
    const options = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--skipLibCheck', '--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]; // prettier-ignore
    const check = (file: string): string => run(join(BIN, 'tsc'), [...options, file], project);
    writeFileSync(join(project, 'right.ts'), program("{ name: 'Ada' }"));
    writeFileSync(join(project, 'wrong.ts'), program('{ name: 1 }'));
    expect(check('right.ts')).toBe('');
    expect(() => check('wrong.ts')).toThrow();
  });

  it(
    'passes publint and are-the-types-wrong',
    () => {
      expect(run(join(BIN, 'publint'), ['--strict', tarball], project)).toMatch(/All good!/);
      // It exits 1 for a problem that the profile does not ignore.
      expect(run(join(BIN, 'attw'), ['--profile', 'esm-only', '--format', 'ascii', tarball], project)).toMatch(
        /node16 \(from ESM\): 🟢/,
      );
    },
    MANY_MS,
  );
});

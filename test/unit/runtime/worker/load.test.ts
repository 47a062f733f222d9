import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { BUILT } from '../../../support/built.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const REPORTER = join(ROOT, 'test/support/handlers-report.mjs');

const TYPESCRIPT = `
import { greeting } from './words.ts';
import type { Nothing } from './missing.ts';
type Payload = { readonly to: string };
export default { greet: async ({ to }: Payload): Promise<string> => greeting + ' ' + to };
`;
const WORDS = `
enum Word { Hello = 'hello' }
export const greeting: string = Word.Hello;
`;
const JAVASCRIPT = `export default { greet: async ({ to }) => 'hello ' + to };`;
const COMMON_JS = `module.exports = { greet: async ({ to }) => 'hello ' + to };`;

type Runner = (cwd: string, path?: string, environment?: Record<string, string>) => Promise<object>;

const runner =
  (loader: string, execArgv: readonly string[]): Runner =>
  async (cwd, path, environment = {}) => {
    const child = fork(REPORTER, [loader, ...(path === undefined ? [] : [path])], {
      cwd,
      execArgv: [...execArgv],
      env: { ...process.env, ...environment },
    });
    const ended = once(child, 'exit');
    const [report] = (await once(child, 'message')) as [object];
    await ended;
    return report;
  };

const SOURCE = pathToFileURL(join(ROOT, 'runtime/worker/load.ts')).href;
const COMPILED = pathToFileURL(join(BUILT, 'worker/load.js')).href;

const load = runner(COMPILED, []);

describe.each<[string, Runner]>([
  ['from sources', runner(SOURCE, ['--import', import.meta.resolve('tsx')])],
  ['from the compiled package, under plain node', load],
])('%s', (_, run) => {
  test.each([
    ['handlers.ts', 'module', TYPESCRIPT],
    ['handlers.ts', 'commonjs', TYPESCRIPT],
    ['handlers.mts', 'commonjs', TYPESCRIPT],
    ['handlers.js', 'module', JAVASCRIPT],
    ['handlers.mjs', 'commonjs', JAVASCRIPT],
    ['handlers.cjs', 'module', COMMON_JS],
  ])('%s of a package that is %s is loaded, relative to the working directory', async (file, type, source) => {
    const cwd = temporaryDirectory();
    fs.writeFileSync(join(cwd, 'package.json'), JSON.stringify({ type }));
    fs.writeFileSync(join(cwd, 'words.ts'), WORDS);
    fs.writeFileSync(join(cwd, file), source);
    expect(await run(cwd, `./${file}`)).toEqual({ types: ['greet'], greeting: 'hello Ada' });
  });

  test('the sample handlers are loaded where no module is named', async () => {
    expect(await run(temporaryDirectory())).toEqual({ types: ['email', 'flaky', 'sleep'], greeting: null });
  });
});

test('a wrong setting of the sample handlers is refused by its name', async () => {
  const report = await load(temporaryDirectory(), undefined, { SMTP_HOST: 'localhost', SMTP_PORT: 'smtp' });
  expect(report).toMatchObject({ name: 'HandlersError', message: expect.stringContaining('SMTP_PORT is "smtp"') });
});

test.each([
  ['missing.ts', undefined, 'HANDLERS (missing.ts): there is no such file'],
  ['broken.ts', 'export default {', /^HANDLERS \(broken\.ts\) cannot be loaded: .*broken\.ts:1/],
  [
    'throwing.mjs',
    'throw new RangeError("on\\nload")',
    'HANDLERS (throwing.mjs) cannot be loaded: RangeError: on load',
  ],
  ['importing.mjs', 'import "./nothing.mjs"', /^HANDLERS \(importing\.mjs\) cannot be loaded: .*nothing\.mjs/],
  ['named.mjs', 'export const greet = 1', /^HANDLERS \(named\.mjs\): the default export must be an object/],
  ['wrong.mjs', 'export default { greet: 1 }', /^HANDLERS \(wrong\.mjs\): handlers\.greet must be a function/],
])('%s is refused in one line that says why', async (file, source, message) => {
  const cwd = temporaryDirectory();
  if (source !== undefined) fs.writeFileSync(join(cwd, file), source);
  const report = (await load(cwd, file)) as { name: string; message: string };
  expect(report.name).toBe('HandlersError');
  expect(report.message).toMatch(message);
  expect(report.message).not.toContain('\n');
});

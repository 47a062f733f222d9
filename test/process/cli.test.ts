// The command line as a process: what only a process can show. The commands themselves are in test/unit/runtime/cli.

import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { BUILT } from '../support/built.ts';
import { removeDirectory, scratchDirectory, waitUntil } from '../support/server.ts';

const ENTRY = join(BUILT, 'cli.js');

let directory: string;
beforeEach(() => {
  directory = scratchDirectory();
});
afterEach(() => removeDirectory(directory));

const environment = (more: Readonly<Record<string, string>> = {}) => {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, PORT: '0', DATA_DIR: join(directory, 'data'), TMPDIR: directory, ...more };
};

const perdure = (argv: readonly string[], more: Readonly<Record<string, string>> = {}, input = '') =>
  spawnSync(process.execPath, [ENTRY, ...argv], { env: environment(more), encoding: 'utf8', input, timeout: 100_000 });

it('a job is submitted to a server, seen, and found again in the directory after it', async () => {
  const server = spawn(process.execPath, [ENTRY, 'serve'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void server.kill('SIGKILL'));
  const url = await new Promise<string>((found) => {
    createInterface({ input: server.stdout }).on('line', (line) => {
      const { msg, url } = JSON.parse(line) as { msg: string; url: string };
      if (msg === 'listening') found(url);
    });
  });
  const here = { PERDURE_URL: url };

  const submitted = perdure(['submit', 'sleep', '-', '--json'], here, '{"ms": 1}');
  expect(submitted).toMatchObject({ status: 0, stderr: '' });
  const { id } = JSON.parse(submitted.stdout) as { id: string };
  await waitUntil(
    async () => JSON.parse(perdure(['show', id, '--json'], here).stdout) as { state: string },
    ({ state }) => state === 'succeeded',
  );
  // A pipe is no terminal: nothing is coloured.
  expect(perdure(['list'], here).stdout).toMatch(new RegExp(`^${id}  succeeded  sleep`, 'm'));
  expect(perdure(['submit', 'sleep', '{"ms": -1}'], here)).toMatchObject({ status: 1, stdout: '' });
  expect(perdure(['verify'])).toMatchObject({ status: 1, stdout: '' });

  server.kill('SIGTERM');
  expect(await once(server, 'exit')).toEqual([0, null]);
  expect(perdure(['verify'])).toMatchObject({ status: 0, stderr: '' });
  expect(perdure(['journal', '--job', id]).stdout).toMatch(/succeeded/);
}, 120_000);

it.each([['list --help'], ['serve --help']])(
  'the end of the reader of `perdure %s` is no failure',
  async (line) => {
    const help = spawn(process.execPath, [ENTRY, ...line.split(' ')], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    help.stdout.destroy();
    let stderr = '';
    help.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    expect(await once(help, 'close')).toEqual([0, null]);
    expect(stderr).toBe('');
  },
  60_000,
);

it('the demo kills a real server, loses nothing and leaves nothing behind', () => {
  const { status, stdout, stderr } = perdure(['demo', '--jobs', '120', '--kills', '2', '--json']);
  expect(status, stderr).toBe(0);
  const account = JSON.parse(stdout) as Record<string, unknown> & { repeated: { attempts: { endedBy: unknown }[] }[] };
  expect(account).toMatchObject({ acknowledged: 120, done: 120, lost: [], kills: 2, directory: null });
  expect(account.repeated.length).toBeGreaterThan(0);
  for (const { attempts } of account.repeated) {
    expect(attempts.map(({ endedBy }) => endedBy)).not.toContain('unexplained');
    expect(attempts.at(-1)?.endedBy).toBeNull();
  }
  expect(stderr).toMatch(/^kill -9 number 2: \d+ of 120 acknowledged$/m);
  expect(readdirSync(directory).filter((name) => name.startsWith('perdure-demo-'))).toEqual([]);
}, 120_000);

it('the server of the demo ends though the demo was gone before it had begun', async () => {
  const server = fork(ENTRY, ['serve'], {
    env: environment({ HANDLERS: join(BUILT, 'handlers/demo.js') }),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  onTestFinished(() => void server.kill('SIGKILL'));
  server.disconnect();
  expect(await once(server, 'exit')).toEqual([1, null]);
});

it('the demo that is interrupted takes its server and its directory with it', async () => {
  const demo = spawn(process.execPath, [ENTRY, 'demo'], { env: environment(), stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void demo.kill('SIGKILL'));
  let stderr = '';
  demo.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await waitUntil(
    async () => stderr,
    (text) => text.includes('kill -9 number 1'),
    { withinMs: 60_000 },
  );
  demo.kill('SIGINT');
  expect(await once(demo, 'exit')).toEqual([130, null]);
  await waitUntil(
    async () => existsSync(directory) && readdirSync(directory).filter((name) => name.startsWith('perdure-demo-')),
    (left) => left !== false && left.length === 0,
  );
}, 90_000);

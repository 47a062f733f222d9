// A damaged directory is refused, salvaged, and opened again.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BUILT } from '../support/built.ts';
import { TestServer, removeDirectory, scratchDirectory } from '../support/server.ts';

const PERDURE = join(BUILT, 'cli.js');

let scratch: string;
beforeEach(() => (scratch = scratchDirectory()));
afterEach(() => removeDirectory(scratch));

const salvage = (...args: readonly string[]) =>
  spawnSync(process.execPath, [PERDURE, 'salvage', ...args], { encoding: 'utf8' });

async function submit(url: string, key: string): Promise<string> {
  const body = JSON.stringify({ type: 'sleep', payload: { ms: 1 }, idempotency_key: key });
  const response = await fetch(`${url}/createJob`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return ((await response.json()) as { id: string }).id;
}

it('"copies what can be read of it to a new one, and lists what could not"', async () => {
  const [damaged, fresh] = [join(scratch, 'damaged'), join(scratch, 'fresh')];
  const server = await TestServer.start({ DATA_DIR: damaged, WORKER_COUNT: '0' });
  const ids: string[] = [];
  for (const key of ['a', 'b', 'c']) ids.push(await submit(server.url, key));
  await server.stop();

  const journal = join(damaged, readdirSync(damaged).find((file) => file.endsWith('.log')) ?? '');
  const bytes = readFileSync(journal);
  const at = bytes.indexOf(`"idempotencyKey":"b"`);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(journal, bytes);

  const refused = new TestServer({ DATA_DIR: damaged });
  expect((await refused.exited).code).toBe(3);
  expect(refused.stderr).toContain('npm run salvage -- DAMAGED NEW');

  const { status, stdout } = salvage(damaged, fresh);
  expect(status).toBe(3);
  expect(stdout).toMatch(/lost: journal-0000000001\.log at byte \d+, \d+ bytes: no valid record/);
  expect(readFileSync(journal)).toEqual(bytes);

  const again = await TestServer.start({ DATA_DIR: fresh, WORKER_COUNT: '0' });
  const statuses = await Promise.all(ids.map(async (id) => (await fetch(`${again.url}/jobs/${id}`)).status));
  expect(statuses).toEqual([200, 404, 200]);
  await again.stop();
});

it('wrong use exits 2; a directory that is missing, or exists already, exits 1 and nothing is made', () => {
  expect(salvage(scratch).status).toBe(2);
  expect(salvage(join(scratch, 'missing'), join(scratch, 'new')).status).toBe(1);
  expect(readdirSync(scratch)).toEqual([]);
  expect(salvage(scratch, scratch).status).toBe(1);
});

it('a directory that a server holds is not salvaged', async () => {
  const held = join(scratch, 'held');
  const server = await TestServer.start({ DATA_DIR: held });
  const { status, stderr } = salvage(held, join(scratch, 'new'));
  expect(status).toBe(1);
  expect(stderr).toContain('is held by process');
  await server.stop();
});

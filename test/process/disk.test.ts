// The disk says no. The server is the real one, and so is everything about its disk but the failure itself: see
// ../support/failing-disk.mjs.

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { handlersIn, launch } from '../support/process.ts';
import { waitUntil } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const PRELOAD = join(import.meta.dirname, '../support/failing-disk.mjs');

const HANDLERS = `
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
export default { gated: async () => { while (!existsSync(process.env.GATE)) await wait(10); return 'done'; } };
`;

async function setUp(variables: Readonly<Record<string, string>> = {}) {
  const directory = temporaryDirectory();
  const [gate, fault, quota] = [join(directory, 'gate'), join(directory, 'fault'), join(directory, 'quota')];
  const environment = {
    DATA_DIR: join(directory, 'data'),
    HANDLERS: handlersIn(directory, HANDLERS),
    GATE: gate,
    FAULT: fault,
    QUOTA: quota,
    ...variables,
  };
  const { server, client } = await launch(environment, { preload: PRELOAD });
  return { server, client, environment, gate, fault, quota };
}

/** The file is there with all of its text at once: the server may look at it at any time. */
function order(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

it('a full disk makes the server read-only, and space makes it whole again', async () => {
  const { server, client, gate, quota, environment } = await setUp({ WORKER_COUNT: '1' });
  const running = await client.submit('gated');
  await client.reaches(running.id, 'running');
  const stored: string[] = [];

  order(quota, '20000');
  const submit = () => client.offer('gated', 'x'.repeat(1_000), { priority: 1 });
  const refused = await waitUntil(submit, ({ status, body }) => {
    if (status === 201) stored.push(body.id);
    return status !== 201;
  });
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(refused.body.detail).toMatch(/space.*Nothing was stored/);
  expect(stored.length).toBeGreaterThan(5);
  const ready = await client.get<{ detail: string }>('/readyz');
  expect(ready.status).toBe(503);
  expect(ready.body.detail).toContain('full');
  expect((await client.get('/healthz')).status).toBe(200);
  for (const id of stored) expect((await client.job(id)).state).toBe('pending'); // reads go on
  expect((await client.call('POST', '/createJobs', { jobs: [{ type: 'gated' }] })).status).toBe(503);

  writeFileSync(gate, ''); // and what ends an attempt is stored
  expect(await client.reaches(running.id, 'succeeded')).toMatchObject({ result: 'done', attempt: 1 });
  expect((await submit()).status).toBe(503);

  rmSync(quota);
  const accepted = await waitUntil(submit, ({ status }) => status !== 503);
  expect(accepted.status).toBe(201);
  expect((await client.get('/readyz')).status).toBe(200);
  for (const id of [...stored, accepted.body.id]) await client.reaches(id, 'succeeded');
  expect(await server.stop()).toEqual({ code: 0, signal: null });

  const next = await launch(environment);
  expect((await next.client.get('/stats')).body).toMatchObject({ jobs: { succeeded: stored.length + 2 } });
});

it('an orderly shutdown on a full disk is orderly: the reserve has room for its last record', async () => {
  const { server, client, quota, environment } = await setUp({ WORKER_COUNT: '1', SHUTDOWN_GRACE_MS: '0' });
  const { id } = await client.submit('gated');
  await client.reaches(id, 'running');
  order(quota, '0');
  expect((await client.offer('gated')).status).toBe(503);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  const next = await launch({ ...environment, WORKER_COUNT: '0' });
  expect(next.server.log[0]).toMatchObject({ msg: 'recovered', clean: true });
  expect(await next.client.job(id)).toMatchObject({ state: 'pending', crashes: 0, failures: 0 });
});

it('a start on a full disk serves in the room of its reserve, and takes submissions once there is space', async () => {
  const { server, client, quota, environment } = await setUp({ WORKER_COUNT: '0' });
  const { id } = await client.submit('gated');
  await server.stop('SIGKILL');
  order(quota, '0');

  const next = await launch(environment, { preload: PRELOAD });
  expect(await next.client.job(id)).toMatchObject({ state: 'pending' });
  expect((await next.client.get('/readyz')).status).toBe(503);
  expect((await next.client.offer('gated')).status).toBe(503);
  rmSync(quota);
  await waitUntil(
    () => next.client.offer('gated'),
    ({ status }) => status === 201,
  );
  expect((await next.client.get('/readyz')).status).toBe(200);
});

it.each(['fdatasync', 'write'])(
  'a failed %s ends the process: nobody is told 2xx, exit 4, and the next start recovers',
  async (operation) => {
    const { server, client, environment, fault } = await setUp();
    const acknowledged = await Promise.all(Array.from({ length: 10 }, (_, n) => client.submit('gated', n)));
    order(fault, operation);
    const keys = Array.from({ length: 8 }, (_, n) => `key-${n}`);
    const offers = keys.map((key) => client.offer('gated', key, { idempotency_key: key }).catch(() => null));
    const answers = (await Promise.all(offers)).filter((answer) => answer !== null); // one may come after the end
    expect(answers.length).toBeGreaterThan(0);
    for (const { status, body, headers } of answers) {
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toMatch(/^\d+$/);
      expect(body.detail).toMatch(/outcome is unknown|Nothing was stored/);
    }
    expect(await server.ended()).toEqual({ code: 4, signal: null });
    expect(server.stderr.trim().split('\n')).toHaveLength(1);
    expect(server.stderr).toContain('EIO');
    rmSync(fault);

    const next = await launch({ ...environment, WORKER_COUNT: '0' });
    for (const { id } of acknowledged) await next.client.job(id);
    for (const key of keys)
      expect([200, 201]).toContain((await next.client.offer('gated', key, { idempotency_key: key })).status);
    expect((await next.client.get<{ depth: number }>('/stats')).body.depth).toBe(acknowledged.length + keys.length);
  },
);

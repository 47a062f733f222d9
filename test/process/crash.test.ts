// A process that dies under its jobs: they are pending again at once, and the one that kills it is found out.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kindsOf } from '../support/client.ts';
import { handlersIn, launch } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const HANDLERS = `
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
const untilReleased = async () => { while (!existsSync(process.env.GATE)) await wait(10); };
export default {
  exiting: async () => { await wait(100); process.exit(1); },
  killing: async () => { await wait(100); process.kill(process.pid, 'SIGKILL'); },
  throwing: async () => { await wait(100); setImmediate(() => { throw new Error('out of nowhere'); }); await wait(1e6); },
  atOnce: () => process.exit(7),
  leaving: () => process.exit(),
  leavingLate: (_, { signal }) => new Promise(() => signal.addEventListener('abort', () => process.exit(0))),
  innocent: async () => { await untilReleased(); return 'done'; },
};
`;

function setUp() {
  const directory = temporaryDirectory();
  const gate = join(directory, 'gate');
  return {
    gate,
    environment: { DATA_DIR: join(directory, 'data'), HANDLERS: handlersIn(directory, HANDLERS), GATE: gate },
  };
}

it('what was running is pending again at once, one crash the more; its visibility timeout is not waited out', async () => {
  const { environment } = setUp();
  const { server, client } = await launch(environment);
  const { id } = await client.submit('innocent', null, { timeout_ms: 86_400_000 });
  await client.reaches(id, 'running');
  await server.stop('SIGKILL');

  const next = await launch({ ...environment, WORKER_COUNT: '0' });
  const job = await next.client.job(id);
  expect(job).toMatchObject({ state: 'pending', attempt: 1, crashes: 1, failures: 0, lease_until: null });
  expect(job.last_error).toMatchObject({ name: 'CrashError' });
  expect(kindsOf(job)).toEqual(['submitted', 'started', 'crashed']);
  expect(Date.parse(job.run_at)).toBeLessThanOrEqual(Date.now());
});

it('a job that takes the process down is dead after the third crash, and the innocent beside it succeed', async () => {
  const { environment, gate } = setUp();
  let { server, client } = await launch(environment);
  const innocents = await Promise.all([1, 2, 3, 4].map(() => client.submit('innocent')));
  for (const { id } of innocents) await client.reaches(id, 'running');
  const { id } = await client.submit('exiting', null, { max_retries: 0 });
  for (let crash = 1; crash <= 3; crash++) {
    expect(await server.ended()).toEqual({ code: 1, signal: null });
    writeFileSync(gate, ''); // the innocent end from here on, if they are let
    ({ server, client } = await launch(environment));
  }
  const culprit = await client.job(id);
  expect(culprit).toMatchObject({ state: 'dead', attempt: 3, crashes: 3, failures: 0 });
  expect(culprit.last_error).toMatchObject({ name: 'CrashError' });
  expect(culprit.last_error?.message).toContain('crash 3 of 3');
  expect(kindsOf(culprit).filter((kind) => kind === 'crashed')).toHaveLength(3);
  for (const innocent of innocents) {
    const job = await client.reaches(innocent.id, 'succeeded');
    expect(job.crashes, 'it stood beside the culprit once').toBeLessThanOrEqual(1);
  }
});

it.each([
  ['killing', { code: null, signal: 'SIGKILL' }],
  ['throwing', { code: 70, signal: null }],
  ['leaving', { code: 70, signal: null }], // by 0 nobody would know that it must be started again
])('however it is taken down (%s), the jobs of the process have crashed', async (type, end) => {
  const { environment } = setUp();
  const { server, client } = await launch(environment);
  const ids = [(await client.submit('innocent')).id, (await client.submit(type)).id];
  expect(await server.ended()).toEqual(end);
  const next = await launch({ ...environment, WORKER_COUNT: '0' });
  for (const id of ids) expect(await next.client.job(id)).toMatchObject({ state: 'pending', attempt: 1, crashes: 1 });
});

it('a handler that ends the process with 0 in a shutdown does not make it an orderly one', async () => {
  const { environment } = setUp();
  const { server, client } = await launch({ ...environment, SHUTDOWN_GRACE_MS: '0' });
  const { id } = await client.submit('leavingLate');
  await client.reaches(id, 'running');
  expect(await server.stop()).toEqual({ code: 70, signal: null });
});

it('a handler that ends the process at once does not take the answer to its submission along', async () => {
  const { environment } = setUp();
  const { server, client } = await launch({ ...environment, MAX_CRASHES: '1' });
  const { id } = await client.submit('atOnce');
  expect(await server.ended()).toEqual({ code: 7, signal: null });
  const next = await launch({ ...environment, MAX_CRASHES: '1' });
  expect(await next.client.job(id)).toMatchObject({ state: 'dead', attempt: 1, crashes: 1 });
  expect((await next.client.call('POST', `/jobs/${id}/retry`)).body).toMatchObject({ state: 'pending', crashes: 0 });
  await next.server.ended();
});

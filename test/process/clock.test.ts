// The wall clock is set, or the process stopped, while the server runs.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kindsOf } from '../support/client.ts';
import { handlersIn, launch } from '../support/process.ts';
import { waitUntil } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const PRELOAD = join(import.meta.dirname, '../support/jumping-clock.mjs');
const HOUR_MS = 3_600_000;

const HANDLERS = `
import { setTimeout as wait } from 'node:timers/promises';
export default {
  slow: async () => { await wait(1_500); return 'done'; },
  quick: () => 'done',
  deaf: { maxRetries: 0, handler: () => wait(60_000) },
};
`;

async function setUp() {
  const directory = temporaryDirectory();
  const offset = join(directory, 'offset');
  const environment = { DATA_DIR: join(directory, 'data'), HANDLERS: handlersIn(directory, HANDLERS), OFFSET: offset };
  const { server, client } = await launch(environment, { preload: PRELOAD });
  const setClock = async (ms: number): Promise<void> => {
    writeFileSync(offset, String(ms));
    server.kill('SIGUSR2');
    await waitUntil(
      async () => existsSync(offset),
      (exists) => !exists,
    );
  };
  return { server, client, setClock, environment };
}

const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();

it('set ahead by an hour: no lease expires, and nothing starts that is due in two', async () => {
  const { client, setClock } = await setUp();
  const delayed = await client.submit('quick', null, { delay_ms: 2 * HOUR_MS });
  const dated = await client.submit('quick', null, { run_at: inHours(2) });
  const running = await client.submit('slow', null, { timeout_ms: 60_000 });
  await client.reaches(running.id, 'running');
  await setClock(HOUR_MS);

  expect(await client.reaches(running.id, 'succeeded')).toMatchObject({ attempt: 1, failures: 0 });
  expect((await client.submit('quick', null, { delay_ms: 60_000 })).state).toBe('pending');
  const later = await client.submit('quick', null, { run_at: inHours(1.5) }); // by the new clock, half an hour from now
  const soon = await client.submit('quick', null, { run_at: inHours(0.5) }); // by the new clock it is over
  await client.reaches(soon.id, 'succeeded');
  for (const { id } of [delayed, dated, later]) expect(kindsOf(await client.job(id))).toEqual(['submitted']);
});

it('set back by an hour: nothing that is due is held back, and leases end when they should', async () => {
  const { server, client, setClock, environment } = await setUp();
  const delayed = await client.submit('quick', null, { delay_ms: 1_500 });
  const hanging = await client.submit('deaf', null, { timeout_ms: 1_500 });
  await client.reaches(hanging.id, 'running');
  await setClock(-HOUR_MS);

  const dated = await client.submit('quick', null, { run_at: inHours(-0.5) }); // by the new clock, half an hour from now
  await client.reaches(delayed.id, 'succeeded');
  expect((await client.reaches(hanging.id, 'dead')).last_error?.name).toBe('TimeoutError');
  const again = await client.submit('quick', null, { delay_ms: 200 });
  const { history } = await client.reaches(again.id, 'succeeded');
  expect(kindsOf(await client.job(dated.id))).toEqual(['submitted']);
  const instants = history.map(({ at }) => Date.parse(at));
  expect(instants, 'stored time never runs backwards').toEqual(instants.toSorted((a, b) => a - b));
  await server.stop();

  const next = await launch(environment);
  const quick = await next.client.submit('quick');
  await next.client.reaches(quick.id, 'succeeded');
});

it('stopped beyond its leases: a handler that answers is heard before its lease is judged, one that does not loses it', async () => {
  const { server, client } = await setUp();
  const answering = await client.submit('slow', null, { timeout_ms: 2_500 });
  const hanging = await client.submit('deaf', null, { timeout_ms: 2_500 });
  await client.reaches(hanging.id, 'running');
  const { lease_until: leaseUntil } = await client.job(hanging.id);
  server.kill('SIGSTOP');
  const overAt = Date.parse(leaseUntil ?? '') + 1_500;
  await waitUntil(
    async () => Date.now(),
    (now) => now > overAt,
  );
  server.kill('SIGCONT');
  // Each look at the jobs is an input too: inputs must not put the judgement off.
  expect(await client.reaches(hanging.id, 'dead')).toMatchObject({ failures: 1, last_error: { name: 'TimeoutError' } });
  expect(await client.job(answering.id)).toMatchObject({ state: 'succeeded', attempt: 1, failures: 0 });
});

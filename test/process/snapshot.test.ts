// A journal that has outgrown the last snapshot is folded into a new one, while the server goes on serving.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import initSqlJs from 'sql.js';
import { expect, it } from 'vitest';
import type { Client } from '../support/client.ts';
import { launch } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const JOBS_PER_REQUEST = 10;
const PAYLOAD = { ms: 0, filler: 'x'.repeat(100_000) };

/** Journal bytes that one request makes, roughly. */
const REQUEST_BYTES = JOBS_PER_REQUEST * PAYLOAD.filler.length;

async function fill(client: Client, bytes: number): Promise<void> {
  const jobs = Array.from({ length: JOBS_PER_REQUEST }, () => ({ type: 'sleep', payload: PAYLOAD }));
  for (let written = 0; written < bytes; written += REQUEST_BYTES) {
    expect((await client.call('POST', '/createJobs', { jobs })).status).toBe(201);
  }
}

const filesIn = (directory: string, ending: string): string[] =>
  readdirSync(directory)
    .filter((file) => file.endsWith(ending))
    .sort();

async function jobsIn(file: string): Promise<unknown> {
  const sql = await initSqlJs();
  const database = new sql.Database(readFileSync(file));
  const [answer] = database.exec('SELECT count(*) FROM job');
  database.close();
  return answer?.values[0]?.[0];
}

const depthOf = async (client: Client): Promise<number> => (await client.get<{ depth: number }>('/stats')).body.depth;

it('snapshots are taken beside the requests, open as SQLite files, and let old segments go', async () => {
  const directory = temporaryDirectory();
  const environment = { DATA_DIR: directory, WORKER_COUNT: '0' };
  const { server, client } = await launch(environment);
  const taken = (throughSegment: number) =>
    server.logged((line) => line.msg === 'snapshot taken' && line['throughSegment'] === throughSegment);

  await fill(client, 9_000_000);
  let isTaken = false;
  const first = taken(1).then(() => (isTaken = true));
  while (!isTaken) expect((await client.offer('sleep', { ms: 0 })).status).toBe(201);
  await first;
  expect(filesIn(directory, '.sqlite')).toEqual(['snapshot-0000000001.sqlite']);
  expect(filesIn(directory, '.log')).toEqual(['journal-0000000001.log', 'journal-0000000002.log']);
  expect(await jobsIn(join(directory, 'snapshot-0000000001.sqlite'))).toBeGreaterThanOrEqual(80);

  await fill(client, 12_000_000);
  await taken(2);
  expect(filesIn(directory, '.sqlite')).toEqual(['snapshot-0000000001.sqlite', 'snapshot-0000000002.sqlite']);
  expect(filesIn(directory, '.log')).toEqual(['journal-0000000002.log', 'journal-0000000003.log']);
  const depth = await depthOf(client);
  await server.stop('SIGKILL');

  const next = await launch(environment);
  expect(next.server.log.find(({ msg }) => msg === 'recovered')?.['snapshotRecord']).toBeGreaterThan(0);
  expect(await depthOf(next.client)).toBe(depth);
});

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'a snapshot that %s interrupts loses nothing and holds up nobody',
  async (signal) => {
    const directory = temporaryDirectory();
    const environment = { DATA_DIR: directory, WORKER_COUNT: '0' };
    const { server, client } = await launch(environment);
    await fill(client, 9_000_000);
    const depth = await depthOf(client);
    await server.stop(signal);
    expect(server.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);

    const next = await launch(environment);
    expect(await depthOf(next.client)).toBe(depth);
    expect(filesIn(directory, '.tmp')).toEqual([]);
  },
);

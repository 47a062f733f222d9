// `kill -9` at any moment under load, restart, and nothing acknowledged is missing.
//
// This cannot see a missing sync, because the page cache survives the process; the simulator's power cuts do.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RunningServer } from '../support/server.ts';
import { TestServer, removeDirectory, scratchDirectory, waitUntil } from '../support/server.ts';

const KILLS = 24;
const CLIENTS = 12;

/** Appends a line to the ledger for each run, synced by nothing: what is read back is what ran. */
const HANDLERS = `
import { appendFileSync } from 'node:fs';
export default {
  note: async ({ key, ms, failures }, context) => {
    appendFileSync(process.env.LEDGER, key + ' ' + context.attempt + '\\n');
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (context.failures < failures) throw new Error('as asked');
    return key;
  },
};
`;

type Acknowledged = { readonly id: string; readonly key: string };
type JobJson = {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly history: { kind: string; attempt: number }[];
};

let directory: string;
beforeEach(() => {
  directory = scratchDirectory();
});
afterEach(() => removeDirectory(directory));

it('nothing acknowledged is lost, and every run beyond the first is explained', async () => {
  const ledgerFile = join(directory, 'ledger');
  writeFileSync(ledgerFile, '');
  writeFileSync(join(directory, 'handlers.mjs'), HANDLERS);
  const environment = {
    DATA_DIR: join(directory, 'data'),
    HANDLERS: join(directory, 'handlers.mjs'),
    LEDGER: ledgerFile,
    MAX_CRASHES: '1000',
  };
  const acknowledged: Acknowledged[] = [];
  // Those who ask wait for it while it starts again: asking a port that nobody listens to would only take its time.
  let running = TestServer.start(environment);
  let isOver = false;

  const client = async (name: number): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      const key = `client-${name}-${n}`;
      const id = await submitUntilAnswered(
        key,
        () => running,
        () => isOver,
      );
      if (id !== null) acknowledged.push({ id, key });
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, name) => client(name));

  let killed = 0;
  for (; killed < KILLS; killed++) {
    await waitUntil(
      async () => acknowledged.length,
      (length) => length > (killed + 1) * 40,
    );
    const server = await running;
    running = server.stop('SIGKILL').then(() => TestServer.start(environment));
    await running;
  }
  const server = await running;
  isOver = true;
  await Promise.all(clients);

  const stats = await waitUntil(
    async () => (await (await fetch(`${server.url}/stats`)).json()) as { depth: number; jobs: Record<string, number> },
    ({ depth }) => depth === 0,
    { withinMs: 60_000 },
  );
  const runs = runsOf(ledgerFile);
  let repeated = 0;
  for (const { id, key } of acknowledged) {
    const response = await fetch(`${server.url}/jobs/${id}`);
    expect(response.status, `job ${id} (${key}) was acknowledged`).toBe(200);
    const job = (await response.json()) as JobJson;
    expect(job.state).toBe('succeeded');
    const ran = runs.get(key) ?? [];
    expect(ran.length, `${key} ran at least once`).toBeGreaterThan(0);
    expect(new Set(ran).size, `${key} ran once under each attempt number`).toBe(ran.length);
    // Every run but the last one is an attempt that its history says failed or crashed.
    const ended = job.history
      .filter(({ kind }) => kind === 'crashed' || kind === 'failed')
      .map(({ attempt }) => attempt);
    for (const attempt of ran) if (attempt !== job.attempt) expect(ended).toContain(attempt);
    if (ran.length > 1) repeated += 1;
  }
  expect(stats.jobs['dead']).toBe(0);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  const summary = { acknowledged: acknowledged.length, kills: killed, lost: 0, repeated };
  console.log(`kill -9: ${JSON.stringify(summary)}`);
}, 240_000);

/** Sends the same key again until an answer comes; null when the test is over first. */
async function submitUntilAnswered(
  key: string,
  server: () => Promise<RunningServer>,
  isOver: () => boolean,
): Promise<string | null> {
  const number = Number(key.split('-').at(-1));
  const body = JSON.stringify({
    type: 'note',
    payload: { key, ms: number % 5, failures: number % 7 === 0 ? 1 : 0 },
    idempotency_key: key,
    max_retries: 50,
  });
  while (!isOver()) {
    const { url } = await server();
    try {
      const response = await fetch(`${url}/createJob`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const job = (await response.json()) as { id: string };
      expect([200, 201]).toContain(response.status);
      return job.id;
    } catch (error) {
      if (error instanceof Error && error.name === 'AssertionError') throw error;
      await new Promise((resume) => setTimeout(resume, 10)); // it was killed: ask again
    }
  }
  return null;
}

function runsOf(file: string): Map<string, number[]> {
  const runs = new Map<string, number[]>();
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const [key = '', attempt = ''] = line.split(' ');
    runs.set(key, [...(runs.get(key) ?? []), Number(attempt)]);
  }
  return runs;
}

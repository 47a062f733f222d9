// The end that was asked for: what runs gets its grace, nothing is lost, and the next start finds all in order.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { kindsOf } from '../support/client.ts';
import { handlersIn, launch } from '../support/process.ts';
import { TestServer, waitUntil } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const HANDLERS = `
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
export default {
  gated: async () => { while (!existsSync(process.env.GATE)) await wait(10); return 'done'; },
  quick: () => 'done',
  polite: (_, { signal }) => new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason))),
  deaf: () => new Promise((done) => setTimeout(done, 3_600_000)),
};
`;

const ROOT = join(import.meta.dirname, '../..');
const PRELOAD = join(import.meta.dirname, '../support/tell-signal-listener.mjs');

const ORDERLY = { code: 0, signal: null };
const draining = ({ msg }: { msg?: string }): boolean => msg === 'shutting down';

it('SIGTERM: submissions get 503 at once, reads go on, and a handler that ends within the grace has succeeded', async () => {
  const directory = temporaryDirectory();
  const gate = join(directory, 'gate');
  const environment = {
    DATA_DIR: join(directory, 'data'),
    HANDLERS: handlersIn(directory, HANDLERS),
    SHUTDOWN_GRACE_MS: '60000',
    GATE: gate,
  };
  const { server, client } = await launch(environment);
  const running = await client.submit('gated');
  await client.reaches(running.id, 'running');
  const waiting = await client.submit('deaf', null, { delay_ms: 300 });
  const feed = await fetch(`${client.url}/events`);

  server.kill('SIGTERM');
  await server.logged(draining);
  const refused = await client.offer('quick', null, { idempotency_key: 'late' });
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(refused.body.detail).toContain('shutting down');
  expect((await client.get('/readyz')).status).toBe(503);
  expect((await client.get('/healthz')).status).toBe(200);
  expect((await client.job(running.id)).state).toBe('running');
  await waitUntil(
    async () => Date.now(),
    (now) => now > Date.parse(waiting.run_at) + 100,
  );
  writeFileSync(gate, '');
  expect(await server.ended()).toEqual(ORDERLY);
  await feed.text(); // it was ended, not cut off

  const next = await launch({ ...environment, WORKER_COUNT: '0' });
  expect(next.server.log[0]).toMatchObject({ msg: 'recovered', clean: true, cutBytes: 0 });
  const finished = await next.client.job(running.id);
  expect(finished).toMatchObject({ state: 'succeeded', result: 'done', attempt: 1 });
  expect(kindsOf(await next.client.job(waiting.id))).toEqual(['submitted']); // it fell due, and was not started any more
  expect((await next.client.get<{ jobs: unknown[] }>('/jobs')).body.jobs).toHaveLength(2);
});

it('an attempt that does not finish in the grace is given back: neither a failure nor a crash', async () => {
  const directory = temporaryDirectory();
  const environment = {
    DATA_DIR: join(directory, 'data'),
    HANDLERS: handlersIn(directory, HANDLERS),
    SHUTDOWN_GRACE_MS: '200',
  };
  const { server, client } = await launch(environment);
  const jobs = await Promise.all([client.submit('polite'), client.submit('deaf')]);
  for (const { id } of jobs) await client.reaches(id, 'running');
  expect(await server.stop('SIGINT')).toEqual(ORDERLY);

  const next = await launch({ ...environment, WORKER_COUNT: '0' });
  expect(next.server.log[0]).toMatchObject({ msg: 'recovered', clean: true });
  for (const { id } of jobs) {
    const job = await next.client.job(id);
    expect(job).toMatchObject({ state: 'pending', attempt: 1, failures: 0, crashes: 0, lease_until: null });
    expect(job.last_error).toBeNull();
    expect(kindsOf(job)).toEqual(['submitted', 'started', 'released']);
    expect(Date.parse(job.run_at)).toBeLessThanOrEqual(Date.now());
  }
});

it.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second signal, %s, ends the process at once with %i, and nothing is lost', async (second, code) => {
  const directory = temporaryDirectory();
  const environment = { DATA_DIR: join(directory, 'data'), HANDLERS: handlersIn(directory, HANDLERS) };
  const { server, client } = await launch({ ...environment, SHUTDOWN_GRACE_MS: '3600000' });
  const done = await client.submit('quick');
  await client.reaches(done.id, 'succeeded');
  const running = await client.submit('deaf');
  await client.reaches(running.id, 'running');
  server.kill('SIGTERM');
  await server.logged(draining);
  expect(await server.stop(second)).toEqual({ code, signal: null });

  const next = await launch({ ...environment, WORKER_COUNT: '0' });
  expect((await next.client.job(done.id)).state).toBe('succeeded');
  expect(await next.client.job(running.id)).toMatchObject({ state: 'pending', attempt: 1, crashes: 1, failures: 0 });
});

it('SIGTERM at any moment of the start: exit 0, no job is begun and left, and the next start finds all', async () => {
  const directory = temporaryDirectory();
  const environment = { DATA_DIR: join(directory, 'data'), HANDLERS: handlersIn(directory, HANDLERS) };
  const first = await launch(environment);
  const { id } = await first.client.submit('deaf', null, { delay_ms: 400 });
  await first.server.stop();

  for (const delayMs of [0, 30, 60, 90, 120, 180]) {
    const ready = join(directory, `ready-${delayMs}`);
    const server = new TestServer({ ...environment, SHUTDOWN_GRACE_MS: '0', READY: ready }, { preload: PRELOAD });
    await waitUntil(async () => existsSync(ready), Boolean);
    await new Promise((resume) => setTimeout(resume, delayMs));
    expect(await server.stop(), server.stderr).toEqual(ORDERLY);
    expect(server.stderr).toBe('');
  }
  const { client } = await launch({ ...environment, WORKER_COUNT: '0' });
  expect(await client.job(id)).toMatchObject({ state: 'pending', crashes: 0, failures: 0 });
});

it('`npm start` passes the signal on: the server shuts down in order', async () => {
  const variables = { PORT: '0', DATA_DIR: temporaryDirectory() };
  const npm = spawn('npm', ['start'], { cwd: ROOT, env: { ...process.env, ...variables }, stdio: 'pipe' });
  onTestFinished(() => void npm.kill('SIGKILL'));
  const lines: string[] = [];
  const output = createInterface({ input: npm.stdout }).on('line', (line) => lines.push(line));
  const url = await waitUntil(
    async () => /"url":"([^"]+)".*"listening"/.exec(lines.join('\n'))?.[1],
    (found) => found !== undefined,
  );
  const ended = Promise.all([once(npm, 'exit'), once(output, 'close')]);
  npm.kill('SIGTERM');
  await ended;
  expect(lines.at(-1)).toContain('"shut down"');
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

it('a shutdown waits for no client: one that holds a request open does not hold up the end', async () => {
  const directory = temporaryDirectory();
  const { server } = await launch({ DATA_DIR: join(directory, 'data') });
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await new Promise((connected) => socket.once('connect', connected));
  socket.write(
    `POST /createJob HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
  );
  const startedAt = performance.now();
  expect(await server.stop()).toEqual(ORDERLY);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
});

it('a standard output that is closed ends nothing', async () => {
  const directory = temporaryDirectory();
  const source = `export default { noisy: (_, { log }) => { console.log('x'); process.stdout.write('y'); log.info({}, 'z'); } };`;
  const environment = {
    DATA_DIR: join(directory, 'data'),
    HANDLERS: handlersIn(directory, source),
    LOG_LEVEL: 'debug',
  };
  const { server, client } = await launch(environment);
  server.process.stdout?.destroy();
  server.process.stderr?.destroy();
  for (let n = 0; n < 20; n++) await client.reaches((await client.submit('noisy')).id, 'succeeded');
  expect(await server.stop()).toEqual(ORDERLY);
});

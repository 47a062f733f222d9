// The start: what it says, what it refuses, and that what it refuses stays as it was found.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fingerprint, handlersIn, launch, runToEnd } from '../support/process.ts';
import type { Environment } from '../support/process.ts';
import { waitUntil } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Stores jobs, each in a record of its own, and runs none. */
async function directoryWithJobs(signal: NodeJS.Signals, count = 5): Promise<string> {
  const directory = temporaryDirectory();
  const { server, client } = await launch({ DATA_DIR: directory, WORKER_COUNT: '0' });
  for (let n = 0; n < count; n++) await client.submit('sleep', { ms: n });
  await server.stop(signal);
  return directory;
}

function journalOf(directory: string): { file: string; name: string; lines: Buffer[] } {
  const name =
    fs
      .readdirSync(directory)
      .filter((file) => file.endsWith('.log'))
      .sort()
      .at(-1) ?? '';
  const file = join(directory, name);
  const bytes = fs.readFileSync(file);
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\n', at) + 1;
    lines.push(bytes.subarray(at, end));
    at = end;
  }
  return { file, name, lines };
}

async function expectRefusal(
  environment: Environment,
  { code, files, says }: { code: number; files: string; says: readonly (string | RegExp)[] },
): Promise<void> {
  const before = fingerprint(files);
  const { exit, stderr, server } = await runToEnd(environment);
  expect(exit, server.stderr).toEqual({ code, signal: null });
  expect(stderr).toHaveLength(1);
  for (const said of says) expect(stderr[0]).toMatch(said);
  expect(server.log.filter((line) => line['isPlain'])).toEqual([]);
  expect(fingerprint(files)).toEqual(before);
}

it('says what recovery found, and then where it listens', async () => {
  const directory = temporaryDirectory();
  const { server } = await launch({ DATA_DIR: join(directory, 'new/data') });
  const messages = server.log.map(({ msg }) => msg);
  expect(messages).toEqual(['new data directory', 'listening']);
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  expect(await server.stop()).toEqual({ code: 0, signal: null });

  const again = await launch({ DATA_DIR: join(directory, 'new/data') });
  expect(again.server.log.map(({ msg }) => msg)).toEqual(['recovered', 'listening']);
  expect(again.server.log[0]).toMatchObject({ clean: true, cutBytes: 0 });
});

it('a value that breaks its rule stops the start with one line that names it', async () => {
  const directory = temporaryDirectory();
  fs.writeFileSync(join(directory, 'file'), 'not a directory');
  const broken: readonly Environment[] = [
    { PORT: '65536' },
    { HOST: '0.0.0.0' },
    { ALLOWED_HOSTS: 'queue example' },
    { AUTH_TOKEN: 'fifteen-letters' },
    { DATA_DIR: join(directory, 'file') },
    { DATA_DIR: join(directory, 'file', 'data') },
    { DATA_DIR: '/proc/perdure/data' }, // where nobody can make a directory
    { HANDLERS: join(directory, 'missing.ts') },
    { WORKER_COUNT: '1001' },
    { MAX_QUEUE_DEPTH: '0' },
    { MAX_DATA_BYTES: '1GB' },
    { MAX_BODY_BYTES: '-1' },
    { MAX_CRASHES: '0' },
    { SHUTDOWN_GRACE_MS: '1.5' },
    { RETENTION_MS: '1e3' },
    { LOG_LEVEL: 'loud' },
  ];
  await Promise.all(
    broken.map(async (variable) => {
      const [name = ''] = Object.keys(variable);
      await expectRefusal(
        { DATA_DIR: join(directory, 'data'), ...variable },
        { code: 1, files: directory, says: [name] },
      );
    }),
  );
  expect(fs.readdirSync(directory)).toEqual(['file']);
});

it.each([
  ['process.exit(0)', 'process.exit(0);'],
  ['process.exit(7)', 'process.exit(7);'],
  ['an await that nothing can end', 'await new Promise(() => {});'],
])('handlers whose module ends the process by %s while it loads are refused', async (_, source) => {
  const directory = temporaryDirectory();
  const { exit, stderr } = await runToEnd({
    DATA_DIR: join(directory, 'data'),
    HANDLERS: handlersIn(directory, `${source}\nexport default {};`),
  });
  expect(exit).toEqual({ code: 1, signal: null });
  expect(stderr.join()).toMatch(/^perdure: HANDLERS: the module.*ended the process/);
});

it('what is refused is told on one line, whatever the name holds', async () => {
  const directory = temporaryDirectory();
  const { exit, stderr } = await runToEnd({ DATA_DIR: directory, HANDLERS: join(directory, 'no\nsuch.mjs') });
  expect(exit).toEqual({ code: 1, signal: null });
  expect(stderr).toHaveLength(1);
});

it('an empty value is unset', async () => {
  const { server } = await launch({ DATA_DIR: temporaryDirectory(), WORKER_COUNT: '', HOST: '', HANDLERS: '' });
  expect(server.url).toContain('127.0.0.1');
});

it('a second process on the directory exits 1 and says who holds it, and the first one works on', async () => {
  const directory = temporaryDirectory();
  const { server, client } = await launch({ DATA_DIR: directory, WORKER_COUNT: '0' });
  const { id } = await client.submit('sleep', { ms: 0 });
  await waitUntil(
    async () => journalOf(directory).lines.at(-1)?.toString() ?? '',
    (last) => last.includes('"seal"'),
  );
  const held = `held by process ${server.process.pid}`;
  await expectRefusal({ DATA_DIR: directory }, { code: 1, files: directory, says: [held] });
  expect((await client.job(id)).state).toBe('pending');
});

it('a port that is taken stops the start, and no job is begun by it', async () => {
  const directory = await directoryWithJobs('SIGTERM', 1);
  const blocker = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => blocker.once('listening', listening));
  const { port } = blocker.address() as AddressInfo;
  const { exit, stderr } = await runToEnd({ DATA_DIR: directory, PORT: String(port) });
  blocker.close();
  expect(exit).toEqual({ code: 1, signal: null });
  expect(stderr).toHaveLength(1);
  expect(stderr[0]).toMatch(/PORT.*EADDRINUSE/);

  const { server, client } = await launch({ DATA_DIR: directory, WORKER_COUNT: '0' });
  expect(server.log[0]).toMatchObject({ msg: 'recovered', clean: true });
  const { body } = await client.get<{ jobs: { attempt: number }[] }>('/jobs');
  expect(body.jobs).toMatchObject([{ state: 'pending', attempt: 0, crashes: 0 }]);
});

it('a byte flipped in a record that was durable is damage: exit 3, file, offset and what to do, and nothing is changed', async () => {
  const directory = await directoryWithJobs('SIGKILL');
  const { file, name, lines } = journalOf(directory);
  const offset = lines.slice(0, 3).reduce((sum, { length }) => sum + length, 0);
  const bytes = fs.readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(offset + 60) ^ 0x01, offset + 60);
  fs.writeFileSync(file, bytes);
  const says = [name, new RegExp(`byte ${offset}\\b`), /salvage/];
  await expectRefusal({ DATA_DIR: directory }, { code: 3, files: directory, says });
  await expectRefusal({ DATA_DIR: directory }, { code: 3, files: directory, says }); // and again
});

it('after an orderly shutdown a journal cut between two records is damage', async () => {
  const directory = await directoryWithJobs('SIGTERM');
  const { file, name, lines } = journalOf(directory);
  fs.writeFileSync(file, Buffer.concat(lines.slice(0, -2)));
  await expectRefusal({ DATA_DIR: directory }, { code: 3, files: directory, says: [name, /byte \d+/, /salvage/] });
});

it('a tail that was torn off in the middle of a write is cut and kept aside', async () => {
  const directory = await directoryWithJobs('SIGKILL', 2);
  fs.appendFileSync(journalOf(directory).file, '00000000 000001000 {"n":');
  const { server, client } = await launch({ DATA_DIR: directory, WORKER_COUNT: '0' });
  expect(server.log.find(({ msg }) => msg === 'recovered')).toMatchObject({ clean: false, cutBytes: 24 });
  const { body } = await client.get<{ jobs: unknown[] }>('/jobs');
  expect(body.jobs).toHaveLength(2);
  expect(fs.readdirSync(directory).some((entry) => entry.includes('torn'))).toBe(true);
});

it('a journal of a newer format is refused with exit 1, naming both', async () => {
  const directory = await directoryWithJobs('SIGTERM', 1);
  const { file, lines } = journalOf(directory);
  const json = (lines[0]?.subarray(19, -1).toString() ?? '').replace('"format":1', '"format":2');
  const covered = ` ${String(json.length).padStart(9, '0')} ${json}`.slice(1);
  const { crc32 } = (await import('node:zlib')) as unknown as { crc32: (text: string) => number };
  const header = `${crc32(covered).toString(16).padStart(8, '0')} ${covered}\n`;
  fs.writeFileSync(file, Buffer.concat([Buffer.from(header), ...lines.slice(1)]));
  await expectRefusal({ DATA_DIR: directory }, { code: 1, files: directory, says: [/format 2/, /format 1/] });
});

it('the directory is closed to others, and files that are not its own are left alone', async () => {
  const directory = temporaryDirectory();
  fs.chmodSync(directory, 0o755);
  const foreign = { 'notes.txt': 'mine', 'journal-1.log': 'not a segment', 'upload.tmp': 'half', 'clean.bak': '' };
  for (const [name, text] of Object.entries(foreign)) fs.writeFileSync(join(directory, name), text);
  fs.mkdirSync(join(directory, 'backup'));
  fs.writeFileSync(join(directory, 'backup/journal-0000000001.log'), 'an old copy');

  const { server, client } = await launch({ DATA_DIR: directory, WORKER_COUNT: '0' });
  await client.submit('sleep', { ms: 0 });
  await server.stop();
  for (const [name, text] of Object.entries(foreign)) {
    expect(fs.readFileSync(join(directory, name), 'utf8')).toBe(text);
  }
  expect(fs.readFileSync(join(directory, 'backup/journal-0000000001.log'), 'utf8')).toBe('an old copy');
  expect(fs.statSync(directory).mode & 0o777).toBe(0o700);
  const own = fs.readdirSync(directory).filter((name) => !(name in foreign) && name !== 'backup');
  expect(own).toContain('journal-0000000001.log');
  for (const name of own) expect(fs.statSync(join(directory, name)).mode & 0o777, name).toBe(0o600);
});

it('handlers may be TypeScript', async () => {
  const directory = temporaryDirectory();
  const source = 'export default { greet: async (name: string): Promise<string> => `hello ${name}` };';
  const { client } = await launch({ DATA_DIR: directory, HANDLERS: handlersIn(directory, source, 'handlers.ts') });
  const { id } = await client.submit('greet', 'Ada');
  expect((await client.reaches(id, 'succeeded')).result).toBe('hello Ada');
});

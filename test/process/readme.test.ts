// The README's first steps and its programs, as they are printed there.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { TestServer, removeDirectory, scratchDirectory, waitUntil } from '../support/server.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const curl = /^curl -X POST[\s\S]*?\}'$/m.exec(readme)?.[0] ?? '';

type JobJson = {
  readonly id: string;
  readonly state: string;
  readonly result: unknown;
  readonly history: { kind: string }[];
};

describe("the README's curl", () => {
  let directory: string;
  let server: TestServer & { readonly url: string };

  beforeEach(async () => {
    directory = scratchDirectory();
    server = await TestServer.start({ DATA_DIR: directory });
  });
  afterEach(async () => {
    await server.stop();
    removeDirectory(directory);
  });

  const run = (): string => {
    const command = curl.replace('http://localhost:8080', server.url.replace('127.0.0.1', 'localhost'));
    return execFileSync('sh', ['-c', `${command} -s -i`], { encoding: 'utf8' });
  };

  it('"The answer is `201` with the job and a `Location`. A moment later … shows it `succeeded`, with its `history`"', async () => {
    const answer = run();
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
    const location = /^location: (\S+)/im.exec(answer)?.[1] ?? '';
    const job = await waitUntil(
      async () => (await (await fetch(`${server.url}${location}`)).json()) as JobJson,
      ({ state }) => state === 'succeeded',
    );
    expect(job.history.map(({ kind }) => kind)).toEqual(['submitted', 'started', 'succeeded']);
  });

  it('"the sample `email` handler writes the message to `data/outbox/` as an `.eml` file"', async () => {
    run();
    const isThere = async () => readdirSync(directory).includes('outbox');
    await waitUntil(isThere, Boolean);
    const files = await waitUntil(
      async () => readdirSync(join(directory, 'outbox')),
      (found) => found.some((file) => file.endsWith('.eml')),
    );
    expect(readFileSync(join(directory, 'outbox', files[0] ?? ''), 'utf8')).toContain('It is stored.');
  });

  it('"Send the same request again, and you get the same job back: `200` with `Idempotency-Replayed: true`"', () => {
    const first = run();
    const second = run();
    expect(second).toMatch(/^HTTP\/1\.1 200 /);
    expect(second).toMatch(/^idempotency-replayed: true/im);
    const idOf = (answer: string) => /"id":"([^"]+)"/.exec(answer)?.[1];
    expect(idOf(second)).toBe(idOf(first));
  });
});

describe("the README's programs", () => {
  const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text]) => text ?? '');
  const named = new Map(blocks.flatMap((text) => (nameOf(text) === undefined ? [] : [[nameOf(text) ?? '', text]])));
  const [handlersModule = '', ...unnamed] = blocks.filter((text) => nameOf(text) === undefined);

  let project: string;

  beforeEach(() => {
    project = scratchDirectory();
    mkdirSync(join(project, 'node_modules'));
    symlinkSync(inject('built'), join(project, 'node_modules/perdure'));
    writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
    for (const [file, text] of named) writeFileSync(join(project, file), text);
  });
  afterEach(() => removeDirectory(project));

  const run = (file: string, environment: Readonly<Record<string, string>> = {}) => {
    const { PATH, HOME } = process.env;
    const loader = join(ROOT, 'node_modules/tsx/dist/loader.mjs');
    const env = { PATH, HOME, ...environment };
    return spawnSync(process.execPath, ['--import', loader, file], { cwd: project, env, encoding: 'utf8' });
  };

  it('are all run here', () => {
    expect([...named.keys()]).toEqual(['handlers.ts', 'main.ts', 'handlers.test.ts', 'client.ts']);
    expect(unnamed).toEqual([]);
    expect(handlersModule).toMatch(/^export default \{/);
  });

  it('pass the compiler, and a wrong payload does not: "does not compile"', () => {
    const options = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--allowImportingTsExtensions', '--skipLibCheck', '--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]; // prettier-ignore
    const compile = () =>
      spawnSync(join(ROOT, 'node_modules/.bin/tsc'), [...options, ...named.keys()], { cwd: project, encoding: 'utf8' });
    expect(compile()).toMatchObject({ stdout: '', status: 0 });
    writeFileSync(join(project, 'main.ts'), (named.get('main.ts') ?? '').replace('cents: 4_200', "cents: 'many'"));
    expect(compile().stdout).toMatch(/main\.ts\(\d+,\d+\): error/);
  });

  it('"the second run finds the job and finishes it, and prints `{ cents: 4200, attempt: 2 }`"', () => {
    expect(run('main.ts')).toMatchObject({ signal: 'SIGKILL', stdout: '' });
    expect(run('main.ts')).toMatchObject({ status: 0, stdout: '{ cents: 4200, attempt: 2 }\n' });
  });

  it('test the handlers under a crash, and see where a handler does not bear it', () => {
    expect(run('handlers.test.ts')).toMatchObject({ status: 0, stdout: expect.stringContaining('# pass 1\n') });
    const careless = (named.get('handlers.ts') ?? '').replace(
      'charges.set(context.id',
      'charges.set(`${context.attempt}`',
    );
    writeFileSync(join(project, 'handlers.ts'), careless);
    expect(run('handlers.test.ts')).toMatchObject({ status: 1, stdout: expect.stringContaining('# fail 1\n') });
  });

  it('talk to a server, and its handlers are those of the module that `HANDLERS` names', async () => {
    writeFileSync(join(project, 'module.ts'), handlersModule);
    const server = await TestServer.start({ DATA_DIR: join(project, 'data'), HANDLERS: join(project, 'module.ts') });
    try {
      const client = (named.get('client.ts') ?? '').replace("'sleep', { ms: 10 }", "'greet', { name: 'Ada' }");
      writeFileSync(join(project, 'client.ts'), `${client}console.log((await client.get(job.id))?.result);`);
      expect(run('client.ts', { PERDURE_URL: server.url })).toMatchObject({ stdout: 'succeeded\nHello, Ada\n' });
    } finally {
      await server.stop();
    }
  });
});

/** The file that the first line of a block names. */
function nameOf(block: string): string | undefined {
  return /^\/\/ (\S+\.ts)$/m.exec(block.split('\n', 1)[0] ?? '')?.[1];
}

// The README's first steps, as they are printed there, against the server that they start.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestServer, removeDirectory, scratchDirectory, waitUntil } from '../support/server.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
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

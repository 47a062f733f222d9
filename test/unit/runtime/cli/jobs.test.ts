// The commands that talk to a server, against the app of a real queue, without a socket.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createQueue, defineHandlers } from '../../../../runtime/embed/index.ts';
import type { Queue } from '../../../../runtime/embed/index.ts';
import { EXIT } from '../../../../runtime/exit.ts';
import { removeDirectory, scratchDirectory } from '../../../support/server.ts';
import { jsonLines, perdure } from '../../../support/terminal.ts';

const TOKEN = 'a-token-of-some-length';

const handlers = defineHandlers({
  greet: (payload: unknown) => ({ greeted: payload }),
  fail: () => {
    throw Object.assign(new Error('no\u001b[2J'), { retryable: false });
  },
});

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

let directory: string;
let queue: Queue<typeof handlers>;
let run: (argv: readonly string[], input?: string | Uint8Array) => ReturnType<typeof perdure>;

beforeEach(async () => {
  directory = scratchDirectory();
  queue = await createQueue({ directory: join(directory, 'data'), handlers, log: silent });
  const app = queue.app({ authToken: TOKEN });
  run = (argv, input = '') =>
    perdure(argv, {
      environment: { PERDURE_URL: 'http://127.0.0.1', AUTH_TOKEN: TOKEN },
      input,
      fetch: (url, init) => app.request(new Request(url, init)),
    });
});
afterEach(async () => {
  await queue.close();
  removeDirectory(directory);
});

const submitted = async (argv: readonly string[], input?: string | Uint8Array) => {
  const { code, out, err } = await run(['submit', ...argv, '--json'], input);
  expect({ code, err }).toEqual({ code: EXIT.orderly, err: '' });
  return jsonLines(out)[0] as Record<string, unknown> & { readonly id: string };
};

describe('submit', () => {
  it('takes every option of a submission, negative numbers too', async () => {
    const options =
      '--queue low --priority -5 --max-retries 7 --timeout-ms 4000 --run-at 2100-01-31T12:00:00+01:00 -k k1';
    const job = await submitted(['greet', '{"name": "Ada"}', ...options.split(' ')]);
    expect(job).toMatchObject({
      type: 'greet',
      payload: { name: 'Ada' },
      queue: 'low',
      priority: -5,
      max_retries: 7,
      timeout_ms: 4_000,
      run_at: '2100-01-31T11:00:00.000Z',
      idempotency_key: 'k1',
      state: 'pending',
      replayed: false,
    });
    const delayed = await submitted(['greet', '--delay-ms', '60000']);
    expect(Date.parse(String(delayed['run_at']))).toBeGreaterThan(Date.now() + 50_000);
  });

  it('prints the id, and says when the key had made the job before', async () => {
    const first = await run(['submit', 'greet', '1', '-k', 'same', '--delay-ms', '60000']);
    const second = await run(['submit', 'greet', '1', '-k', 'same', '--delay-ms', '60000']);
    expect(first.out).toMatch(/^[0-9a-f-]{36} {2}pending\n$/);
    expect(second.out).toBe(`${first.out.slice(0, 36)}  already submitted under this key, now pending\n`);
  });

  it('reads the payload from the command line, a file or standard input', async () => {
    const file = join(directory, 'payload.json');
    writeFileSync(file, '{"from": "file"}\n');
    expect(await submitted(['greet'])).toMatchObject({ payload: null });
    expect(await submitted(['greet', '"text"'])).toMatchObject({ payload: 'text' });
    expect(await submitted(['greet', `@${file}`])).toMatchObject({ payload: { from: 'file' } });
    expect(await submitted(['greet', '-'], '{"__proto__": [1]}')).toMatchObject({ payload: JSON.parse('{"__proto__": [1]}') }); // prettier-ignore
    expect((await run(['submit', 'greet', '-'], Uint8Array.of(0x22, 0xff, 0x22))).err).toMatch(/not UTF-8/);
  });

  it('a refusal exits 1 and lists every field that is wrong', async () => {
    const { code, err } = await run(['submit', 'greet', '1', '--priority', '5000', '--max-retries', '101']);
    expect(code).toBe(EXIT.refused);
    expect(err).toMatch(/^ {2}\/priority must be an integer from -1000 to 1000$/m);
    expect(err).toMatch(/^ {2}\/max_retries must be an integer from 0 to 100$/m);
    expect(await run(['submit', 'gret'])).toMatchObject({ code: EXIT.refused, err: expect.stringContaining('greet') });
  });
});

describe('list', () => {
  it('lists the newest first, under the given filter and limit', async () => {
    for (const n of [1, 2, 3]) await run(['submit', 'greet', String(n), '--queue', n === 2 ? 'b' : 'a']);
    await queue.drain();
    const payloads = async (...argv: string[]) => jsonLines((await run(['list', '--json', ...argv])).out).map(({ payload }) => payload); // prettier-ignore
    expect(await payloads()).toEqual([3, 2, 1]);
    expect(await payloads('--all')).toEqual([3, 2, 1]);
    expect(await payloads('-n', '2')).toEqual([3, 2]);
    expect(await payloads('--queue', 'a')).toEqual([3, 1]);
    expect(await payloads('--state', 'dead')).toEqual([]);
    expect(await payloads('--type', 'fail')).toEqual([]);
  });

  it('is a table for people', async () => {
    const { id } = await submitted(['greet', '1']);
    await queue.drain();
    const { code, out } = await run(['list']);
    expect(code).toBe(EXIT.orderly);
    expect(out.split('\n')[0]).toMatch(/^ID +STATE +TYPE +QUEUE +ATTEMPT +FAILURES +SUBMITTED$/);
    expect(out.split('\n')[1]).toMatch(new RegExp(`^${id} +succeeded +greet +default +1 +0 +\\d{4}-`));
  });
});

describe('show', () => {
  it('prints what the HTTP API answers', async () => {
    const { id } = await submitted(['fail', '{"a": [1]}']);
    await queue.drain();
    const app = queue.app();
    const answer = await app.request(`http://127.0.0.1/jobs/${id}`);
    const { out } = await run(['show', id, '--json']);
    expect(jsonLines(out)[0]).toEqual(await answer.json());
  });

  it('tells the job and its history, and no escape of a payload or an error reaches the terminal', async () => {
    const { id } = await submitted(['fail', '"\\u009b2J"']);
    await queue.drain();
    const { code, out } = await run(['show', id]);
    expect(code).toBe(EXIT.orderly);
    expect(out).toMatch(/^state +dead$/m);
    expect(out).toMatch(/^last error +Error: no\\u001b\[2J$/m);
    expect(out).toMatch(/^ *\d+ +\S+Z +submitted/m);
    expect(out).toMatch(/^ *\d+ +\S+Z +failed +1 +Error: no/m);
    expect(out).not.toMatch(/[\u001b\u009b]/); // oxlint-disable-line no-control-regex
  });

  it('a job that is not there exits 1', async () => {
    expect(await run(['show', 'nobody'])).toMatchObject({ code: EXIT.refused, out: '', err: expect.stringContaining('nobody') }); // prettier-ignore
  });
});

describe('retry and cancel', () => {
  it('change each job, and exit 1 if one of them was refused', async () => {
    const dead = await submitted(['fail']);
    const waiting = await submitted(['greet', '--delay-ms', '60000']);
    const other = await submitted(['greet', '--delay-ms', '60000']);
    await expect.poll(async () => (await queue.get(dead.id))?.state).toBe('dead');

    const cancelled = await run(['cancel', waiting.id, dead.id, 'nobody', other.id]);
    expect(cancelled.code).toBe(EXIT.refused);
    expect(cancelled.out).toBe(`${waiting.id}  cancelled\n${other.id}  cancelled\n`);
    expect(cancelled.err).toMatch(/The job is dead/);
    expect(cancelled.err).toMatch(/nobody/);

    const retried = await run(['retry', waiting.id, '--json']);
    expect(retried).toMatchObject({ code: EXIT.orderly, err: '' });
    expect(jsonLines(retried.out)[0]).toMatchObject({ id: waiting.id, state: 'pending', failures: 0 });
  });
});

describe('stats', () => {
  it('counts by state, type and queue', async () => {
    await submitted(['greet']);
    await queue.drain();
    await submitted(['greet', '--delay-ms', '60000', '--queue', 'slow']);
    await queue.pause('slow');
    const { out } = await run(['stats']);
    expect(out).toMatch(/^greet +1 +0 +1 +0 +0$/m);
    expect(out).toMatch(/^slow +1 +0 +\d+ \w+ +paused$/m);
    expect(out).toMatch(/^depth +1 of 100000$/m);
    expect(jsonLines((await run(['stats', '--json'])).out)[0]).toMatchObject({
      jobs: { pending: 1, succeeded: 1 },
      depth: 1,
    });
  });
});

describe('the server', () => {
  it('that does not answer exits 1, naming its address and the way to start one', async () => {
    const { code, err } = await perdure(['stats', '--url', 'http://127.0.0.1:1']);
    expect(code).toBe(EXIT.refused);
    expect(err).toMatch(/http:\/\/127\.0\.0\.1:1 .*perdure serve/);
  });

  it('that wants another token exits 1 and says how to give one', async () => {
    const { code, err } = await run(['stats', '--token', 'another-token-of-some-length']);
    expect(code).toBe(EXIT.refused);
    expect(err).toMatch(/AUTH_TOKEN or --token/);
    expect(err).not.toContain('another-token');
  });
});

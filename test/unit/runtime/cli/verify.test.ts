// `perdure verify` and `perdure journal` on directories that a real queue has written.

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createQueue, defineHandlers } from '../../../../runtime/embed/index.ts';
import { EXIT } from '../../../../runtime/exit.ts';
import { fingerprint } from '../../../support/process.ts';
import { removeDirectory, scratchDirectory } from '../../../support/server.ts';
import { jsonLines, perdure } from '../../../support/terminal.ts';

const handlers = defineHandlers({ greet: (name: string) => `Hello, ${name}` });
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

let scratch: string;
let directory: string;
let journalFile: string;
let ids: string[];

beforeEach(async () => {
  scratch = scratchDirectory();
  directory = join(scratch, 'data');
  journalFile = join(directory, 'journal-0000000001.log');
  const queue = await createQueue({ directory, handlers, log: silent });
  ids = [];
  for (const name of ['Ada', 'Grace']) {
    ids.push((await queue.submit('greet', name, { idempotencyKey: `greet-${name}` })).job.id);
    await queue.drain();
  }
  ids.push((await queue.submit('greet', 'Edsger\u001b[2J', { delayMs: 60_000 })).job.id);
  await queue.close();
});
afterEach(() => removeDirectory(scratch));

/** Runs the command, and finds every file as it was. */
async function looking(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const before = fingerprint(directory);
  const outcome = await perdure(argv, { environment });
  expect(fingerprint(directory)).toEqual(before);
  return outcome;
}

const report = async () => jsonLines((await looking(['verify', directory, '--json'])).out)[0];

/** Takes the marker of the orderly shutdown away: what a crash would have left. */
const crash = () => removeDirectory(join(directory, 'clean'));

describe('verify', () => {
  it('says what a directory holds after an orderly shutdown', async () => {
    const { code, out, err } = await looking(['verify', directory]);
    expect({ code, err }).toEqual({ code: EXIT.orderly, err: '' });
    expect(out).toMatch(/^jobs +3: 1 pending, 0 running, 2 succeeded, 0 dead, 0 cancelled$/m);
    expect(out).toMatch(/^events +7,/m);
    expect(out).toMatch(/^torn tail +none$/m);
    expect(out).toMatch(/^shutdown +orderly$/m);
    expect(out).toMatch(/^ok: a server will start on it$/m);
    expect(await report()).toMatchObject({ ok: true, clean: true, last_event: 7, jobs: { succeeded: 2, pending: 1 } });
  });

  it('finds the directory by DATA_DIR', async () => {
    expect((await looking(['verify'], { DATA_DIR: directory })).out).toContain(directory);
  });

  it('counts the bytes of a torn tail, and leaves them', async () => {
    crash();
    appendFileSync(journalFile, '0123456789');
    expect(await report()).toMatchObject({ ok: true, clean: false, torn_tail_bytes: 10 });
    expect((await looking(['verify', directory])).out).toMatch(/^torn tail +10 bytes, never acknowledged/m);
  });

  it('damage exits 3, naming the file, the offset and what to do', async () => {
    crash();
    const bytes = readFileSync(journalFile);
    const at = bytes.indexOf('greet-Ada');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(journalFile, bytes);
    const { code, out, err } = await looking(['verify', directory]);
    expect({ code, out }).toEqual({ code: EXIT.damage, out: '' });
    expect(err).toMatch(/journal-0000000001\.log is damaged at byte \d+, record 1: .*No file was changed/);
    const told = await looking(['verify', directory, '--json']);
    expect(told.code).toBe(EXIT.damage);
    expect(jsonLines(told.out)[0]).toMatchObject({ ok: false, damage: { file: 'journal-0000000001.log', record: 1 } });
  });

  it('refuses while a queue holds the directory, naming the holder and leaving its lock', async () => {
    const queue = await createQueue({ directory, handlers, log: silent, workerCount: 0 });
    try {
      const { code, out, err } = await looking(['verify', directory]);
      expect({ code, out }).toEqual({ code: EXIT.refused, out: '' });
      expect(err).toContain(`held by process ${process.pid}`);
    } finally {
      await queue.close();
    }
    expect((await looking(['verify', directory])).code).toBe(EXIT.orderly);
  });

  it('lets a queue start as soon as it is over, damage or not', async () => {
    await looking(['verify', directory]);
    const queue = await createQueue({ directory, handlers, log: silent, workerCount: 0 });
    expect((await queue.list()).jobs).toHaveLength(3);
    await queue.close();
  });

  it('an empty directory is in order, a missing one is refused and not made', async () => {
    const empty = join(scratch, 'empty');
    mkdirSync(empty);
    expect(await perdure(['verify', empty])).toMatchObject({ code: EXIT.orderly, out: expect.stringMatching(/none were ever stored/) }); // prettier-ignore
    expect(fingerprint(empty)).toEqual({});
    expect(await perdure(['verify', join(scratch, 'missing')])).toMatchObject({ code: EXIT.refused, out: '' });
    expect(await perdure(['verify', journalFile])).toMatchObject({ code: EXIT.refused, out: '' });
  });
});

describe('journal', () => {
  it('prints every record and event, oldest first', async () => {
    const { code, out, err } = await looking(['journal', directory]);
    expect({ code, err }).toEqual({ code: EXIT.orderly, err: '' });
    expect(out).toMatch(/^journal-0000000001\.log .*from record 1$/m);
    expect(out).toMatch(/^ {2}record 1 {2}batch/m);
    const kinds = [...out.matchAll(/^ {4} *\d+ {2}\S+Z {2}(\w+)/gm)].map(([, kind]) => kind);
    expect(kinds).toEqual(['submitted', 'started', 'succeeded', 'submitted', 'started', 'succeeded', 'submitted']);
    expect(out).toContain('greet in default "Ada" key="greet-Ada"');
    expect(out).not.toContain('\u001b');
  });

  it('prints JSON lines that hold the journal', async () => {
    const records = jsonLines((await looking(['journal', directory, '--json'])).out);
    expect(records.map(({ record }) => record)).toEqual(records.map((_, index) => index + 1));
    expect(records.at(-1)).toMatchObject({ kind: 'clean' });
    const bytes = readFileSync(journalFile);
    for (const { offset } of records) expect(bytes.subarray(Number(offset), Number(offset) + 9).toString()).toMatch(/^[0-9a-f]{8} $/); // prettier-ignore
  });

  it('shows the events of one job alone', async () => {
    const { out } = await looking(['journal', directory, '--job', ids[1] ?? '']);
    expect(out.trimEnd().split('\n')).toHaveLength(3);
    expect(out).not.toContain(ids[0]);
  });

  it('runs beside a queue', async () => {
    const queue = await createQueue({ directory, handlers, log: silent, workerCount: 0 });
    const { code, out } = await looking(['journal', directory]);
    await queue.close();
    expect(code).toBe(EXIT.orderly);
    expect(out).toMatch(/^journal-0000000002\.log/m);
  });

  it('prints what comes before damage, and exits 3', async () => {
    crash();
    const bytes = readFileSync(journalFile);
    const at = bytes.indexOf('greet-Grace');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(journalFile, bytes);
    const { code, out, err } = await looking(['journal', directory]);
    expect(code).toBe(EXIT.damage);
    expect(out).toContain('greet-Ada');
    expect(out).not.toContain('greet-Grace');
    expect(err).toMatch(/damaged at byte \d+/);
  });
});

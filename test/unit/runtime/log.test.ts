import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../runtime/log.ts';
import type { LogLevel } from '../../../runtime/config-variables.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const CHATTER = join(import.meta.dirname, '../../support/chatter.ts');

function logInto(options: { level?: LogLevel; isTerminal?: boolean } = {}) {
  const file = join(temporaryDirectory(), 'log');
  const fd = fs.openSync(file, 'w');
  onTestFinished(() => fs.closeSync(fd));
  const { level = 'info', isTerminal = false } = options;
  return { log: createLog({ level, fd, isTerminal }), written: () => fs.readFileSync(file, 'utf8') };
}

test('a line is JSON, and it is written when the call returns', () => {
  const { log, written } = logInto();
  log.info({ url: 'http://127.0.0.1:8080' }, 'listening');
  const line: unknown = JSON.parse(written());
  expect(line).toEqual({ level: 30, time: expect.any(Number), url: 'http://127.0.0.1:8080', msg: 'listening' });
});

test('lines below the level are not written', () => {
  const { log, written } = logInto({ level: 'warn' });
  log.info({}, 'no');
  log.warn({}, 'yes');
  expect(written()).toMatch(/^\{.*"yes"\}\n$/);
  const silent = logInto({ level: 'silent' });
  silent.log.error({}, 'no');
  expect(silent.written()).toBe('');
});

test('a child carries its fields in every line', () => {
  const { log, written } = logInto();
  log.child({ jobId: 'a' }).child({ attempt: 2 }).error({ x: 1 }, 'm');
  expect(JSON.parse(written())).toMatchObject({ jobId: 'a', attempt: 2, x: 1, msg: 'm' });
});

test('on a terminal lines are readable', () => {
  const { log, written } = logInto({ isTerminal: true });
  log.info({ url: 'x' }, 'listening');
  expect(written()).toMatch(/INFO.*listening/);
});

test('a value that cannot be logged costs its fields, not the message and not the process', () => {
  const { log, written } = logInto();
  const cycle: Record<string, unknown> = { big: 1n };
  cycle['self'] = cycle;
  log.info({ cycle }, 'cycle');
  log.info(Object.defineProperty({}, 'x', { enumerable: true, get: () => JSON.parse('{') as unknown }), 'getter');
  const messages = written()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(messages).toEqual(['cycle', 'getter']);
});

/** A process that logs far more than its standard output takes. */
function chatter(stdout: 'pipe' | number): ChildProcess {
  const stdio: StdioOptions = ['ignore', stdout, 'pipe', 'ipc'];
  const child = spawn(process.execPath, ['--import', 'tsx', CHATTER], { stdio });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Resolves when it has said on standard error that it has got through. */
async function alive(child: ChildProcess): Promise<void> {
  for await (const said of child.stderr ?? []) {
    expect(String(said)).toBe('alive\n');
    return;
  }
}

async function endsOrderly(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.send('end');
  expect(await ended).toEqual([0, null]);
}

test('a message that is no text makes a line of JSON too', () => {
  const { log, written } = logInto();
  const loosely = log.info as (...told: readonly unknown[]) => void;
  loosely({}, Symbol('x'));
  loosely({}, Object.create(null));
  loosely(undefined, undefined);
  const messages = written()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(messages).toEqual(['Symbol(x)', '[Object: null prototype] {}', 'undefined']);
});

test('standard output that is closed does not end the process', async () => {
  const child = chatter('pipe');
  child.stdout?.destroy();
  await alive(child);
  await endsOrderly(child);
});

test('standard output on a full disk does not end the process', async () => {
  const full = fs.openSync('/dev/full', 'w');
  const child = chatter(full);
  fs.closeSync(full);
  await alive(child);
  await endsOrderly(child);
});

test('standard output that nobody reads does not stop the process; a late reader gets whole lines, in order', async () => {
  const child = chatter('pipe');
  await alive(child);
  const numbers: number[] = [];
  for await (const line of createInterface({ input: child.stdout ?? Readable.from([]) })) {
    numbers.push((JSON.parse(line) as { number: number }).number);
    if (numbers.length === 500) break;
  }
  expect(numbers).toEqual(Array.from({ length: 500 }, (_, index) => index));
  await endsOrderly(child);
});

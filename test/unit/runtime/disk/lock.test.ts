import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encodeHolder, LockedError, thisProcess } from '../../../../runtime/disk/holder.ts';
import type { Holder } from '../../../../runtime/disk/holder.ts';
import { holdLock } from '../../../../runtime/disk/lock.ts';
import { holdPidFile } from '../../../../runtime/disk/pid-file.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

type Answer = { readonly held: boolean; readonly name?: string; readonly message?: string };
type Options = { readonly hasFlock: boolean };

const HOLDER = join(import.meta.dirname, '../../../support/lock-holder.ts');
const NO_PROGRAMS = '/nonexistent';

async function contender(directory: string, { hasFlock }: Options): Promise<{ child: ChildProcess; answer: Answer }> {
  const env = hasFlock ? process.env : { ...process.env, PATH: NO_PROGRAMS };
  const child = fork(HOLDER, [directory], { execArgv: ['--import', 'tsx'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [answer] = (await once(child, 'message')) as [Answer];
  return { child, answer };
}

async function end(child: ChildProcess, by: 'release' | 'SIGKILL'): Promise<void> {
  const ended = once(child, 'exit');
  if (by === 'release') child.send('release');
  else child.kill(by);
  await ended;
}

const WITH: Options = { hasFlock: true };
const WITHOUT: Options = { hasFlock: false };

describe('one process holds the directory', () => {
  test.each([
    ['with flock, until it is killed', WITH, WITH, 'SIGKILL'],
    ['with flock, until it lets go', WITH, WITH, 'release'],
    ['without flock, until it is killed', WITHOUT, WITHOUT, 'SIGKILL'],
    ['without flock, until it lets go', WITHOUT, WITHOUT, 'release'],
    ['with flock, against one without', WITH, WITHOUT, 'SIGKILL'],
    ['without flock, against one with', WITHOUT, WITH, 'SIGKILL'],
  ] as const)('%s', async (_, holder, contending, by) => {
    const directory = temporaryDirectory();
    const first = await contender(directory, holder);
    expect(first.answer).toEqual({ held: true });

    const second = await contender(directory, contending);
    expect(second.answer).toMatchObject({ held: false, name: 'LockedError' });
    expect(second.answer.message).toMatch(
      new RegExp(
        `^the data directory ${directory} is held by process ${first.child.pid} since 2\\d{3}-\\d\\d-\\d\\dT.*Z$`,
      ),
    );

    await end(first.child, by);
    expect((await contender(directory, contending)).answer).toEqual({ held: true });
  });
});

test('a second opener within the same process is refused too', () => {
  const directory = temporaryDirectory();
  const lock = holdLock(directory);
  expect(() => holdLock(directory)).toThrow(LockedError);
  lock.release();
  holdLock(directory).release();
});

test('a child process does not keep the lock of its parent', async () => {
  const directory = temporaryDirectory();
  const lock = holdLock(directory);
  const child = fork(HOLDER, [temporaryDirectory()], { execArgv: ['--import', 'tsx'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  lock.release();
  holdLock(directory).release();
});

describe('the pid file', () => {
  /** A holder that is proven dead: its number is in use, by a process that started at another time. */
  const dead = (): Holder => ({ ...thisProcess(), startTime: '1' });
  const leave = (directory: string, holder: Holder | string): void =>
    fs.writeFileSync(join(directory, 'lock.pid'), typeof holder === 'string' ? holder : encodeHolder(holder));

  test('of a dead process is taken over, and nothing but the new one is left', () => {
    const directory = temporaryDirectory();
    leave(directory, dead());
    const lock = holdPidFile(directory);
    expect(fs.readdirSync(directory)).toEqual(['lock.pid']);
    expect(() => holdPidFile(directory)).toThrow(`held by process ${process.pid}`);
    lock.release();
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('of an earlier boot is taken over', () => {
    const directory = temporaryDirectory();
    leave(directory, { ...thisProcess(), bootId: 'another', pidNamespace: 'another' });
    holdPidFile(directory).release();
  });

  test('of a process that has ended and was not waited for is taken over', async () => {
    const directory = temporaryDirectory();
    const inner = fork(HOLDER, [directory], {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, PATH: NO_PROGRAMS },
    });
    await once(inner, 'message');
    inner.kill('SIGKILL');
    // Node collects its children between turns only: within this one the dead process stays a zombie.
    const stat = (): string => fs.readFileSync(`/proc/${inner.pid}/stat`, 'utf8');
    const deadlineMs = performance.now() + 5_000;
    while (!stat().includes(') Z ')) expect(performance.now()).toBeLessThan(deadlineMs);
    holdPidFile(directory).release();
  });

  test.each([
    ['another container', (): Holder => ({ ...thisProcess(), pid: 1, pidNamespace: 'pid:[1]' })],
    ['a system that does not tell', (): Holder => ({ ...thisProcess(), startTime: null })],
    ['a system without boots', (): Holder => ({ ...dead(), bootId: null })],
    ['nobody, cut short', (): string => '{"pid":1'],
    ['nobody, empty', (): string => ''],
    ['nobody, nonsense', (): string => '{"pid":-1,"since":7}'],
  ])('of %s is left to a person, and the message names the file', (_, holder) => {
    const directory = temporaryDirectory();
    leave(directory, holder());
    expect(() => holdPidFile(directory)).toThrow(`remove ${join(directory, 'lock.pid')}`);
    expect(fs.readdirSync(directory)).toEqual(['lock.pid']);
  });

  test('is not taken over while another process is about to', () => {
    const directory = temporaryDirectory();
    leave(directory, dead());
    fs.writeFileSync(join(directory, 'lock.takeover'), '');
    expect(() => holdPidFile(directory)).toThrow(`remove ${join(directory, 'lock.takeover')}`);
  });

  test('is released only by its owner', () => {
    const directory = temporaryDirectory();
    const lock = holdPidFile(directory);
    leave(directory, dead());
    lock.release();
    expect(fs.readdirSync(directory)).toEqual(['lock.pid']);
  });
});

test('of many processes that meet a dead holder at once, one gets the directory', async () => {
  const directory = temporaryDirectory();
  fs.writeFileSync(join(directory, 'lock.pid'), encodeHolder({ ...thisProcess(), startTime: '1' }));
  const contenders = await Promise.all(Array.from({ length: 6 }, () => contender(directory, WITHOUT)));
  expect(contenders.filter(({ answer }) => answer.held)).toHaveLength(1);
});

test('a directory that does not exist is refused by its name', () => {
  expect(() => holdLock('/nonexistent/data')).toThrow('/nonexistent/data');
});

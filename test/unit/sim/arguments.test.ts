import { describe, expect, test } from 'vitest';
import { parseArguments, UsageError } from '../../../sim/arguments.ts';
import { commitHash } from '../../../sim/commit.ts';
import { formatSeed, nextSeed, parseRange, parseSeed } from '../../../sim/seed.ts';

const run = { kind: 'run', jobs: 1, twice: false, depth: 'bulk', trace: null, shrink: false };

describe('seeds', () => {
  test('are numbers, hexadecimal numbers, or commit hashes', () => {
    expect(parseSeed('42')).toBe(42n);
    expect(parseSeed('0x2a')).toBe(42n);
    expect(parseSeed('1234567')).toBe(1_234_567n);
    expect(parseSeed('47e7e2c')).toBe(0x47e7e2cn);
    expect(parseSeed('47e7e2c0a1b2c3d4e5f60718293a4b5c6d7e8f90')).toBe(0x47e7e2c0a1b2c3d4n);
    expect(parseSeed('47e7e')).toBeUndefined();
    expect(parseSeed('')).toBeUndefined();
  });

  test('may be those of the commit that is checked out, and any outside a repository', () => {
    const hash = commitHash();
    if (hash !== null) expect(parseSeed('commit')).toBe(parseSeed(hash));
    const range = parseRange('commit+300');
    expect((range?.to ?? 0n) - (range?.from ?? 0n)).toBe(300n);
  });

  test('have 64 bits', () => {
    expect(nextSeed((1n << 64n) - 1n)).toBe(0n);
    expect(formatSeed(42n)).toBe('0x2a');
  });

  test('come in ranges without their end', () => {
    expect(parseRange('0..1000')).toEqual({ from: 0n, to: 1000n });
    expect(parseRange('5..5')).toBeUndefined();
    expect(parseRange('0x2a+10')).toEqual({ from: 42n, to: 52n });
    expect(parseRange('5+0')).toBeUndefined();
    expect(parseRange('5')).toBeUndefined();
    expect(parseRange('1..2..3')).toBeUndefined();
  });
});

describe('the command line', () => {
  test('without arguments: ten seconds of fresh seeds', () => {
    expect(parseArguments([])).toMatchObject({ ...run, span: { kind: 'time', from: null, ms: 10_000 } });
  });

  test('one seed is one life; with a time, the lives from there on', () => {
    expect(parseArguments(['--seed', '0x2a'])).toMatchObject({ span: { kind: 'range', from: 42n, to: 43n } });
    expect(parseArguments(['--seed', '42', '--time', '1m'])).toMatchObject({
      span: { kind: 'time', from: 42n, ms: 60_000 },
    });
  });

  test('faults are named by code or by group', () => {
    expect(parseArguments(['--only', 'P1,D', '--without', 'D7'])).toMatchObject({
      faults: { only: ['P1', 'D'], without: ['D7'] },
    });
  });

  test('planted bugs and rules are named behind their option', () => {
    expect(parseArguments(['--mutants', 'sync-left-out'])).toMatchObject({ kind: 'mutants', names: ['sync-left-out'] });
    expect(parseArguments(['--explain', 'S1'])).toEqual({ kind: 'explain', rule: 'S1' });
  });

  test('an enumeration has the length of its workloads, and as many processes as there are cores unless it is told', () => {
    expect(parseArguments(['--exhaustive', '2', '--nested'])).toEqual({
      kind: 'exhaustive',
      length: 2,
      nested: true,
      depth: 'bulk',
      jobs: null,
    });
    expect(parseArguments(['--exhaustive', '3', '--jobs', '2'])).toMatchObject({ length: 3, jobs: 2 });
  });

  test('interleavings are explored on their own', () => {
    expect(parseArguments(['--interleavings'])).toEqual({ kind: 'interleavings', depth: 'bulk' });
  });

  for (const argv of [
    ['--exhaustive', ''],
    ['--exhaustive', '99'],
    ['--exhaustive', '1', '--jobs', '0'],
    ['--bogus'],
    ['--seed', 'xyz'],
    ['--seed', ''],
    ['--seeds', '5..1'],
    ['--time', '60'],
    ['--jobs', '0'],
    ['--jobs', 'two'],
    ['--only', 'Q9'],
    ['--depth', 'deep'],
    ['--trace', 'long'],
    ['stray'],
  ]) {
    test(`refuses ${argv.join(' ')}`, () => {
      expect(() => parseArguments(argv)).toThrow(UsageError);
    });
  }
});

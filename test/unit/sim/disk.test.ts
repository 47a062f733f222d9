import { describe, expect, test } from 'vitest';
import { DiskError } from '../../../core/store/disk.ts';
import type { DiskErrorCode, DiskOperation } from '../../../core/store/disk.ts';
import { Descriptors, DisciplineError, Disk } from '../../../sim/world/disk.ts';
import type { Chance } from '../../../sim/world/disk.ts';
import type { SurvivalFault } from '../../../sim/world/power-loss.ts';
import { Tape } from '../../../sim/world/tape.ts';

const text = new TextDecoder('utf-8');
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);
const create = (file: string): DiskOperation => ({ kind: 'create', file });
const append = (file: string, content: string): DiskOperation => ({ kind: 'append', file, bytes: bytes(content) });
const sync = (file: string): DiskOperation => ({ kind: 'sync', file });
const rename = (from: string, to: string): DiskOperation => ({ kind: 'rename', from, to });
const remove = (file: string): DiskOperation => ({ kind: 'remove', file });
const truncate = (file: string, length: number): DiskOperation => ({ kind: 'truncate', file, length });
const syncDirectory: DiskOperation = { kind: 'syncDirectory' };

type Machine = { disk: Disk; process: Descriptors };

function machine(...operations: readonly DiskOperation[]): Machine {
  const disk = new Disk();
  const process = new Descriptors();
  for (const operation of operations) disk.perform(process, operation);
  return { disk, process };
}

const picture = (disk: Disk): string =>
  [...disk.image()]
    .map(([name, content]) => `${name}=${text.decode(content)}`)
    .sort()
    .join(' ');

/** Every image that a power loss may leave, by trying every sequence of answers: an odometer over the draws. */
function images(faults: readonly SurvivalFault[], build: () => Machine): Set<string> {
  const seen = new Set<string>();
  let digits: number[] = [];
  for (;;) {
    const asked: { value: number; n: number }[] = [];
    const tape = new Tape({
      draw: (_, n) => {
        const value = digits[asked.length] ?? 0;
        asked.push({ value, n });
        return value;
      },
    });
    const { disk, process } = build();
    disk.powerLoss(process, chance(tape, faults));
    seen.add(picture(disk));
    const last = asked.findLastIndex(({ value, n }) => value + 1 < n);
    if (last === -1) return seen;
    digits = asked.slice(0, last + 1).map(({ value }, index) => (index === last ? value + 1 : value));
  }
}

function chance(tape: Tape, faults: readonly SurvivalFault[]): Chance {
  return { stream: tape.stream('survival'), allows: (fault) => faults.includes(fault), fired: () => undefined };
}

const calm = (): Chance => chance(new Tape({ draw: () => 0 }), []);

function codeOf(act: () => unknown): DiskErrorCode | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof DiskError) return error.code;
    throw error;
  }
}

const durable = [create('a'), append('a', 'AB'), sync('a'), syncDirectory];

describe('what a kill leaves', () => {
  test('everything that the kernel was told, synced or not', () => {
    const { disk, process } = machine(create('a'), append('a', 'AB'), rename('a', 'b'));
    disk.processKill(process);
    expect(picture(disk)).toBe('b=AB');
    expect(() => disk.perform(process, append('b', 'C'))).toThrow(DisciplineError);
  });
});

describe('what a power loss leaves', () => {
  test('what was synced, and its name, in every image', () => {
    expect(images(['D1', 'D2', 'D3', 'D4', 'D5', 'D6'], () => machine(...durable))).toEqual(new Set(['a=AB']));
  });

  test('without switches: nothing of what was not synced', () => {
    expect(images([], () => machine(...durable, append('a', 'CD'), append('a', 'EF')))).toEqual(new Set(['a=AB']));
  });

  test('D1: any prefix of the writes, all of them too', () => {
    expect(images(['D1'], () => machine(...durable, append('a', 'CD'), append('a', 'EF')))).toEqual(
      new Set(['a=AB', 'a=ABCD', 'a=ABCDEF']),
    );
  });

  test('D1 and D3: a prefix cut at any byte', () => {
    const expected = ['AB', 'ABC', 'ABCD', 'ABCDE', 'ABCDEF'].map((content) => `a=${content}`);
    expect(images(['D1', 'D3'], () => machine(...durable, append('a', 'CD'), append('a', 'EF')))).toEqual(
      new Set(expected),
    );
  });

  test('D2: any subset of the writes, NUL where one is missing', () => {
    expect(images(['D2'], () => machine(...durable, append('a', 'CD'), append('a', 'EF')))).toEqual(
      new Set(['a=AB', 'a=ABCD', 'a=AB\0\0EF', 'a=ABCDEF']),
    );
  });

  test('D5: the size without the data', () => {
    expect(images(['D5'], () => machine(...durable, append('a', 'CD')))).toEqual(new Set(['a=AB', 'a=AB\0\0']));
  });

  test('D4: an older write stands where the data did not come', () => {
    expect(images(['D5'], () => machine(...durable, append('a', 'CD')))).not.toContain('a=ABAB');
    // The noise has 2^32 values: a tape that answers with the second filler finds the stale one.
    const answers = [1, 1, 0];
    const tape = new Tape({ draw: () => answers.shift() ?? 0 });
    const { disk, process } = machine(...durable, append('a', 'CD'));
    disk.powerLoss(process, chance(tape, ['D4', 'D5']));
    expect(picture(disk)).toBe('a=ABAB');
  });

  test('a cut that was not synced may come undone, and what follows it with it', () => {
    expect(images(['D1'], () => machine(...durable, truncate('a', 1), append('a', 'X')))).toEqual(
      new Set(['a=AB', 'a=A', 'a=AX']),
    );
  });

  test('D6: a name is lost without a directory sync, whatever the file has synced', () => {
    expect(images(['D6'], () => machine(create('a'), append('a', 'AB'), sync('a')))).toEqual(new Set(['', 'a=AB']));
  });

  test('D6: a rename may be durable before the data of its file', () => {
    const seen = images(['D1', 'D6'], () => machine(...durable, create('b'), append('b', 'new'), rename('b', 'a')));
    // Old, old with the new one beside it, and renamed: each with and without the data.
    expect(seen).toEqual(new Set(['a=AB', 'a=AB b=', 'a=AB b=new', 'a=', 'a=new']));
  });

  test('D6: a removal may come undone', () => {
    expect(images(['D6'], () => machine(...durable, remove('a')))).toEqual(new Set(['', 'a=AB']));
    expect(images(['D6'], () => machine(...durable, remove('a'), syncDirectory))).toEqual(new Set(['']));
  });

  test('all images of two writes and a name agree with a brute force over POSIX', () => {
    const contents = new Set<string>();
    for (const first of ['', 'C', 'CD']) {
      for (const second of ['', 'E', 'EF']) {
        for (const size of [0, 2, 4]) {
          const image = ['A', 'B', '', '', '', ''];
          [...first].forEach((letter, index) => (image[2 + index] = letter));
          [...second].forEach((letter, index) => (image[4 + index] = letter));
          const end = image.findLastIndex((letter) => letter !== '') + 1;
          const full = size === 4 ? 6 : end;
          contents.add(
            image
              .slice(0, full)
              .map((letter) => (letter === '' ? '\0' : letter))
              .join(''),
          );
        }
      }
    }
    const seen = images(['D1', 'D2', 'D3', 'D5'], () => machine(...durable, append('a', 'CD'), append('a', 'EF')));
    expect(new Set([...seen].map((image) => image.slice(2)))).toEqual(contents);
  });
});

describe('what fails', () => {
  test('a full disk takes what fits and says no-space; room makes it work again', () => {
    const { disk, process } = machine(...durable);
    disk.capacityBytes = 3;
    expect(codeOf(() => disk.perform(process, append('a', 'CDE')))).toBe('no-space');
    expect(picture(disk)).toBe('a=ABC');
    disk.perform(process, truncate('a', 2));
    disk.capacityBytes = 10;
    disk.perform(process, append('a', 'CDE'));
    expect(picture(disk)).toBe('a=ABCDE');
  });

  test('a failed sync drops its pages: the kernel shows them, a power loss takes them', () => {
    const { disk, process } = machine(...durable, append('a', 'CD'));
    expect(codeOf(() => disk.fail(process, sync('a'), { code: 'io', chance: calm() }))).toBe('io');
    expect(picture(disk)).toBe('a=ABCD');
    expect(disk.isDurable('a', 0, 2)).toBe(true);
    expect(disk.isDurable('a', 2, 4)).toBe(false);
    disk.powerLoss(process, calm());
    expect(picture(disk)).toBe('a=AB');
  });

  test('after a failed sync its process must not touch the file, and nothing brings the pages back', () => {
    const { disk, process } = machine(...durable, append('a', 'CD'));
    expect(codeOf(() => disk.fail(process, sync('a'), { code: 'io', chance: calm() }))).toBe('io');
    expect(() => disk.perform(process, sync('a'))).toThrow(DisciplineError);
    expect(disk.isDurable('a', 2, 4)).toBe(false);
  });

  test('names: taken, missing, and files that this process did not create', () => {
    const { disk, process } = machine(...durable);
    expect(codeOf(() => disk.perform(process, create('a')))).toBe('exists');
    expect(codeOf(() => disk.perform(process, { kind: 'read', file: 'b' }))).toBe('not-found');
    expect(codeOf(() => disk.perform(process, rename('b', 'c')))).toBe('not-found');
    expect(() => disk.perform(new Descriptors(), append('a', 'C'))).toThrow(DisciplineError);
    disk.perform(process, remove('never there'));
    expect(picture(disk)).toBe('a=AB');
  });
});

describe('of each process', () => {
  test('it is counted what it has asked for, and what it held open', () => {
    const { disk, process } = machine(...durable, create('b'));
    disk.perform(process, { kind: 'read', file: 'a' });
    disk.perform(process, { kind: 'close', file: 'b' });
    expect(() => disk.perform(process, create('a'))).toThrow(DiskError);
    const { operations, failures, syncs, readBytes, appendedBytes, openMost } = process;
    expect({ failures, syncs, readBytes, appendedBytes, openMost }).toEqual({
      failures: 1,
      syncs: 1,
      readBytes: 2,
      appendedBytes: 2,
      openMost: 2,
    });
    expect(operations).toBe(durable.length + 4);
  });

  test('a file is closed though its name does not go', () => {
    const { disk, process } = machine(create('a'));
    expect(() => disk.fail(process, remove('a'), { code: 'io', chance: calm() })).toThrow(DiskError);
    expect([process.open.size, process.failures]).toEqual([0, 1]);
    expect(picture(disk)).toBe('a=');
  });
});

test('what is durable is told by bytes and by name', () => {
  const { disk, process } = machine(create('a'), append('a', 'AB'), sync('a'));
  expect(disk.isDurable('a', 0, 2)).toBe(false);
  disk.perform(process, syncDirectory);
  expect(disk.isDurable('a', 0, 2)).toBe(true);
  expect(disk.hasUnsynced).toBe(false);
  disk.perform(process, append('a', 'C'));
  expect(disk.isDurable('a', 0, 3)).toBe(false);
  expect(disk.hasUnsynced).toBe(true);
});

test('what waits for a sync waits no more once a sync has failed, or the power is gone', () => {
  const { disk, process } = machine(create('a'), syncDirectory, append('a', 'A'));
  expect(disk.hasUnsynced).toBe(true);
  expect(() => disk.fail(process, sync('a'), { code: 'io', chance: calm() })).toThrow(DiskError);
  expect(disk.hasUnsynced).toBe(false);
  disk.perform(process, create('b'));
  expect(disk.hasUnsynced).toBe(true);
  disk.powerLoss(process, calm());
  expect(disk.hasUnsynced).toBe(false);
});

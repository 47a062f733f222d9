import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { prepareDirectory } from '../../../../runtime/disk/directory.ts';
import { fileSystemWarning, isRemoteFileSystem } from '../../../../runtime/disk/file-system.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const modeOf = (directory: string): number => fs.statSync(directory).mode & 0o7777;

test('a missing directory is made with all above it, for its owner alone', () => {
  const directory = join(temporaryDirectory(), 'a/b/data');
  expect(prepareDirectory(directory)).toBeNull();
  expect(modeOf(directory)).toBe(0o700);
  expect(prepareDirectory(directory)).toBeNull();
});

test('an open directory is closed to others', () => {
  const directory = temporaryDirectory();
  fs.chmodSync(directory, 0o755);
  expect(prepareDirectory(directory)).toBeNull();
  expect(modeOf(directory)).toBe(0o700);
});

test('a directory that is shared like /tmp stays open, with a warning', () => {
  const directory = temporaryDirectory();
  fs.chmodSync(directory, 0o1777);
  expect(prepareDirectory(directory)).toContain(directory);
  expect(modeOf(directory)).toBe(0o1777);
});

test('what is no directory is refused', () => {
  const file = join(temporaryDirectory(), 'file');
  fs.writeFileSync(file, '');
  expect(() => prepareDirectory(file)).toThrow('EEXIST');
});

test.each([
  [0x01021994, 'tmpfs', false],
  [0x794c7630, 'overlay', false],
  [0x6969, 'nfs', true],
  [0x65735546, 'fuse', true],
  [0xff534d42 - 2 ** 32, 'cifs', true],
])('a file system that may lose what was synced is warned of: %#', (type, name, isRemote) => {
  const statfs = vi.spyOn(fs, 'statfsSync').mockReturnValue({ type } as fs.StatsFs);
  try {
    expect(fileSystemWarning('/data')).toMatch(new RegExp(`^/data is on ${name}: .*ext4 or xfs\\.$`));
    expect(isRemoteFileSystem('/data')).toBe(isRemote);
  } finally {
    statfs.mockRestore();
  }
});

test.runIf(fs.existsSync('/dev/shm'))('the real tmpfs is told, the file system of processes is not', () => {
  expect(fileSystemWarning('/dev/shm')).toContain('/dev/shm is on tmpfs: it is in memory');
  expect(fileSystemWarning('/proc')).toBeNull();
});

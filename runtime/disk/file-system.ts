// What kind of file system the data directory is on: some forget, and some say "synced" of what is not.

import fs from 'node:fs';

type Kind = { readonly name: string; readonly isRemote: boolean; readonly trouble: string };

const MEMORY = 'it is in memory and forgets everything at a restart of the machine';
const REMOTE = 'locks and syncs are only as good as its server';
const LAYERED = 'it is a layer of a container image and goes with the container; mount a volume';
const USER_SPACE = 'what a sync means there is up to its driver';

/** By the magic numbers of statfs(2). */
const KINDS: ReadonlyMap<number, Kind> = new Map([
  [0x01021994, { name: 'tmpfs', isRemote: false, trouble: MEMORY }],
  [0x858458f6, { name: 'ramfs', isRemote: false, trouble: MEMORY }],
  [0x794c7630, { name: 'overlay', isRemote: false, trouble: LAYERED }],
  [0x00006969, { name: 'nfs', isRemote: true, trouble: REMOTE }],
  [0xff534d42, { name: 'cifs', isRemote: true, trouble: REMOTE }],
  [0xfe534d42, { name: 'smb', isRemote: true, trouble: REMOTE }],
  [0x0000517b, { name: 'smb', isRemote: true, trouble: REMOTE }],
  [0x00c36400, { name: 'ceph', isRemote: true, trouble: REMOTE }],
  [0x01021997, { name: '9p', isRemote: true, trouble: REMOTE }],
  [0x65735546, { name: 'fuse', isRemote: true, trouble: USER_SPACE }],
]);

/** A warning for the operator, or null where there is nothing to warn of or nothing known. */
export function fileSystemWarning(directory: string): string | null {
  const kind = kindOf(directory);
  if (kind === undefined) return null;
  return `${directory} is on ${kind.name}: ${kind.trouble}. Use a local file system with a journal, such as ext4 or xfs.`;
}

/** Whether other machines may be at work in the directory too. */
export const isRemoteFileSystem = (directory: string): boolean => kindOf(directory)?.isRemote ?? false;

const kindOf = (directory: string): Kind | undefined => KINDS.get(fs.statfsSync(directory).type >>> 0);

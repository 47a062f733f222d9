// Writes a whole file so that a crash leaves the old one, the new one or none, never a part: temporary file, sync,
// rename, sync of the directory.

import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Makes the directory if it is missing; two writers of the same name must use different temporary names. */
export async function writeFileDurably(file: {
  readonly directory: string;
  readonly name: string;
  readonly temporary: string;
  readonly bytes: Uint8Array;
}): Promise<void> {
  const { directory, name, temporary, bytes } = file;
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncDirectory(dirname(made));
  const path = join(directory, temporary);
  try {
    await writeSynced(path, bytes);
    await rename(path, join(directory, name));
  } catch (thrown) {
    await rm(path, { force: true });
    throw thrown;
  }
  await syncDirectory(directory);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

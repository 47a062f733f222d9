// Writes a whole file so that a crash leaves the old one, the new one or none, never a part: temporary file, sync,
// rename, sync of the directory.

import { mkdir, open, rename } from 'node:fs/promises';
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
  const handle = await open(join(directory, temporary), 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(join(directory, temporary), join(directory, name));
  await syncDirectory(directory);
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

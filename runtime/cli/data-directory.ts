// The data directory that a command looks at without a server.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { textOf } from '../config.ts';
import type { Environment } from '../config.ts';
import { VARIABLES } from '../config-variables.ts';
import { CommandError } from './failure.ts';

/** Absolute. @throws {CommandError} if it is no directory: looking must not make one. */
export function dataDirectory(given: string | undefined, environment: Environment): string {
  const directory = resolve(given ?? textOf(environment, 'DATA_DIR') ?? VARIABLES.DATA_DIR.fallback ?? '.');
  let isDirectory: boolean;
  try {
    isDirectory = statSync(directory).isDirectory();
  } catch (error) {
    throw new CommandError(`there is no data directory ${directory}`, { cause: error });
  }
  if (!isDirectory) throw new CommandError(`${directory} is not a directory`);
  return directory;
}

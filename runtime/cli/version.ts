// The version: that of the package this file is in, whether it runs from sources or compiled.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function version(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory)
    directory = dirname(directory);
  const { version: text } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string };
  return text;
}

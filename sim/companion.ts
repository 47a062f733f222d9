// Processes of the simulator beside this one.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';

/** How a process is made unlike its twin: what must not matter. */
export type Surroundings = {
  readonly folder: string;
  readonly timeZone: string;
  readonly flags: readonly string[];
};

/** `.ts` where this runs from sources, `.js` where it was compiled: companions run likewise. */
const EXTENSION = extname(import.meta.filename);
const FLAGS = EXTENSION === '.ts' ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps'];

/** Starts the module of that path in sim/, without extension. */
export function startCompanion(module: string, surroundings?: Surroundings): ChildProcess {
  const { folder, timeZone, flags = [] } = surroundings ?? {};
  return fork(join(import.meta.dirname, `${module}${EXTENSION}`), {
    execArgv: [...flags, ...FLAGS],
    ...(folder === undefined ? {} : { cwd: folder }),
    env: { ...process.env, ...(timeZone === undefined ? {} : { TZ: timeZone }) },
  });
}

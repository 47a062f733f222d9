// A process that explores its share for another (crew.ts).

import { tablesOf } from '../depth.ts';
import type { CrewReport, CrewRequest } from './crew.ts';
import { explore } from './exhaustive.ts';
import type { Explored } from './exhaustive.ts';

process.once('message', (request: CrewRequest) => {
  void answer(request);
});
process.on('disconnect', () => process.exit());

/** It explores without a pause, so it would not hear that nobody waits for it any more: it looks. */
const parent = process.ppid;

async function answer({ depth, ...scope }: CrewRequest): Promise<void> {
  const tables = await tablesOf(depth);
  const tell = (isDone: boolean, explored: Explored): void => {
    if (process.ppid !== parent) process.exit();
    const report: CrewReport = { isDone, explored };
    process.send?.(report);
  };
  tell(true, explore({ ...scope, tables, progress: (explored) => tell(false, explored) }));
}

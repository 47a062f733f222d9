// What `--exhaustive` and `--interleavings` do on the command line.

import { availableParallelism } from 'node:os';
import type { Arguments } from '../arguments.ts';
import { tablesOf } from '../depth.ts';
import { Paced } from '../report/progress.ts';
import { exitCodeOf } from '../summary.ts';
import { exploreTogether } from './crew.ts';
import { describeExplored } from './exhaustive.ts';
import { describeInterleaved, interleave } from './interleavings.ts';

const HELD = 0;

export async function exhaustive({
  length,
  nested,
  depth,
  jobs,
}: Extract<Arguments, { kind: 'exhaustive' }>): Promise<number> {
  const progress = new Paced();
  const explored = await exploreTogether({
    length,
    nested,
    depth,
    jobs: jobs ?? availableParallelism(),
    progress: (sofar) => progress.tell(() => describeExplored(sofar)),
  });
  progress.end(describeExplored(explored));
  for (const failure of explored.failures) process.stdout.write(`FAIL O4 ${failure}\n`);
  return explored.failures.length === 0 ? HELD : exitCodeOf('O4');
}

export async function interleavings({ depth }: Extract<Arguments, { kind: 'interleavings' }>): Promise<number> {
  const progress = new Paced();
  const found = interleave({
    tables: await tablesOf(depth),
    progress: (sofar) => progress.tell(() => describeInterleaved(sofar)),
  });
  progress.end(describeInterleaved(found));
  const { failure } = found;
  if (failure === null) return HELD;
  process.stdout.write(`FAIL ${failure.rule} ${failure.detail}\n`);
  for (const step of failure.path) process.stdout.write(`   ${step}\n`);
  return exitCodeOf(failure.rule);
}

// Tells of a failure: on the terminal, and as a page if one was asked for.

import { writeFileSync } from 'node:fs';
import { commitHash } from '../commit.ts';
import type { FaultSelection } from '../faults.ts';
import { formatSeed } from '../seed.ts';
import type { Outcome } from '../simulation.ts';
import { describeFailure } from './failure.ts';
import type { Failure } from './failure.ts';
import { pageOf } from './page.ts';

const STACK_LINES = 5;

export type Tellable = {
  readonly seed: bigint;
  readonly outcome: Outcome;
  readonly shrunk: Failure['shrunk'];
  /** Of the command that lives it again, without faults and shrinking. */
  readonly arguments: readonly string[];
  readonly faults: FaultSelection;
  /** Where the page goes; null: nowhere. */
  readonly report: string | null;
};

export function tellFailure(tellable: Tellable): void {
  const { seed, outcome, shrunk, report } = tellable;
  const repro = reproOf(tellable);
  const commit = commitOf();
  if (report !== null) writePage(report, tellable);
  const failure = { seed: formatSeed(seed), outcome, shrunk, commit, repro, page: report };
  process.stdout.write(`${describeFailure(failure)}\n`);
  const cause = outcome.violation?.cause;
  if (cause instanceof Error && shrunk === null) {
    const stack = cause.stack?.split('\n').slice(0, STACK_LINES).join('\n  ');
    process.stdout.write(`  ${stack ?? cause.message}\n`);
  }
}

/** Writes the story of a life that need not have failed. */
export function writePage(file: string, tellable: Tellable): void {
  const { seed, outcome, shrunk } = tellable;
  const told = shrunk?.shrunk.outcome ?? outcome;
  const linesBefore = shrunk?.shrunk.linesBefore ?? null;
  const page = { seed: formatSeed(seed), outcome: told, linesBefore, commit: commitOf(), repro: reproOf(tellable) };
  writeFileSync(file, pageOf(page));
}

function reproOf({ arguments: named, faults, shrunk }: Tellable): string {
  const { only, without } = faults;
  const options = [
    ...named,
    ...(only.length > 0 ? ['--only', only.join(',')] : []),
    ...(without.length > 0 ? ['--without', without.join(',')] : []),
    ...(shrunk === null || named.includes('--mutants') ? [] : ['--shrink']),
  ];
  return `npm run sim -- ${options.join(' ')}`;
}

const commitOf = (): string => commitHash()?.slice(0, 7) ?? 'unknown';

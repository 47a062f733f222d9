// What `--mutants` does: every planted bug is hunted and its failure made small, in as many processes as there are
// cores; a bug that is named is told at length.

import { availableParallelism } from 'node:os';
import { UsageError } from './arguments.ts';
import type { Arguments } from './arguments.ts';
import { startCompanion } from './companion.ts';
import { tablesOf } from './depth.ts';
import type { FaultSelection } from './faults.ts';
import type { HuntReport, HuntRequest } from './hunter.ts';
import { dissect, hunt } from './mutants/hunt.ts';
import type { Mutant } from './mutants/mutant.ts';
import { MUTANTS } from './mutants/planted.ts';
import { tellFailure } from './report/tell.ts';
import { THOROUGH } from './shrink.ts';

const HELD = 0;
const SURVIVED = 131;

export async function mutants(options: Extract<Arguments, { kind: 'mutants' }>): Promise<number> {
  const { names, faults, jobs, report } = options;
  const unknown = names.find((name) => !MUTANTS.some((mutant) => mutant.name === name));
  if (unknown !== undefined) throw new UsageError(`no planted bug "${unknown}"`);
  if (names.length > 0) {
    let fate = HELD;
    for (const mutant of MUTANTS.filter(({ name }) => names.includes(name))) {
      if (!(await tellOne(mutant, { faults, report }))) fate = SURVIVED;
    }
    return fate;
  }
  const startedAt = performance.now();
  const reports = await huntAll(MUTANTS, { faults, jobs: jobs ?? availableParallelism() });
  process.stdout.write(`${summarizeHunts(reports, performance.now() - startedAt)}\n`);
  return reports.every(({ caught }) => caught !== null) ? HELD : SURVIVED;
}

async function tellOne(mutant: Mutant, { faults, report }: { faults: FaultSelection; report: string | null }) {
  const tables = await tablesOf('bulk');
  const caught = hunt(mutant, { tables, faults });
  const head = `${mutant.name}: ${mutant.sentence}`;
  if (caught === null) {
    process.stdout.write(`${head}\n  SURVIVED\n`);
    return false;
  }
  process.stdout.write(`${head}, caught after ${counted(caught.lives, 'life', 'lives')}\n`);
  const startedAt = performance.now();
  const { seed, outcome, shrunk } = dissect(mutant, caught, { tables, faults, limits: THOROUGH });
  const seconds = (performance.now() - startedAt) / 1000;
  const arguments_ = ['--mutants', mutant.name];
  tellFailure({ seed, outcome, shrunk: { shrunk, seconds }, arguments: arguments_, faults, report });
  return true;
}

/** Hunts side by side, and tells of each in the order in which they stand. */
async function huntAll(
  all: readonly Mutant[],
  { faults, jobs }: { readonly faults: FaultSelection; readonly jobs: number },
): Promise<readonly HuntReport[]> {
  const reports = new Map<string, HuntReport>();
  const waiting = [...all];
  let told = 0;
  const tell = (): void => {
    for (let mutant = all[told]; mutant !== undefined; mutant = all[told]) {
      const report = reports.get(mutant.name);
      if (report === undefined) return;
      process.stdout.write(`${describeHunt(report, mutant.sentence)}\n`);
      told += 1;
    }
  };
  const lane = async (): Promise<void> => {
    const hunter = startHunter();
    try {
      for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
        reports.set(mutant.name, await hunter.ask({ name: mutant.name, faults }));
        tell();
      }
    } finally {
      hunter.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, all.length) }, lane));
  return [...reports.values()];
}

function startHunter(): { readonly ask: (request: HuntRequest) => Promise<HuntReport>; readonly close: () => void } {
  const child = startCompanion('hunter');
  const ask = (request: HuntRequest): Promise<HuntReport> =>
    new Promise((resolve, reject) => {
      const died = (code: number | null): void => reject(new Error(`a hunting process died with ${String(code)}`));
      child.once('exit', died);
      child.once('message', (report) => {
        child.off('exit', died);
        resolve(report as HuntReport);
      });
      child.send(request);
    });
  return { ask, close: () => child.disconnect() };
}

export function describeHunt({ name, caught, huntMs, shrinkMs }: HuntReport, sentence: string): string {
  const took = `${((huntMs + shrinkMs) / 1000).toFixed(1)} s`;
  const fate =
    caught === null
      ? ['SURVIVED', '', '', took]
      : [
          caught.rule,
          `seed ${caught.seed}`,
          counted(caught.lives, 'life', 'lives'),
          `${caught.linesBefore} -> ${caught.lines} events`,
          took,
        ];
  const widths = [5, 11, 9, 18, 7];
  const columns = fate.map((part, index) => part.padEnd(widths[index] ?? 0));
  return `${name.padEnd(28)} ${columns.join(' ')} ${sentence}`;
}

export function summarizeHunts(reports: readonly HuntReport[], elapsedMs: number): string {
  const caught = reports.flatMap((report) => report.caught ?? []);
  const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
  const spread = (values: readonly number[]): string =>
    `median ${sorted(values)[values.length >> 1] ?? 0}, at most ${sorted(values).at(-1) ?? 0}`;
  const survived = reports.filter((report) => report.caught === null).map(({ name }) => name);
  return [
    `${caught.length} of ${reports.length} planted bugs caught`,
    `lives: ${spread(caught.map(({ lives }) => lives))}`,
    `events of the shrunk story: ${spread(caught.map(({ lines }) => lines))}`,
    `${(elapsedMs / 1000).toFixed(1)} s`,
    ...(survived.length === 0 ? [] : [`survived: ${survived.join(', ')}`]),
  ].join('; ');
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

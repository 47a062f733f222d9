// A process that hunts planted bugs for another (hunting.ts), one at a time.

import { tablesOf } from './depth.ts';
import type { FaultSelection } from './faults.ts';
import { dissect, hunt } from './mutants/hunt.ts';
import { MUTANTS } from './mutants/planted.ts';
import { formatSeed } from './seed.ts';
import { QUICK } from './shrink.ts';

export type HuntRequest = { readonly name: string; readonly faults: FaultSelection };

/** What became of one planted bug; `caught` is null if it survived. */
export type HuntReport = {
  readonly name: string;
  readonly caught: {
    readonly rule: string;
    readonly seed: string;
    readonly lives: number;
    readonly linesBefore: number;
    readonly lines: number;
  } | null;
  readonly huntMs: number;
  readonly shrinkMs: number;
};

process.on('message', (request: HuntRequest) => {
  void answer(request);
});
process.on('disconnect', () => process.exit());

async function answer({ name, faults }: HuntRequest): Promise<void> {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`no planted bug "${name}"`);
  const tables = await tablesOf('bulk');
  const startedAt = performance.now();
  const caught = hunt(mutant, { tables, faults });
  const caughtAt = performance.now();
  const shrunk = caught === null ? null : dissect(mutant, caught, { tables, faults, limits: QUICK }).shrunk;
  const report: HuntReport = {
    name,
    caught:
      caught === null || shrunk === null
        ? null
        : {
            rule: caught.rule,
            seed: formatSeed(caught.seed),
            lives: caught.lives,
            linesBefore: shrunk.linesBefore,
            lines: shrunk.lines,
          },
    huntMs: caughtAt - startedAt,
    shrinkMs: performance.now() - caughtAt,
  };
  // Whoever asked may be gone by now, without having had the time to say so.
  process.send?.(report, undefined, undefined, (error) => error !== null && process.exit());
}

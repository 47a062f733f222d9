// Lives many seeds, here or in processes side by side, and compares each with its twin if asked to.

import type { Arguments, Span } from './arguments.ts';
import type { Surroundings } from './companion.ts';
import { tablesOf } from './depth.ts';
import { Worker } from './pool.ts';
import type { Progress } from './report/progress.ts';
import { formatSeed, nextSeed } from './seed.ts';
import { live } from './simulation.ts';
import { summarize, Tally } from './summary.ts';
import type { Summary } from './summary.ts';
import { firstDifference, seeded } from './world/tape.ts';

export type RunArguments = Extract<Arguments, { kind: 'run' }>;

/** A seed that did not live alike twice, and the first draw at which it parted. */
export type Difference = { readonly seed: string; readonly detail: string };

export type RunResult = { readonly tally: Tally; readonly differences: readonly Difference[] };

/** Seeds that one process takes at a time. */
const BATCH = 16;
/** A run stops at so many failures: the first few tell, the rest costs time. */
const FAILURES_MAX = 10;

/** What the twin of a life is given instead: none of it may matter. */
const ELSEWHERE: Surroundings = { folder: '/', timeZone: 'Pacific/Apia', flags: ['--no-opt', '--max-lazy'] };

export async function run(options: RunArguments, freshSeed: bigint, progress: Progress): Promise<RunResult> {
  const tally = new Tally();
  const differences: Difference[] = [];
  const batches = batchesOf(options.span, freshSeed, progress);
  const isOver = (): boolean => tally.failures.length >= FAILURES_MAX || differences.length > 0;

  const lane = async (): Promise<void> => {
    const worker = options.jobs === 1 ? null : new Worker();
    const twin = options.twice ? new Worker(ELSEWHERE) : null;
    try {
      while (!isOver()) {
        const { value: seeds } = batches.next();
        if (seeds === undefined) break;
        const summaries = worker === null ? liveHere(seeds) : liveThere(worker, seeds);
        const twins = twin === null ? null : liveThere(twin, seeds);
        for (const [index, summary] of (await summaries).entries()) {
          tally.add(summary);
          const other = (await twins)?.[index];
          if (other !== undefined && other.hash !== summary.hash) differences.push(await compare(summary.seed));
        }
        progress.tell(tally);
      }
    } finally {
      worker?.close();
      twin?.close();
    }
  };

  const tables = await tablesOf(options.depth);
  await Promise.all(Array.from({ length: options.jobs }, lane));
  return { tally, differences };

  async function liveHere(seeds: readonly bigint[]): Promise<Summary[]> {
    // The twin gets its seeds first, and works while this process does.
    await Promise.resolve();
    return seeds.map((seed) =>
      summarize(seed, live({ source: seeded(seed), tables, faults: options.faults, keepTrace: false })),
    );
  }

  async function liveThere(worker: Worker, seeds: readonly bigint[]): Promise<Summary[]> {
    const { depth, faults } = options;
    const results = await worker.live({ seeds: seeds.map(formatSeed), depth, faults, keepDraws: false });
    return results.map(({ summary }) => summary);
  }

  async function compare(seed: string): Promise<Difference> {
    const here = live({ source: seeded(BigInt(seed)), tables, faults: options.faults, keepDraws: true });
    const twin = new Worker(ELSEWHERE);
    const { depth, faults } = options;
    const [there] = await twin.live({ seeds: [seed], depth, faults, keepDraws: true });
    twin.close();
    const found = firstDifference(here.tape.draws ?? [], there?.draws ?? []);
    if (found === undefined) return { seed, detail: 'all draws are equal, what follows from them is not' };
    const { position, first, second } = found;
    const told = [first, second].map((draw) =>
      draw === undefined ? 'none' : `${draw.stream} "${draw.label}" ${draw.value} of ${draw.n}`,
    );
    return { seed, detail: `draw ${position + 1} is ${told.join(', and then ')}` };
  }
}

function* batchesOf(span: Span, freshSeed: bigint, progress: Progress): Generator<readonly bigint[], undefined> {
  let seed = span.from ?? freshSeed;
  for (;;) {
    const batch: bigint[] = [];
    while (batch.length < BATCH && (span.kind === 'time' || seed < span.to)) {
      batch.push(seed);
      seed = span.kind === 'time' ? nextSeed(seed) : seed + 1n;
    }
    if (batch.length === 0 || (span.kind === 'time' && progress.elapsedMs >= span.ms)) return undefined;
    yield batch;
  }
}

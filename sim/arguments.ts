// The command line of the simulator.

import { parseArgs } from 'node:util';
import { FAULTS, selects } from './faults.ts';
import type { FaultSelection } from './faults.ts';
import { parseRange, parseSeed } from './seed.ts';

export const USAGE = `npm run sim -- [options]

  (none)                  ten seconds of fresh seeds
  --seed 42|0x2a|<hash>   one life; with --time, the lives from there on; \`commit\` is the commit that is checked out
  --seeds 0..1000         the lives 0 to 999; 42+10 is ten from 42 on, commit+300 are this commit's own
  --time 60s              how long to go on (ms, s, m)
  --jobs 2                processes that live side by side (default 1; with --exhaustive and --mutants, one a core)
  --twice                 live each seed again in another process, time zone and folder, and compare
  --depth bulk|full       map tables (default), or the SQLite tables of production beside them, compared row by row
  --only P1,D             these faults and groups of faults alone, always on
  --without C             never these
  --trace short|full|jsonl   print the life of --seed
  --shrink                shorten a failure to the fewest events
  --report story.html     write the life of --seed, of the first failure or of a named planted bug as a page
  --exhaustive 3          all workloads of up to so many letters, a crash before each disk operation, every image it may
                          leave
  --nested                with it: cut each recovery off as well
  --interleavings         all orders of what two clients, two workers, the timer and one crash may do
  --mutants [name …]      plant each bug, and see that it is caught; one that is named is told at length
  --explain S1            a rule in plain words; without a name, all of them

Exit: 0 held, 2 usage, 127 crash, 128 liveness, 129 safety, 130 nondeterminism, 131 a planted bug survived,
  141 nobody reads its output any more`;

export type Depth = 'bulk' | 'full';
export type TraceStyle = 'short' | 'full' | 'jsonl';

/** Which seeds to live: a range, or from one on until the time is over. */
export type Span =
  | { readonly kind: 'range'; readonly from: bigint; readonly to: bigint }
  | { readonly kind: 'time'; readonly from: bigint | null; readonly ms: number };

export type Arguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'explain'; readonly rule: string | null }
  | {
      readonly kind: 'exhaustive';
      readonly length: number;
      readonly nested: boolean;
      readonly depth: Depth;
      /** Null: as many as there are cores. */
      readonly jobs: number | null;
    }
  | { readonly kind: 'interleavings'; readonly depth: Depth }
  | {
      readonly kind: 'mutants';
      readonly names: readonly string[];
      readonly faults: FaultSelection;
      /** Null: as many as there are cores. */
      readonly jobs: number | null;
      readonly report: string | null;
    }
  | {
      readonly kind: 'run';
      readonly span: Span;
      readonly jobs: number;
      readonly twice: boolean;
      readonly depth: Depth;
      readonly faults: FaultSelection;
      readonly trace: TraceStyle | null;
      readonly shrink: boolean;
      /** The file for the story as a page. */
      readonly report: string | null;
    };

/** The caller's fault: exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const TIME_MS = 10_000;
const JOBS_MAX = 64;
/** Seven letters: each more makes it seven times as long. */
const LENGTH_MAX = 6;

/** @throws {UsageError} if the arguments make no sense. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parsed(argv);
  if (values.help === true) return { kind: 'help' };
  if (values.explain === true) return { kind: 'explain', rule: positionals[0] ?? null };
  const faults: FaultSelection = { only: codes('--only', values.only), without: codes('--without', values.without) };
  const report = values.report ?? null;
  if (report === '') throw new UsageError('--report names a file');
  if (values.mutants === true) {
    const jobs = values.jobs === undefined ? null : jobsOf(values.jobs);
    if (report !== null && positionals.length !== 1) throw new UsageError('--report needs one planted bug by name');
    return { kind: 'mutants', names: positionals, faults, jobs, report };
  }
  const depth = oneOf<Depth>('--depth', values.depth ?? 'bulk', ['bulk', 'full']);
  if (positionals[0] !== undefined) throw new UsageError(`unexpected "${positionals[0]}"`);
  if (values.exhaustive !== undefined) {
    const length = lengthOf(values.exhaustive);
    const jobs = values.jobs === undefined ? null : jobsOf(values.jobs);
    return { kind: 'exhaustive', length, nested: values.nested === true, depth, jobs };
  }
  if (values.interleavings === true) return { kind: 'interleavings', depth };
  return {
    kind: 'run',
    span: spanOf(values),
    jobs: jobsOf(values.jobs),
    twice: values.twice === true,
    depth,
    faults,
    trace: values.trace === undefined ? null : oneOf<TraceStyle>('--trace', values.trace, ['short', 'full', 'jsonl']),
    shrink: values.shrink === true,
    report,
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        seed: { type: 'string' },
        seeds: { type: 'string' },
        time: { type: 'string' },
        jobs: { type: 'string' },
        twice: { type: 'boolean' },
        depth: { type: 'string' },
        only: { type: 'string' },
        without: { type: 'string' },
        trace: { type: 'string' },
        shrink: { type: 'boolean' },
        report: { type: 'string' },
        exhaustive: { type: 'string' },
        nested: { type: 'boolean' },
        interleavings: { type: 'boolean' },
        mutants: { type: 'boolean' },
        explain: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function spanOf(values: { seed?: string | undefined; seeds?: string | undefined; time?: string | undefined }): Span {
  if (values.seeds !== undefined) {
    const range = parseRange(values.seeds);
    if (range === undefined) throw new UsageError(`--seeds ${values.seeds}: not a range such as 0..1000`);
    return { kind: 'range', ...range };
  }
  const seed = values.seed === undefined ? null : parseSeed(values.seed);
  if (seed === undefined) throw new UsageError(`--seed ${values.seed ?? ''}: neither a number nor a commit hash`);
  if (seed !== null && values.time === undefined) return { kind: 'range', from: seed, to: seed + 1n };
  return { kind: 'time', from: seed, ms: values.time === undefined ? TIME_MS : milliseconds(values.time) };
}

function milliseconds(text: string): number {
  const [, digits, unit] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  if (digits === undefined) throw new UsageError(`--time ${text}: not a time such as 60s`);
  return Number(digits) * (unit === 'ms' ? 1 : unit === 's' ? 1_000 : 60_000);
}

function jobsOf(text: string | undefined): number {
  const jobs = Number(text ?? 1);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > JOBS_MAX) throw new UsageError(`--jobs is from 1 to ${JOBS_MAX}`);
  return jobs;
}

function lengthOf(text: string): number {
  const length = Number(text === '' ? Number.NaN : text);
  if (!Number.isInteger(length) || length < 0 || length > LENGTH_MAX) {
    throw new UsageError(`--exhaustive is from 0 to ${LENGTH_MAX}`);
  }
  return length;
}

function codes(option: string, text: string | undefined): string[] {
  const patterns = text === undefined ? [] : text.split(',');
  for (const pattern of patterns) {
    if (!FAULTS.some(({ code }) => selects([pattern], code))) throw new UsageError(`${option}: no fault "${pattern}"`);
  }
  return patterns;
}

function oneOf<Value extends string>(option: string, value: string, values: readonly Value[]): Value {
  const found = values.find((one) => one === value);
  if (found === undefined) throw new UsageError(`${option} is one of ${values.join(', ')}`);
  return found;
}

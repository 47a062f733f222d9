// The simulator's command line. What each option does is in arguments.ts; what each exit code means too.

import { randomBytes } from 'node:crypto';
import { parseArguments, USAGE, UsageError } from './arguments.ts';
import { tablesOf } from './depth.ts';
import { exhaustive, interleavings } from './explore/command.ts';
import { mutants } from './hunting.ts';
import { hunt } from './mutants/hunt.ts';
import { CANARY, MUTANTS } from './mutants/planted.ts';
import { explain } from './report/explain.ts';
import { describeEvent, formatMs } from './report/failure.ts';
import { Progress } from './report/progress.ts';
import { describeLine, storyOf } from './report/story.ts';
import { tellFailure, writePage } from './report/tell.ts';
import type { Tellable } from './report/tell.ts';
import { run } from './run.ts';
import type { RunArguments } from './run.ts';
import { formatSeed } from './seed.ts';
import { shrink } from './shrink.ts';
import { live } from './simulation.ts';
import type { Outcome } from './simulation.ts';
import { exitCodeOf } from './summary.ts';
import { seeded } from './world/tape.ts';

const HELD = 0;
const USAGE_ERROR = 2;
const CRASHED = 127;
const NONDETERMINISM = 130;
const SURVIVED = 131;
/** As a shell says that a pipe was closed; only for a run that was not over by then. */
const CUT_SHORT = 141;
/** Failures told at length. */
const TOLD_MAX = 3;
/** The canary dies in its first few lives, or something is wrong with the simulator. */
const CANARY_LIVES_MAX = 20;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv);
  switch (parsed.kind) {
    case 'help':
      say(USAGE);
      return HELD;
    case 'explain':
      return tellRules(parsed.rule);
    case 'exhaustive':
      return exhaustive(parsed);
    case 'interleavings':
      return interleavings(parsed);
    case 'mutants':
      return mutants(parsed);
    case 'run':
      return simulate(parsed);
  }
}

function tellRules(rule: string | null): number {
  const lines = explain(rule);
  if (lines === undefined) throw new UsageError(`no rule "${rule ?? ''}"`);
  for (const line of lines) say(line);
  return HELD;
}

async function simulate(options: RunArguments): Promise<number> {
  const { span } = options;
  const isSingle = span.kind === 'range' && span.to - span.from === 1n;
  if (isSingle && !options.twice) return single(span.from, options);
  if (!(await canaryDies())) {
    say(`the canary "${CANARY}" survived: the simulator finds nothing`);
    return SURVIVED;
  }
  const freshSeed = randomBytes(8).readBigUInt64BE();
  const progress = new Progress();
  const { tally, differences } = await run(options, freshSeed, progress);
  progress.end(tally);
  for (const { seed, detail } of differences.slice(0, TOLD_MAX)) say(`NOT ALIKE seed ${seed}: ${detail}`);
  for (const [index, { seed }] of tally.failures.slice(0, TOLD_MAX).entries()) {
    await tell(BigInt(seed), index === 0 ? options : { ...options, report: null });
  }
  const others = tally.failures.slice(TOLD_MAX).map(({ seed, rule }) => `${seed} (${rule ?? ''})`);
  if (others.length > 0) say(`and ${others.length} more: ${others.join(', ')}`);
  const [first] = tally.failures;
  if (first?.rule != null) return exitCodeOf(first.rule);
  return differences.length === 0 ? HELD : NONDETERMINISM;
}

async function single(seed: bigint, options: RunArguments): Promise<number> {
  const tables = await tablesOf(options.depth);
  const outcome = live({ source: seeded(seed), tables, faults: options.faults });
  if (options.trace !== null) printTrace(outcome, options);
  if (outcome.violation !== null) {
    await tell(seed, options, outcome);
    return exitCodeOf(outcome.violation.rule);
  }
  say(`seed ${formatSeed(seed)} held: ${outcome.steps} events, ${outcome.jobs} jobs, ${outcome.crashes} crashes`);
  say(`  simulated ${formatMs(outcome.simulatedMs)}, hash ${outcome.hash}`);
  say(`  plan ${outcome.plan}`);
  say(`  faults ${[...outcome.fired].map(([code, count]) => `${code}:${count}`).join(' ')}`);
  if (options.report !== null) {
    writePage(options.report, tellableOf(seed, options, { outcome, shrunk: null }));
    say(`  story: ${options.report}`);
  }
  return HELD;
}

function printTrace(outcome: Outcome, { trace }: RunArguments): void {
  if (trace === 'short') return storyOf(outcome.trace.events).forEach((line) => say(describeLine(line)));
  if (trace === 'full') say(`plan ${outcome.plan}\nfaults per million ${outcome.switches}`);
  for (const event of outcome.trace.events) {
    say(trace === 'jsonl' ? JSON.stringify(event) : `${formatMs(event.atUs / 1000)} ${describeEvent(event)}`);
  }
}

async function tell(seed: bigint, options: RunArguments, known?: Outcome): Promise<void> {
  const tables = await tablesOf(options.depth);
  const { faults } = options;
  const outcome = known ?? live({ source: seeded(seed), tables, faults });
  const startedAt = performance.now();
  const shrunk = options.shrink ? shrink(outcome, () => ({ tables, faults })) : null;
  const seconds = (performance.now() - startedAt) / 1000;
  tellFailure(tellableOf(seed, options, { outcome, shrunk: shrunk === null ? null : { shrunk, seconds } }));
}

function tellableOf(seed: bigint, options: RunArguments, life: Pick<Tellable, 'outcome' | 'shrunk'>): Tellable {
  const depth = options.depth === 'bulk' ? [] : ['--depth', options.depth];
  const { faults, report } = options;
  return { seed, ...life, arguments: ['--seed', formatSeed(seed), ...depth], faults, report };
}

async function canaryDies(): Promise<boolean> {
  const tables = await tablesOf('bulk');
  const canary = MUTANTS.find(({ name }) => name === CANARY);
  return canary !== undefined && hunt(canary, { tables, livesMax: CANARY_LIVES_MAX }) !== null;
}

// A reader of the output who has seen enough is no error: what is over keeps its verdict, what is not ends here.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? CUT_SHORT);
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${USAGE}\n`);
    process.exitCode = USAGE_ERROR;
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = CRASHED;
  }
}

// `perdure demo`: a real server, killed with -9 again and again amid its work, and an account of what became of the jobs.
//
// It cannot show a missing sync, because what the kernel holds survives the process; the simulator's power cuts do that.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '../client/client.ts';
import { EXIT } from '../exit.ts';
import { JSON_OPTION, UsageError, readArguments, readInteger } from './arguments.ts';
import type { Command } from './command.ts';
import { balance, readRuns } from './demo/ledger.ts';
import type { Ledger, Repeated } from './demo/ledger.ts';
import { submitAll } from './demo/load.ts';
import type { Acknowledged } from './demo/load.ts';
import { showProgress } from './demo/progress.ts';
import { DemoServer } from './demo/server.ts';
import { CommandError } from './failure.ts';
import { jsonLine } from './job-json.ts';
import { durationText, facts, table } from './table.ts';
import type { Terminal } from './terminal.ts';

const JOBS = 400;
const JOBS_MAX = 10_000;
const KILLS = 5;
const KILLS_MAX = 100;
const CLIENTS = 8;

/** How long the work may take, kills and all, before it counts as stuck. */
const PATIENCE_MS = 120_000;
const POLL_MS = 10;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const HELP = `Starts a real server on a scratch directory, lets ${CLIENTS} clients submit jobs under keys, kills it with -9 amid the
work, starts it again, and prints what became of the jobs.

Usage: perdure demo [options]

      --jobs N   how many (default: ${JOBS})
      --kills N  how often (default: ${KILLS})
      --keep     leave the directory, to look at it with verify and journal
      --json     print the account as JSON

Exit codes: 0 every acknowledged job was done, 1 one was not

Examples:
  perdure demo
  perdure demo --jobs 2000 --kills 20 --keep
`;

const OPTIONS = {
  ...JSON_OPTION,
  jobs: { type: 'string' },
  kills: { type: 'string' },
  keep: { type: 'boolean' },
} as const;

export const demo: Command = {
  help: HELP,
  run: async (argv, terminal) => {
    const { values } = readArguments(argv, { options: OPTIONS, positionalsMax: 0 });
    const jobs = within('jobs', readInteger('jobs', values.jobs) ?? JOBS, { min: 1, max: JOBS_MAX });
    const kills = within('kills', readInteger('kills', values.kills) ?? KILLS, { min: 0, max: KILLS_MAX });
    const directory = mkdtempSync(join(tmpdir(), 'perdure-demo-'));
    const remove = (): void => {
      if (values.keep !== true) rmSync(directory, { recursive: true, force: true });
    };
    const interrupted = (signal: NodeJS.Signals): void => {
      remove();
      process.exit(128 + constants.signals[signal]); // the server ends with this process
    };
    for (const signal of SIGNALS) process.once(signal, interrupted);
    try {
      const account = await run({ directory, jobs, kills }, terminal);
      const kept = values.keep === true ? directory : null;
      await terminal.write(values.json === true ? jsonLine({ ...account, directory: kept }) : text(account, terminal));
      if (kept !== null) terminal.tell(`look at it: perdure verify ${join(kept, 'data')}\n`);
      return account.lost.length === 0 ? EXIT.orderly : EXIT.refused;
    } finally {
      for (const signal of SIGNALS) process.off(signal, interrupted);
      remove();
    }
  },
};

type Account = Ledger & {
  readonly kills: number;
  /** Submissions that were sent again because no answer came. */
  readonly resent: number;
  /** Of those, how often the first one had been stored already: the key gave the same job. */
  readonly replayed: number;
  readonly ms: number;
};

async function run(
  { directory, jobs, kills }: { directory: string; jobs: number; kills: number },
  terminal: Terminal,
): Promise<Account> {
  const startedAtMs = performance.now();
  const place = { dataDir: join(directory, 'data'), ledger: join(directory, 'ledger') };
  writeFileSync(place.ledger, '');
  const progress = showProgress(terminal, jobs);
  const acknowledged: Acknowledged[] = [];
  let [killed, resent, replayed] = [0, 0, 0];
  const giveUp = new AbortController();

  let server = await DemoServer.start(place);
  try {
    const show = (): void =>
      progress.advance(acknowledged.length, `${acknowledged.length} of ${jobs} acknowledged, ${killed} kills`);
    const clients = submitAll({
      jobs,
      clients: CLIENTS,
      url: () => server.url,
      signal: giveUp.signal,
      onAcknowledged: (job, outcome) => {
        acknowledged.push(job);
        if (outcome.sent > 1) resent += 1;
        if (outcome.replayed) replayed += 1;
        show();
      },
    });
    const failed = clients.then(
      () => null,
      (error: unknown) => {
        giveUp.abort();
        return { error };
      },
    );
    while (killed < kills) {
      const enough = Math.ceil((jobs * (killed + 1)) / (kills + 1));
      await until(async () => acknowledged.length >= enough || giveUp.signal.aborted);
      if (giveUp.signal.aborted) break;
      await server.end('SIGKILL');
      killed += 1;
      progress.note(`kill -9 number ${killed}: ${acknowledged.length} of ${jobs} acknowledged`);
      server = await DemoServer.start(place);
    }
    const failure = await failed;
    if (failure !== null) throw failure.error;
    const client = createClient({ url: server.url });
    await until(async () => {
      const { depth, jobs: states } = await client.stats();
      progress.advance(states.succeeded, `all acknowledged, ${states.succeeded} of ${jobs} done, ${killed} kills`);
      return depth === 0;
    });
    const found = await Promise.all(
      acknowledged.map(async (each) => ({ acknowledged: each, job: await client.get(each.id) })),
    );
    if ((await server.end('SIGTERM')) !== EXIT.orderly) throw new CommandError('the server did not shut down in order');
    const ledger = balance(found, readRuns(readFileSync(place.ledger, 'utf8')));
    return { ...ledger, kills: killed, resent, replayed, ms: Math.round(performance.now() - startedAtMs) };
  } finally {
    giveUp.abort();
    progress.end();
    await server.end('SIGKILL');
  }
}

async function until(isReached: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!(await isReached())) {
    if (performance.now() > deadlineMs) throw new CommandError(`the demo got stuck: nothing for ${PATIENCE_MS} ms`);
    await wait(POLL_MS);
  }
}

function text(account: Account, terminal: Terminal): string {
  const { repeated, lost, kills, acknowledged, done, runs, resent, replayed, ms } = account;
  const verdict =
    lost.length === 0
      ? `${terminal.paint('green', 'nothing was lost')}: every job that was acknowledged ran at least once`
      : terminal.paint('red', 'jobs were lost: this is a defect of perdure');
  const lines = facts(terminal, [
    ['kill -9', `${kills} times amid the work`],
    ['acknowledged', `${acknowledged} jobs`],
    ['done', String(done)],
    ['lost', `${lost.length}${lost.length === 0 ? '' : `: ${lost.map(({ key }) => key).join(', ')}`}`],
    [
      'sent again',
      `${resent} for want of an answer; ${replayed} had been stored already, and their keys gave the same jobs`,
    ],
    ['runs', `${runs}: ${repeated.length} jobs ran more than once, each for a reason`],
    ['took', durationText(ms)],
  ]);
  const heading = ['JOB', 'RUNS', 'WHY AGAIN'];
  const again = repeated.length === 0 ? '' : `\n${table(terminal, { heading, rows: repeated.map(row), right: [1] })}`;
  return `${lines}${again}\n${verdict}\n`;
}

const row = ({ key, attempts }: Repeated): string[] => [
  key,
  String(attempts.length),
  attempts
    .map(({ attempt, endedBy }) => (endedBy === null ? `attempt ${attempt} done` : `attempt ${attempt} ${endedBy}`))
    .join(', '),
];

function within(option: string, value: number, { min, max }: { min: number; max: number }): number {
  if (value < min || value > max) throw new UsageError(`--${option} must be from ${min} to ${max}`);
  return value;
}

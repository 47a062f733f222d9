// `perdure list`: jobs, newest first.

import { JOB_STATES } from '../../core/job/job.ts';
import type { JobView } from '../embed/job-view.ts';
import { EXIT } from '../exit.ts';
import { UsageError, readArguments, readChoice, readInteger } from './arguments.ts';
import type { Command } from './command.ts';
import { CONNECTION_HELP, CONNECTION_OPTIONS, withServer } from './connection.ts';
import { jobJson, jsonLine } from './job-json.ts';
import { stateStyle } from './state.ts';
import { table } from './table.ts';

const LIMIT = 50;

/** Jobs asked for at once. */
const PAGE = 1_000;

const HELP = `Lists jobs, newest first.

Usage: perdure list [options]

      --state STATE  ${JOB_STATES.join(', ')}
      --type TYPE
      --queue NAME
  -n, --limit N      at most so many (default: ${LIMIT})
      --all          all of them
${CONNECTION_HELP}
With --json each job is a line of its own.

Examples:
  perdure list --state dead
  perdure list --type email --all --json | jq -r 'select(.failures > 0) | .id'
`;

const OPTIONS = {
  ...CONNECTION_OPTIONS,
  state: { type: 'string' },
  type: { type: 'string' },
  queue: { type: 'string' },
  limit: { type: 'string', short: 'n' },
  all: { type: 'boolean' },
} as const;

export const list: Command = {
  help: HELP,
  run: async (argv, terminal) => {
    const { values } = readArguments(argv, { options: OPTIONS, positionalsMax: 0 });
    const limit = limitOf(values);
    const filter = {
      state: readChoice('state', values.state, JOB_STATES),
      type: values.type,
      queue: values.queue,
      limit: Math.min(limit, PAGE),
    };
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
    await withServer(terminal, values, async (client) => {
      const jobs: JobView[] = [];
      let count = 0;
      for await (const job of client.jobs(given)) {
        if (values.json === true) await terminal.write(jsonLine(jobJson(job)));
        else jobs.push(job);
        count += 1;
        if (count >= limit) break;
      }
      if (values.json === true) return;
      await terminal.write(table(terminal, { heading: HEADING, rows: jobs.map(row), right: [4, 5] }, stateStyle));
    });
    return EXIT.orderly;
  },
};

const HEADING = ['ID', 'STATE', 'TYPE', 'QUEUE', 'ATTEMPT', 'FAILURES', 'SUBMITTED'] as const;

const row = ({ id, state, type, queue, attempt, failures, createdAt }: JobView): string[] => [
  id,
  state,
  type,
  queue,
  String(attempt),
  String(failures),
  createdAt.toISOString(),
];

function limitOf(values: { readonly limit?: string | undefined; readonly all?: boolean | undefined }): number {
  if (values.all === true && values.limit !== undefined)
    throw new UsageError('--all and --limit contradict each other');
  const limit = values.all === true ? Infinity : (readInteger('limit', values.limit) ?? LIMIT);
  if (limit < 1) throw new UsageError('--limit must be at least 1');
  return limit;
}

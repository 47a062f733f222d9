// `perdure show`: one job, and how it came to what it is.

import type { HistoryEntry, JobView } from '../embed/job-view.ts';
import { EXIT } from '../exit.ts';
import { readArguments, required } from './arguments.ts';
import type { Command } from './command.ts';
import { CONNECTION_HELP, CONNECTION_OPTIONS, withServer } from './connection.ts';
import { CommandError } from './failure.ts';
import { jobWithHistoryJson, jsonLine } from './job-json.ts';
import { facts, table } from './table.ts';

const HELP = `Shows one job with its history.

Usage: perdure show ID [options]

${CONNECTION_HELP}
Examples:
  perdure show 01980f3c-6f4e-7c2a-9d55-0b1f6a7e8c21
  perdure show 01980f3c-6f4e-7c2a-9d55-0b1f6a7e8c21 --json | jq .result
`;

export const show: Command = {
  help: HELP,
  run: async (argv, terminal) => {
    const { values, positionals } = readArguments(argv, { options: CONNECTION_OPTIONS, positionalsMax: 1 });
    const id = required(positionals[0], 'ID');
    const job = await withServer(terminal, values, (client) => client.get(id));
    if (job === null) throw new CommandError(`there is no job ${JSON.stringify(id)}`);
    if (values.json === true) {
      await terminal.write(jsonLine(jobWithHistoryJson(job)));
      return EXIT.orderly;
    }
    const history = table(terminal, {
      heading: ['SEQ', 'AT', 'EVENT', 'ATTEMPT', ''],
      rows: job.history.map(row),
      right: [0, 3],
    });
    await terminal.write(`${facts(terminal, factsOf(job))}\n${history}`);
    return EXIT.orderly;
  },
};

function factsOf(job: JobView): [string, string | null][] {
  const { id, type, queue, state, priority, attempt, failures, crashes, lastError } = job;
  const at = (instant: Date | null): string | null => instant?.toISOString() ?? null;
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
  return [
    ['id', id],
    ['type', type],
    ['queue', queue],
    ['state', state],
    ['payload', JSON.stringify(job.payload)],
    ['result', json(job.result)],
    ['progress', json(job.progress)],
    ['attempt', `${attempt}, ${failures} of ${job.maxRetries + 1} failures, crashes ${crashes}`],
    ['priority', priority === 0 ? null : String(priority)],
    ['timeout', `${job.timeoutMs} ms`],
    ['key', job.idempotencyKey],
    ['submitted', at(job.createdAt)],
    ['runs at', state === 'pending' ? at(job.runAt) : null],
    ['started', at(job.startedAt)],
    ['lease until', at(job.leaseUntil)],
    ['finished', at(job.finishedAt)],
    ['last error', lastError === null ? null : `${lastError.name}: ${lastError.message}`],
  ];
}

const row = ({ seq, at, kind, attempt, runAt, leaseUntil, error }: HistoryEntry): string[] => [
  String(seq),
  at.toISOString(),
  kind,
  attempt === null ? '' : String(attempt),
  [
    error === null ? '' : `${error.name}: ${error.message}`,
    runAt === null ? '' : `runs at ${runAt.toISOString()}`,
    leaseUntil === null ? '' : `lease until ${leaseUntil.toISOString()}`,
  ]
    .filter((part) => part !== '')
    .join(', '),
];

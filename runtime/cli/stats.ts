// `perdure stats`: how much there is, and where it waits.

import { JOB_STATES } from '../../core/job/job.ts';
import type { WireStats } from '../client/wire.ts';
import { EXIT } from '../exit.ts';
import { readArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { CONNECTION_HELP, CONNECTION_OPTIONS, withServer } from './connection.ts';
import { jsonLine } from './job-json.ts';
import { bytesText, durationText, facts, table } from './table.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Counts jobs by state, queue and type.

Usage: perdure stats [options]

${CONNECTION_HELP}
Examples:
  perdure stats
  perdure stats --json | jq .jobs.dead
`;

export const stats: Command = {
  help: HELP,
  run: async (argv, terminal) => {
    const { values } = readArguments(argv, { options: CONNECTION_OPTIONS, positionalsMax: 0 });
    const found = await withServer(terminal, values, (client) => client.stats());
    await terminal.write(values.json === true ? jsonLine(found) : statsText(found, terminal));
    return EXIT.orderly;
  },
};

function statsText(stats: WireStats, terminal: Terminal): string {
  const numbers = facts(terminal, [
    ['stored', `${bytesText(stats.bytes)} of ${bytesText(stats.bytes_limit)}`],
    ['depth', `${stats.depth} of ${stats.depth_limit}`],
    ['abandoned', stats.abandoned === 0 ? null : `${stats.abandoned} handlers run on without a lease`],
    ['events', String(stats.durable_seq)],
    ['up', durationText(stats.uptime_ms)],
  ]);
  const right = JOB_STATES.map((_, index) => index + 1);
  const counts = (of: Readonly<Record<string, number>>): string[] => JOB_STATES.map((state) => String(of[state] ?? 0));
  const types = Object.entries(stats.types).sort(([left], [right]) => (left < right ? -1 : 1));
  const jobs = table(terminal, {
    heading: ['TYPE', ...JOB_STATES.map((state) => state.toUpperCase())],
    rows: [...types.map(([type, of]) => [type, ...counts(of)]), ['(all)', ...counts(stats.jobs)]],
    right,
  });
  const queues = table(terminal, {
    heading: ['QUEUE', 'PENDING', 'RUNNING', 'OLDEST WAITS', ''],
    rows: Object.entries(stats.queues).map(([name, { pending, running, paused, oldest_pending_ms: oldestMs }]) => [
      name,
      String(pending),
      String(running),
      oldestMs === null ? '' : durationText(oldestMs),
      paused ? 'paused' : '',
    ]),
    right: [1, 2, 3],
  });
  return `${jobs}\n${queues}\n${numbers}`;
}

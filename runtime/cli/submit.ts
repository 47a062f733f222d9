// `perdure submit`: one job, durable when the command ends with 0.

import { readFile } from 'node:fs/promises';
import type { SubmitOptions } from '../embed/calls.ts';
import { EXIT } from '../exit.ts';
import { parseInstant } from '../http/rfc3339.ts';
import { UsageError, readArguments, readInteger, required } from './arguments.ts';
import type { Command } from './command.ts';
import { CONNECTION_HELP, CONNECTION_OPTIONS, withServer } from './connection.ts';
import { CommandError } from './failure.ts';
import { jobJson, jsonLine } from './job-json.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Submits a job. When the command ends with 0, the job is on the server's disk.

Usage: perdure submit TYPE [PAYLOAD | @FILE | -] [options]

  TYPE                       which handler runs it
  PAYLOAD                    JSON, from the command line, a file or standard input; null if absent

  -k, --idempotency-key KEY  the same key with the same request gives the same job: safe to send again
      --queue NAME           default
      --priority N           -1000 to 1000, smaller runs first
      --max-retries N        failures forgiven: 0 to 100
      --run-at INSTANT       not before, such as 2030-01-31T12:00:00Z
      --delay-ms N           not before so many milliseconds from now
      --timeout-ms N         how long an attempt may take
${CONNECTION_HELP}
Examples:
  perdure submit email '{"email": "ada@example.com", "subject": "Hello", "message": "It is stored."}' -k hello-ada
  perdure submit sleep '{"ms": 500}' --delay-ms 60000 --priority -5
  perdure submit report @report.json --run-at 2030-01-31T12:00:00Z
  generate-report | perdure submit report -

Without a key the command makes one of its own for the time it runs: a broken connection never makes two jobs.
`;

const OPTIONS = {
  ...CONNECTION_OPTIONS,
  'idempotency-key': { type: 'string', short: 'k' },
  queue: { type: 'string' },
  priority: { type: 'string' },
  'max-retries': { type: 'string' },
  'run-at': { type: 'string' },
  'delay-ms': { type: 'string' },
  'timeout-ms': { type: 'string' },
} as const;

export const submit: Command = {
  help: HELP,
  run: async (argv, terminal) => {
    const { values, positionals } = readArguments(argv, { options: OPTIONS, positionalsMax: 2 });
    const type = required(positionals[0], 'TYPE');
    const options = submitOptions(values);
    const payload = await readPayload(positionals[1], terminal);
    const { job, replayed } = await withServer(terminal, values, (client) => client.submit(type, payload, options));
    if (values.json === true) {
      await terminal.write(jsonLine({ ...jobJson(job), replayed }));
    } else {
      const note = replayed ? `  already submitted under this key, now ${job.state}` : `  ${job.state}`;
      await terminal.write(`${job.id}${terminal.paint('dim', note)}\n`);
    }
    return EXIT.orderly;
  },
};

type Values = Partial<Record<Exclude<keyof typeof OPTIONS, 'json'>, string | undefined>>;

function submitOptions(values: Values): SubmitOptions {
  const options = {
    idempotencyKey: values['idempotency-key'],
    queue: values.queue,
    priority: readInteger('priority', values.priority),
    maxRetries: readInteger('max-retries', values['max-retries']),
    runAt: readInstant(values['run-at']),
    delayMs: readInteger('delay-ms', values['delay-ms']),
    timeoutMs: readInteger('timeout-ms', values['timeout-ms']),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function readInstant(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const instant = parseInstant(text);
  if (instant === undefined) {
    throw new UsageError(`--run-at must be an instant such as 2030-01-31T12:00:00Z, not ${JSON.stringify(text)}`);
  }
  return new Date(instant);
}

async function readPayload(given: string | undefined, terminal: Terminal): Promise<unknown> {
  if (given === undefined) return null;
  if (given === '-') return parsePayload('standard input', decode('standard input', await terminal.read()));
  if (!given.startsWith('@')) return parsePayload('PAYLOAD', given);
  const file = given.slice(1);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${file} cannot be read: ${reason}`, { cause: error });
  }
  return parsePayload(file, decode(file, bytes));
}

function decode(source: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${source} is not UTF-8`);
  }
}

/** What would reach the server as something else than was written is refused here: it could not tell. */
function parsePayload(source: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text, (_, each: unknown) => {
      if (typeof each === 'number' && !Number.isFinite(each))
        throw new RangeError('a number is beyond the range of a double');
      return each;
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${source} is not a JSON value: ${reason}`, { cause: error });
  }
  return value;
}

// `perdure journal`: the journal in words, or as JSON lines for other programs. It only reads.
//
// Rule 1: it may run beside a server. What is being written at the moment looks like a torn tail, and a segment that a
//         snapshot has made superfluous may go while it is being read: both are said, and neither is a fault.
// Rule 2: what is damaged ends it, as it would end the start of a server; what came before has been printed.

import type { Event } from '../../core/job/event.ts';
import { isJobEvent } from '../../core/job/event.ts';
import { DiskError, list, read } from '../../core/store/disk.ts';
import type { RecordBody } from '../../core/store/record.ts';
import { headerOf, readSegment, segmentFile } from '../../core/store/segment.ts';
import type { Place } from '../../core/store/segment.ts';
import { survey } from '../../core/store/survey.ts';
import { NodeDisk } from '../disk/node-disk.ts';
import { EXIT } from '../exit.ts';
import { JSON_OPTION, readArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { dataDirectory } from './data-directory.ts';
import { eventFacts } from './event-text.ts';
import { jsonLine } from './job-json.ts';
import { bytesText, countText, printable } from './table.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Prints what the journal of a data directory says, oldest first. Nothing is changed; a server may be running.

Usage: perdure journal [DIR] [options]

  DIR           the directory (default: DATA_DIR, or ./data)
      --job ID  only the events of this job
      --json    each record as a line of JSON: {"file", "offset", "record", "kind", "events"}

A snapshot replaces the segments that it covers: the journal begins with the oldest one that is kept.

Examples:
  perdure journal | less
  perdure journal ./data --job 01980f3c-6f4e-7c2a-9d55-0b1f6a7e8c21
  perdure journal --json | jq -c '.events[]? | select(.kind == "failed") | .error.message'
`;

const OPTIONS = { ...JSON_OPTION, job: { type: 'string' } } as const;

type Found = { readonly file: string; readonly offset: number; readonly record: number; readonly body: RecordBody };
type Print = (found: Found) => string;

export const journal: Command = {
  help: HELP,
  run: async (argv, terminal) => {
    const { values, positionals } = readArguments(argv, { options: OPTIONS, positionalsMax: 1 });
    const directory = dataDirectory(positionals[0], terminal.environment);
    const disk = new NodeDisk(directory);
    const { segments } = survey(await disk.run(list()));
    const numbers = [...segments.keys()];
    if (numbers.length === 0) terminal.tell(`perdure: ${directory} has no journal\n`);
    const print = values.json === true ? jsonRecord : textRecord(terminal, { isBare: values.job !== undefined });
    let before: Place | null = null;
    for (const number of numbers) {
      const bytes = await readIfThere(disk, number, terminal);
      if (bytes === null) continue;
      if (values.json !== true && values.job === undefined)
        await terminal.write(segmentHeading(number, bytes, terminal));
      const isLast = number === numbers.at(-1);
      before = await printSegment({ number, bytes, isLast, before, jobId: values.job ?? null, print }, terminal);
    }
    return EXIT.orderly;
  },
};

async function readIfThere(disk: NodeDisk, number: number, terminal: Terminal): Promise<Uint8Array | null> {
  try {
    return await disk.run(read(segmentFile(number)));
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
    terminal.tell(`perdure: ${segmentFile(number)} has gone meanwhile: a snapshot covers it\n`);
    return null;
  }
}

async function printSegment(
  segment: {
    readonly number: number;
    readonly bytes: Uint8Array;
    readonly isLast: boolean;
    readonly before: Place | null;
    readonly jobId: string | null;
    readonly print: Print;
  },
  terminal: Terminal,
): Promise<Place | null> {
  const { number, bytes, isLast, jobId, print } = segment;
  const file = segmentFile(number);
  // What came before the first segment that is kept is in a snapshot: here its own header is believed.
  const before = segment.before ?? headerOf(file, bytes)?.after ?? null;
  let text = '';
  try {
    const reading = readSegment(
      { number, bytes, isLast, mayLackHeader: isLast },
      before,
      (body, { offset, record }) => {
        const wanted = jobId === null ? body : onlyOf(body, jobId);
        if (wanted !== null) text += print({ file, offset, record, body: wanted });
      },
    );
    return reading?.place ?? before;
  } finally {
    await terminal.write(text);
  }
}

function onlyOf(body: RecordBody, jobId: string): RecordBody | null {
  if (body.kind !== 'batch') return null;
  const events = body.events.filter((event) => isJobEvent(event) && event.jobId === jobId);
  return events.length === 0 ? null : { ...body, events };
}

function segmentHeading(number: number, bytes: Uint8Array, terminal: Terminal): string {
  const file = segmentFile(number);
  const header = headerOf(file, bytes);
  const begin =
    header === undefined
      ? 'no header'
      : `directory ${header.after.directoryId}, from record ${header.after.record + 1}`;
  return `${terminal.paint('bold', file)}  ${bytesText(bytes.length)}, ${printable(begin)}\n`;
}

const jsonRecord: Print = ({ file, offset, record, body }) => jsonLine({ file, offset, record, ...body });

const textRecord =
  (terminal: Terminal, { isBare }: { isBare: boolean }): Print =>
  ({ offset, record, body }) => {
    const size = body.kind === 'batch' ? `  ${countText(body.events.length, 'event')}` : '';
    const heading = terminal.paint('dim', `  record ${record}  ${body.kind}${size}  at byte ${offset}`);
    const events = body.kind === 'batch' ? body.events.map((event) => eventLine(event, terminal)) : [];
    return [...(isBare ? [] : [heading]), ...events].map((line) => `${line}\n`).join('');
  };

function eventLine(event: Event, terminal: Terminal): string {
  const at = new Date(event.at).toISOString();
  const subject = isJobEvent(event) ? event.jobId : `queue ${event.queue}`;
  const kind = terminal.paint('cyan', event.kind.padEnd(10));
  return `    ${String(event.seq).padStart(6)}  ${at}  ${kind}  ${printable(subject)}  ${printable(eventFacts(event))}`.trimEnd();
}

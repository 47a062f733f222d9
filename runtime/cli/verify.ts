// `perdure verify`: whether a server would start on a data directory, and what it would find there.
//
// Rule 1: it judges by the very reading that a start begins with.
// Rule 2: nothing is changed: no lock is written, no tail is cut, no half-made file is removed.
// Rule 3: unlike a start it reads every snapshot, the spare ones too: their damage is a warning.

import { JOB_STATES } from '../../core/job/job.ts';
import { DamageError, FormatError } from '../../core/store/damage.ts';
import type { DiskProgram } from '../../core/store/disk.ts';
import { inspect } from '../../core/store/recovery.ts';
import type { Inspection } from '../../core/store/recovery.ts';
import { readSnapshot } from '../../core/store/snapshot-file.ts';
import { NodeDisk } from '../disk/node-disk.ts';
import { holdReadLock } from '../disk/read-lock.ts';
import { EXIT } from '../exit.ts';
import { loadTables } from '../sqlite.ts';
import { JSON_OPTION, readArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { dataDirectory } from './data-directory.ts';
import { jsonLine } from './job-json.ts';
import { bytesText, countText, facts } from './table.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Checks a data directory that no server holds. Nothing in it is changed.

Usage: perdure verify [DIR] [--json]

  DIR     the directory (default: DATA_DIR, or ./data)
  --json  print one JSON object

It reads everything as the start of a server does: every checksum, the chain of the records, and whether each event was
possible. A torn tail is what a crash leaves: it was never acknowledged, and the next start cuts it off.

Exit codes: 0 a server will start on it, 1 it is no directory, a server holds it, or it is of a newer format, 3 damage,
4 it cannot be read

Examples:
  perdure verify
  perdure verify /backup/perdure-data && echo good
`;

export type Report = {
  readonly directory: string;
  readonly ok: boolean;
  /** Nothing was ever stored. */
  readonly empty: boolean;
  /** The last shutdown was orderly. */
  readonly clean: boolean;
  readonly last_record: number;
  readonly last_event: number;
  /** Records and events that the journal adds to the snapshot. */
  readonly replayed: { readonly records: number; readonly events: number };
  readonly jobs: Readonly<Record<string, number>>;
  readonly segments: { readonly count: number; readonly bytes: number };
  readonly snapshots: readonly { readonly segment: number; readonly record: number; readonly bytes: number }[];
  readonly torn_tail_bytes: number;
  readonly warnings: readonly string[];
};

export const verify: Command = {
  help: HELP,
  run: async (argv, terminal) => {
    const { values, positionals } = readArguments(argv, { options: JSON_OPTION, positionalsMax: 1 });
    const directory = dataDirectory(positionals[0], terminal.environment);
    const lock = holdReadLock(directory);
    let report: Report;
    try {
      report = await check(directory);
    } catch (error) {
      if (values.json === true && error instanceof DamageError) {
        const { file, offset, record, reason } = error;
        await terminal.write(jsonLine({ directory, ok: false, damage: { file, offset, record, reason } }));
      }
      throw error;
    } finally {
      lock.release();
    }
    await terminal.write(values.json === true ? jsonLine(report) : reportText(report, terminal));
    return EXIT.orderly;
  },
};

async function check(directory: string): Promise<Report> {
  const disk = new NodeDisk(directory);
  const inspection = await disk.run(inspect(await loadTables()));
  try {
    const snapshots = await disk.run(readSnapshots(inspection));
    return { directory, ...describe(inspection), ...snapshots };
  } finally {
    inspection.history?.tables.close();
  }
}

function* readSnapshots({
  directory,
  warnings: known,
}: Inspection): DiskProgram<Pick<Report, 'snapshots' | 'warnings'>> {
  const snapshots: Report['snapshots'][number][] = [];
  const warnings = [...known];
  for (const segment of directory.snapshots) {
    try {
      const { description } = yield* readSnapshot(directory, segment);
      snapshots.push({ segment, record: description.place.record, bytes: description.bytes });
    } catch (error) {
      if (!(error instanceof DamageError) && !(error instanceof FormatError)) throw error;
      const isKnown = error instanceof DamageError && known.some((warning) => warning.startsWith(error.file));
      const reason = error instanceof DamageError ? error.reason : error.message;
      if (!isKnown) warnings.push(`${error.file} is damaged (${reason}); it is a spare one and not needed now`);
    }
  }
  return { snapshots, warnings };
}

function describe({ history, marker, directory }: Inspection): Omit<Report, 'directory' | 'snapshots' | 'warnings'> {
  const { tables, last, place, records = 0, events = 0 } = history ?? {};
  const count = (jobs: Iterable<unknown>): number => [...jobs].length;
  return {
    ok: true,
    empty: place === null || place === undefined,
    clean: marker !== null,
    last_record: place?.record ?? 0,
    last_event: tables?.meta().lastSeq ?? 0,
    replayed: { records, events },
    jobs: Object.fromEntries(JOB_STATES.map((state) => [state, count(tables?.jobsIn(state) ?? [])])),
    segments: {
      count: directory.segments.size,
      bytes: [...directory.segments.values()].reduce((sum, bytes) => sum + bytes, 0),
    },
    torn_tail_bytes: last === undefined ? 0 : last.bytes.length - (last.reading?.validBytes ?? 0),
  };
}

function reportText(report: Report, terminal: Terminal): string {
  const { jobs, segments, snapshots, replayed, torn_tail_bytes: tornBytes } = report;
  const states = Object.entries(jobs).map(([state, count]) => `${count} ${state}`);
  const total = Object.values(jobs).reduce((sum, count) => sum + count, 0);
  const lines = facts(terminal, [
    ['directory', report.directory],
    ['jobs', report.empty ? 'none were ever stored' : `${total}: ${states.join(', ')}`],
    ['records', `${report.last_record}, the last ${replayed.records} replayed from the journal`],
    ['events', `${report.last_event}, the last ${replayed.events} replayed from the journal`],
    ['journal', `${countText(segments.count, 'segment')}, ${bytesText(segments.bytes)}`],
    ['snapshots', snapshots.length === 0 ? 'none yet' : snapshots.map(snapshotText).join('; ')],
    ['torn tail', tornBytes === 0 ? 'none' : `${tornBytes} bytes, never acknowledged: the next start cuts them off`],
    ['shutdown', report.empty ? null : report.clean ? 'orderly' : 'a crash, or a kill: the next start recovers'],
  ]);
  const warnings = report.warnings.map((warning) => `${terminal.paint('yellow', 'warning')}  ${warning}\n`).join('');
  return `${lines}${warnings}${terminal.paint('green', 'ok')}: a server will start on it\n`;
}

const snapshotText = ({ record, bytes }: Report['snapshots'][number]): string =>
  `up to record ${record}, ${bytesText(bytes)}`;

// `perdure salvage`: what can be read of a damaged data directory, in a new one.
//
// Rule 1: the damaged directory is only read, and not while a server holds it.
// Rule 2: nothing is passed over in silence: each loss is listed with its place.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { plant, salvage as read } from '../../core/store/salvage.ts';
import type { Salvaged } from '../../core/store/salvage.ts';
import { prepareDirectory } from '../disk/directory.ts';
import { NodeDisk } from '../disk/node-disk.ts';
import { holdReadLock } from '../disk/read-lock.ts';
import { EXIT } from '../exit.ts';
import { loadTables } from '../sqlite.ts';
import { JSON_OPTION, readArguments, required } from './arguments.ts';
import type { Command } from './command.ts';
import { dataDirectory } from './data-directory.ts';
import { CommandError } from './failure.ts';
import { jsonLine } from './job-json.ts';

const HELP = `Copies what can be read of a damaged data directory to a new one. The damaged one is only read.

Usage: perdure salvage DAMAGED NEW [--json]

  DAMAGED  the directory that a server refuses to start on
  NEW      the directory to make; it must not exist
  --json   print one JSON object

A job whose end was lost is run again; one whose submission was lost is gone. Each loss is listed with its file and place.

Exit codes: 0 nothing was lost, 1 NEW exists, or DAMAGED is no directory or a server holds it, 3 something was lost and is
listed, 4 the disk failed

Examples:
  perdure salvage data data-salvaged
  DATA_DIR=data-salvaged perdure serve
`;

export const salvage: Command = {
  help: HELP,
  run: async (argv, terminal) => {
    const { values, positionals } = readArguments(argv, { options: JSON_OPTION, positionalsMax: 2 });
    const given = required(positionals[0], 'DAMAGED');
    const fresh = required(positionals[1], 'NEW');
    const damaged = dataDirectory(given, terminal.environment);
    if (existsSync(fresh)) throw new CommandError(`${fresh} exists already; salvage makes a new directory`);
    const lock = holdReadLock(damaged);
    try {
      const { losses, lossCount, ...found } = await copy(damaged, fresh);
      await terminal.write(values.json === true ? jsonLine({ directory: fresh, ...found, losses, lossCount }) : '');
      if (values.json !== true) {
        await terminal.write(losses.map(lossLine).join(''));
        await terminal.write(summary(fresh, { ...found, losses, lossCount }));
      }
      return lossCount === 0 ? EXIT.orderly : EXIT.damage;
    } finally {
      lock.release();
    }
  },
};

type Copied = Omit<Salvaged, 'tables'>;

async function copy(damaged: string, fresh: string): Promise<Copied> {
  const factory = await loadTables();
  const { tables, ...copied } = await new NodeDisk(damaged).run(read({ tables: factory }));
  try {
    prepareDirectory(fresh);
    await new NodeDisk(fresh).run(plant({ factory, tables, directoryId: randomUUID() }));
  } finally {
    tables.close();
  }
  return copied;
}

const lossLine = ({ file, offset, bytes, what }: Copied['losses'][number]): string =>
  `lost: ${file} at byte ${offset}${bytes === 0 ? '' : `, ${bytes} bytes`}: ${what}\n`;

function summary(fresh: string, { snapshot, records, events, losses, lossCount }: Copied): string {
  const base = snapshot ?? 'the empty beginning';
  const unlisted = lossCount > losses.length ? `, ${losses.length} of them listed` : '';
  return `${records} records with ${events} events on ${base}; ${lossCount} losses${unlisted}. See ${fresh}\n`;
}

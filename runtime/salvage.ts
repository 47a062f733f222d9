// `npm run salvage -- DAMAGED NEW`: copies what can be read of a damaged data directory to a new one, offline.
//
// The damaged directory is only read. What is not in the new one is listed, place by place; nothing is passed over in
// silence. Exit 0 if nothing was lost, 3 if something was, 2 for wrong use, 1 or 4 where it could not be done.

import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { salvage, plant } from '../core/store/salvage.ts';
import { EXIT, describeFailure } from './exit.ts';
import { NodeDisk } from './disk/node-disk.ts';
import { loadTables } from './sqlite.ts';

const USAGE = 'usage: npm run salvage -- DAMAGED_DIRECTORY NEW_DIRECTORY';

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const { code, text } = describeFailure(error);
  process.stderr.write(`perdure: ${text}\n`);
  process.exitCode = code;
}

async function run([damaged, fresh, ...rest]: readonly string[]): Promise<number> {
  if (damaged === undefined || fresh === undefined || rest.length > 0 || !existsSync(damaged)) {
    process.stderr.write(
      `${damaged !== undefined && !existsSync(damaged) ? `there is no ${damaged}\n` : ''}${USAGE}\n`,
    );
    return EXIT.usage;
  }
  if (existsSync(fresh)) {
    process.stderr.write(`perdure: ${fresh} exists already; salvage makes a new directory\n`);
    return EXIT.refused;
  }
  const factory = await loadTables();
  const { tables, snapshot, records, events, losses, lossCount } = await new NodeDisk(damaged).run(
    salvage({ tables: factory }),
  );
  mkdirSync(fresh, { mode: 0o700 });
  await new NodeDisk(fresh).run(plant({ factory, tables, directoryId: randomUUID() }));
  tables.close();

  for (const { file, offset, bytes, what } of losses) {
    process.stdout.write(`lost: ${file} at byte ${offset}${bytes === 0 ? '' : `, ${bytes} bytes`}: ${what}\n`);
  }
  const base = snapshot === null ? 'the empty beginning' : snapshot;
  process.stdout.write(`${records} records with ${events} events on ${base}; ${lossCount} losses. See ${fresh}\n`);
  return lossCount === 0 ? EXIT.orderly : EXIT.damage;
}

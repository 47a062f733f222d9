import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Instant } from '../../../core/job/job.ts';
import type { DiskProgram } from '../../../core/store/disk.ts';
import { recover } from '../../../core/store/recovery.ts';
import type { TablesFactory } from '../../../core/store/tables.ts';
import { NodeDisk } from '../../../runtime/disk/node-disk.ts';
import { Snapshotter } from '../../../runtime/snapshotter.ts';
import { loadTables } from '../../../runtime/sqlite.ts';
import { recordedLog } from '../../support/recorded-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** Two segments, the first of them closed. */
function* twoSegments(tables: TablesFactory): DiskProgram<void> {
  const { journal, tables: opened } = yield* recover({ tables, directoryId: 'directory' });
  yield* journal.append([{ kind: 'paused', queue: 'default', seq: 1, at: Instant(1) }]);
  yield* journal.rotate();
  opened.close();
}

async function setUp() {
  const directory = temporaryDirectory();
  await new NodeDisk(directory).run(twoSegments(await loadTables()));
  const { log, lines } = recordedLog();
  return { directory, lines, snapshotter: new Snapshotter({ directory, log }) };
}

test('the thread starts from sources, and its snapshot is on the disk', async () => {
  const { directory, lines, snapshotter } = await setUp();
  expect(await snapshotter.take(1)).toMatchObject({ throughSegment: 1, record: 1 });
  expect(fs.readdirSync(directory)).toEqual(
    expect.arrayContaining(['snapshot-0000000001.json', 'snapshot-0000000001.sqlite']),
  );
  expect(lines.map(({ message }) => message)).toEqual(['snapshot taken']);
});

test('a snapshot that fails is logged, and the journal is as it was', async () => {
  const { directory, lines, snapshotter } = await setUp();
  const segment = join(directory, 'journal-0000000001.log');
  fs.writeFileSync(segment, 'damaged');
  expect(await snapshotter.take(1)).toBeNull();
  expect(fs.readFileSync(segment, 'utf8')).toBe('damaged');
  expect(lines).toMatchObject([{ severity: 'error', message: expect.stringContaining('the journal is kept') }]);
});

test('one that is ended by a shutdown is no error', async () => {
  const { lines, snapshotter } = await setUp();
  const taken = snapshotter.take(1);
  await snapshotter.close();
  expect(await taken).toBeNull();
  expect(lines).toEqual([]);
});

// Every format that was ever released is opened by this version, to the state that it held.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recover } from '../../../core/store/recovery.ts';
import { compact } from '../../../core/store/snapshot.ts';
import { sqliteTables } from '../../../core/store/sqlite.ts';
import type { Tables } from '../../../core/store/tables.ts';
import { MemoryDisk } from '../../../runtime/testing/memory-disk.ts';
import { loadSqlite } from '../../support/sqlite.ts';
import { dump } from '../../support/tables.ts';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures');
const tables = sqliteTables(await loadSqlite());
const start = () => recover({ tables, directoryId: 'unused' });

const formats = readdirSync(FIXTURES).filter((name) => /^format-\d+$/.test(name));

function imageOf(format: string): Map<string, Uint8Array> {
  const directory = join(FIXTURES, format);
  return new Map(readdirSync(directory).map((file) => [file, new Uint8Array(readFileSync(join(directory, file)))]));
}

function stateOf(tables: Tables): unknown {
  const state: unknown = JSON.parse(JSON.stringify(dump(tables)));
  tables.close();
  return state;
}

it('there is a fixture of the first format', () => {
  expect(formats).toContain('format-1');
});

describe.each(formats)('%s', (format) => {
  const expected: unknown = JSON.parse(readFileSync(join(FIXTURES, `${format}.json`), 'utf8'));

  it('opens to the state that it held, after an orderly shutdown and without its marker', () => {
    for (const isClean of [true, false]) {
      const image = imageOf(format);
      if (!isClean) image.delete('clean');
      const { tables, report } = new MemoryDisk(image).run(start());
      expect(report).toMatchObject({ isNew: false, clean: isClean, cutBytes: 0, warnings: [] });
      expect(report.snapshotRecord).toBeGreaterThan(0);
      expect(stateOf(tables)).toEqual(expected);
    }
  });

  it('is held by its journal alone as it is by its snapshot', () => {
    const image = imageOf(format);
    for (const file of image.keys()) if (file.startsWith('snapshot-')) image.delete(file);
    expect(stateOf(new MemoryDisk(image).run(start()).tables)).toEqual(expected);
  });

  it('is rewritten at the next snapshot', () => {
    const disk = new MemoryDisk(imageOf(format));
    const { journal, tables: opened } = disk.run(start());
    opened.close();
    disk.run(compact({ tables, throughSegment: disk.run(journal.rotate()) }));
    disk.run(journal.close());
    expect(stateOf(disk.kill().run(start()).tables)).toEqual(expected);
  });
});

import { describe, expect, test } from 'vitest';
import { Instant } from '../../../core/job/job.ts';
import { mapTables } from '../../../core/store/map.ts';
import type { Database, Sqlite } from '../../../core/store/sqlite-driver.ts';
import { sqliteTables } from '../../../core/store/sqlite.ts';
import type { Tables } from '../../../core/store/tables.ts';
import { CHECKS } from '../../../sim/checks/rules.ts';
import { live } from '../../../sim/simulation.ts';
import { isMirror, mirroredTables } from '../../../sim/world/mirrored-tables.ts';
import { seeded } from '../../../sim/world/tape.ts';
import { loadSqlite } from '../../support/sqlite.ts';
import { eventRow, pendingJob, write } from '../../support/tables.ts';

const sqlite = await loadSqlite();

/** SQLite that is given other statements than the tables prepare. */
function misspelt(change: (sql: string) => string): Sqlite {
  const construct = (_: unknown, [bytes]: (Uint8Array | undefined)[]): Database => {
    const database: Database = new sqlite.Database(bytes);
    const prepare = database.prepare.bind(database);
    database.prepare = (sql) => prepare(change(sql));
    return database;
  };
  return { Database: new Proxy<Sqlite['Database']>(sqlite.Database, { construct }) };
}

const mirrored = (driver: Sqlite = sqlite) => mirroredTables({ answering: sqliteTables(driver), beside: mapTables() });

function difference(tables: Tables, extent: 'noted' | 'all' = 'noted'): string | null {
  if (!isMirror(tables)) throw new Error('not mirrored');
  return tables.firstDifference(extent);
}

function filled(tables: Tables): Tables {
  write(tables, () => {
    tables.putJob(pendingJob(1, { idempotencyKey: 'pay-1' }));
    tables.putEvent(eventRow(1, { kind: 'submitted', state: 'pending' }));
    tables.putPaused('mail', true);
    tables.putMeta({ lastSeq: 1, lastAt: Instant(1), forgottenSeq: 0 });
  });
  return tables;
}

describe('tables that mirror each other', () => {
  test('show no difference while both do the same', () => {
    const tables = filled(mirrored().create());
    expect(tables.job(pendingJob(1).id)).toEqual(pendingJob(1, { idempotencyKey: 'pay-1' }));
    expect(difference(tables, 'all')).toBeNull();
  });

  test('notice a column that one does not update, at the end of the transaction', () => {
    const tables = filled(mirrored(misspelt((sql) => sql.replace('crashes = ?', 'crashes = ? * 0'))).create());
    expect(difference(tables)).toBeNull();
    write(tables, () => tables.putJob(pendingJob(1, { idempotencyKey: 'pay-1', crashes: 2 })));
    expect(difference(tables)).toContain('job job-1.crashes is 0 in the tables that answer, 2 in those beside them');
  });

  test('notice a rollback that leaves something behind', () => {
    const tables = filled(mirrored(misspelt((sql) => (sql === 'ROLLBACK' ? 'COMMIT' : sql))).create());
    tables.begin();
    tables.putJob(pendingJob(2));
    tables.rollback();
    expect(difference(tables)).toContain('job job-2');
  });

  test('notice a row that nobody touched, when everything is compared', () => {
    const greedy = misspelt((sql) =>
      sql.replace('DELETE FROM event WHERE job_seq = ?', 'DELETE FROM event WHERE job_seq >= ?'),
    );
    const tables = filled(mirrored(greedy).create());
    const second = pendingJob(2);
    write(tables, () => {
      tables.putJob(second);
      tables.putEvent(eventRow(2, { kind: 'submitted', state: 'pending', jobId: second.id }));
      tables.putMeta({ lastSeq: 2, lastAt: Instant(2), forgottenSeq: 0 });
    });
    write(tables, () => tables.removeJob(pendingJob(1).id));
    expect(difference(tables)).toBeNull();
    expect(difference(tables, 'all')).toContain('the events after 0');
  });

  test('are loaded from what each exported itself, and without that from the rows', () => {
    const factory = mirrored();
    const bytes = filled(factory.create()).export();
    expect(difference(factory.load(bytes), 'all')).toBeNull();
    factory.reset();
    expect(difference(factory.load(bytes), 'all')).toBeNull();
    expect(bytes).toEqual(filled(sqliteTables(sqlite).create()).export());
  });

  test('freeze the jobs that pass through them', () => {
    const job = filled(mirrored().create()).job(pendingJob(1).id);
    expect(Object.isFrozen(job)).toBe(true);
  });

  test('forget what they noted when another life begins', () => {
    const factory = mirrored(misspelt((sql) => sql.replace('failures = ?', 'failures = ? * 0')));
    const tables = filled(factory.create());
    write(tables, () => tables.putJob(pendingJob(1, { idempotencyKey: 'pay-1', failures: 1 })));
    expect(difference(tables)).not.toBeNull();
    factory.reset();
    expect(difference(filled(factory.create()))).toBeNull();
  });
});

test('S23 alone catches SQL that forgets a column, in a whole life', () => {
  const checks = CHECKS.filter(({ name }) => name === 'S23');
  const tables = (driver: Sqlite) => ({
    ...mirrored(driver),
    senses: 'stand still' as const,
    closeAll: () => undefined,
  });
  const forgetful = misspelt((sql) => sql.replace('started_at = ?', 'started_at = ? * 0'));
  const violationOf = (driver: Sqlite) => live({ source: seeded(9n), tables: tables(driver), checks }).violation;
  expect(violationOf(forgetful)?.rule).toBe('S23');
  expect(violationOf(sqlite)).toBeNull();
});

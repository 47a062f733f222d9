// Makes the data directory of a format, once, for test/fixtures: `npx tsx test/support/format-fixture.ts format-1`.
// What is released is never made again: that a later version opens these very bytes is what the fixture is for.

import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Event, JobChange } from '../../core/job/event.ts';
import { Instant, JobId, JsonText } from '../../core/job/job.ts';
import { recover } from '../../core/store/recovery.ts';
import { compact } from '../../core/store/snapshot.ts';
import { sqliteTables } from '../../core/store/sqlite.ts';
import { specification } from './jobs.ts';
import { MemoryDisk } from '../../runtime/testing/memory-disk.ts';
import { loadSqlite } from './sqlite.ts';
import { dump } from './tables.ts';

const START_AT = Date.UTC(2026, 0, 1);

/** One record of each row; every kind of event is among them, and every state is left behind. */
function recordsOf(next: (jobId: string, change: JobChange) => Event, pause: (queue: string) => Event): Event[][] {
  const submitted = (id: string, payload: unknown, more: Parameters<typeof specification>[0] = {}): Event => {
    const job = specification({ id: JobId(id), payload: JsonText(payload), ...more });
    return next(id, { kind: 'submitted', job, runAt: Instant(START_AT + 60_000) });
  };
  const started = (id: string, attempt: number): Event =>
    next(id, { kind: 'started', attempt, leaseUntil: Instant(START_AT + 120_000) });
  const error = { name: 'Error', message: 'no "such" mailbox\n', stack: null, at: Instant(START_AT) };
  const again = { state: 'pending', runAt: Instant(START_AT + 90_000) } as const;
  return [
    [submitted('pending', { text: 'ü 💥 \ud800 \0', ['__proto__']: 1 }, { idempotencyKey: 'key "1"', priority: -5 })],
    [
      submitted('done', [1.5, null, true], { queue: 'bulk', timeoutMs: 100 }),
      submitted('tired', 'x', { maxRetries: 0 }),
    ],
    [started('done', 1), started('tired', 1)],
    [
      next('done', { kind: 'progressed', attempt: 1, progress: JsonText({ percent: 50 }) }),
      next('done', { kind: 'extended', attempt: 1, leaseUntil: Instant(START_AT + 180_000) }),
    ],
    [next('done', { kind: 'succeeded', attempt: 1, result: JsonText({ ok: true }) })],
    [next('tired', { kind: 'failed', attempt: 1, error, next: { state: 'dead' } }), pause('bulk')],
    [submitted('restless', null, { maxRetries: 5 }), started('restless', 1)],
    [next('restless', { kind: 'expired', attempt: 1, error, next: again }), started('restless', 2)],
    [next('restless', { kind: 'crashed', attempt: 2, error, next: again }), started('restless', 3)],
    [next('restless', { kind: 'released', attempt: 3, runAt: Instant(START_AT + 95_000) })],
    [next('restless', { kind: 'cancelled', attempt: 3 })],
    [next('restless', { kind: 'retried', attempt: 3, runAt: Instant(START_AT + 99_000) }), started('restless', 4)],
    [submitted('unwanted', {}), next('unwanted', { kind: 'cancelled', attempt: 0 })],
    [submitted('forgotten', {}), next('forgotten', { kind: 'cancelled', attempt: 0 })],
    [next('forgotten', { kind: 'deleted' })],
  ];
}

async function make(directory: string): Promise<void> {
  const tables = sqliteTables(await loadSqlite());
  const disk = new MemoryDisk();
  const { journal } = disk.run(recover({ tables, directoryId: randomUUID() }));
  let seq = 0;
  const stamp = () => ({ seq: (seq += 1), at: Instant(START_AT + seq * 1_000) });
  const records = recordsOf(
    (jobId, change) => ({ ...stamp(), jobId: JobId(jobId), ...change }),
    (queue) => ({ ...stamp(), queue, kind: 'paused' }),
  );
  for (const [index, events] of records.entries()) {
    disk.run(journal.append(events));
    if (index !== 7) continue;
    disk.run(journal.seal());
    journal.compacted(disk.run(compact({ tables, throughSegment: disk.run(journal.rotate()) })));
  }
  disk.run(journal.close());

  mkdirSync(directory, { recursive: true });
  for (const [file, bytes] of disk.image()) writeFileSync(join(directory, file), bytes, { flag: 'wx' });
  const opened = disk.kill().run(recover({ tables, directoryId: 'unused' }));
  writeFileSync(`${directory}.json`, `${JSON.stringify(dump(opened.tables), null, 2)}\n`, { flag: 'wx' });
}

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('which format? as in: npx tsx test/support/format-fixture.ts format-1');
await make(resolve(import.meta.dirname, '../fixtures', name));

// S29 However long a process runs, and however often it begins a segment or takes a snapshot, it holds few files open.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ENGINE_LIMITS } from '../../core/engine/limits.ts';
import { JobId, JsonText } from '../../core/job/job.ts';
import { mapTables } from '../../core/store/map.ts';
import { Disk } from '../../sim/world/disk.ts';
import { SimulatedProcess } from '../support/simulated-process.ts';

/** The current segment; everything else is opened, written and closed within one turn. */
const OPEN_MAX = 1;
/** While a file is written beside, or the next segment is begun, there is one more. */
const OPEN_WITHIN_A_TURN_MAX = 2;

const backoff = { baseMs: 0, maxMs: 0, factor: 1 };
const settings = {
  types: new Map([['email', { concurrency: null, maxRetries: 3, timeoutMs: 1_000, backoff }]]),
  workerCount: 4,
  depthLimit: 1_000,
  bytesLimit: 2 ** 30,
  crashesMax: 3,
  retentionMs: 0,
};

/** A disk that notes the most files that the process has ever held open. */
class WatchedDisk extends Disk {
  openMost = 0;

  override perform(...[process, operation]: Parameters<Disk['perform']>): ReturnType<Disk['perform']> {
    const result = super.perform(process, operation);
    this.openMost = Math.max(this.openMost, process.open.size);
    return result;
  }
}

test('one file between turns, two within one', () => {
  const plan = fc.record({
    jobs: fc.integer({ min: 1, max: 30 }),
    segmentBytes: fc.constantFrom(1, 500, 5_000),
    snapshotAfterBytes: fc.constantFrom(1, 2_000, 20_000),
    starts: fc.integer({ min: 1, max: 3 }),
    isOrderly: fc.boolean(),
  });
  let snapshots = 0;
  fc.assert(
    fc.property(plan, ({ jobs, segmentBytes, snapshotAfterBytes, starts, isOrderly }) => {
      const disk = new WatchedDisk();
      for (let number = 1; number <= starts; number += 1) {
        const process = new SimulatedProcess({
          disk,
          tables: mapTables(),
          settings,
          limits: { ...ENGINE_LIMITS, segmentBytes, snapshotAfterBytes, reserveBytes: 1 },
          startAt: number * 1_000_000,
          handle: ({ id: jobId, attempt }) => ({ kind: 'succeed', jobId, attempt, result: JsonText(null) }),
        });
        for (let job = 1; job <= jobs; job += 1) {
          const id = JobId(`${number}-${job}`);
          const asked = { id, type: 'email', queue: 'default', payload: JsonText(null), priority: 0 };
          const rest = { maxRetries: null, timeoutMs: null, idempotencyKey: null, start: { kind: 'now' } as const };
          process.offer({ kind: 'submit', submissions: [{ ...asked, ...rest }] }, () => undefined);
          process.turn();
          expect(process.descriptors.open.size).toBeLessThanOrEqual(OPEN_MAX);
        }
        process.rest();
        expect(process.descriptors.open.size).toBeLessThanOrEqual(OPEN_MAX);
        if (isOrderly) process.close();
        if (isOrderly) expect(process.descriptors.open.size).toBe(0);
        disk.processKill(process.descriptors);
      }
      expect(disk.openMost).toBeLessThanOrEqual(OPEN_WITHIN_A_TURN_MAX);
      if ([...disk.image().keys()].some((file) => file.endsWith('.sqlite'))) snapshots += 1;
    }),
    { numRuns: 60 },
  );
  expect(snapshots).toBeGreaterThan(10);
});

// O5 Two lives that differ in what must not matter come to the same end.

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { EPOCH, live, padded, permuted, workloads } from '../support/metamorphic-workload.ts';
import type { Variation } from '../support/metamorphic-workload.ts';

let bulk: LifeTables;
let full: LifeTables;
beforeAll(async () => {
  bulk = await tablesOf('bulk');
  full = await tablesOf('full');
});

/** A snapshot and a new segment after every record. */
const ALWAYS = { snapshotAfterBytes: 1, segmentBytes: 1 };

/** Each field that holds an instant; 0 is the instant of no event at all. */
const INSTANTS = new Set(['at', 'lastAt', 'createdAt', 'runAt', 'startedAt', 'finishedAt', 'leaseUntil']);

const shifted = (state: string, byMs: number): unknown =>
  JSON.parse(state, (key, value: unknown) =>
    INSTANTS.has(key) && typeof value === 'number' && value !== 0 ? value - byMs : value,
  );

describe('snapshots change nothing', () => {
  test.each([
    ['map tables', () => bulk, 40],
    ['SQLite tables', () => full, 8],
  ] as const)('taken after every record or never, on %s', (_, tablesOfDepth, numRuns) => {
    const tables = tablesOfDepth();
    const property = fc.property(workloads, (workload) => {
      const without = live(workload, { tables });
      const taken = live(workload, { tables, limits: ALWAYS });
      expect(taken.state).toBe(without.state);
      expect(taken.replies).toEqual(without.replies);
      expect([taken.recovered, without.recovered]).toEqual([without.state, without.state]);
      expect(without.snapshots).toBe(0);
      // A short workload may store nothing.
      if (without.records > 0) expect(taken.snapshots).toBeGreaterThan(0);
      tables.closeAll();
    });
    fc.assert(property, { numRuns });
  });
});

describe('what happens to each job is the same', () => {
  const same = (numRuns: number, variation: (picks: readonly number[]) => Partial<Variation>): void => {
    const property = fc.property(workloads, fc.array(fc.nat(1_000), { minLength: 10 }), (workload, picks) => {
      const usual = live(workload, { tables: bulk, restsFirst: true });
      const varied = live(workload, { tables: bulk, restsFirst: true, ...variation(picks) });
      expect(varied.outcome).toEqual(usual.outcome);
      expect(varied.replies).toEqual(usual.replies);
    });
    fc.assert(property, { numRuns });
  };

  test('whether inputs are decided one at a time or 64 at once', () => {
    same(60, () => ({ limits: { stepInputsMax: 1 } }));
  });

  test('in whatever order independent commands come', () => {
    same(60, (picks) => ({ order: (moves) => permuted(moves, picks) }));
  });

  test('in whatever order they come, one at a time', () => {
    same(40, (picks) => ({ limits: { stepInputsMax: 1 }, order: (moves) => permuted(moves, picks) }));
  });
});

test('a life is the same under other ids, but for the ids', () => {
  const property = fc.property(workloads, (workload) => {
    const usual = live(workload, { tables: bulk });
    // Of other lengths, and in the same order: leases that end in one instant expire in the order of ids.
    const nameId = (number: number): string => `x${padded(number)}${'y'.repeat(number % 7)}`;
    const renamed = live(workload, { tables: bulk, nameId });
    const back = (state: string): string => state.replaceAll(/x(\d{4})y*/g, 'job-$1');
    expect(back(renamed.state)).toBe(usual.state);
    expect(renamed.replies).toEqual(usual.replies);
  });
  fc.assert(property, { numRuns: 100 });
});

describe('a life is the same at another time, but for the time', () => {
  const YEARS_MS = fc.integer({ min: -50 * 31_536_000_000, max: 1_000 * 31_536_000_000 });

  test('when the clock starts elsewhere', () => {
    const property = fc.property(workloads, YEARS_MS, (workload, byMs) => {
      const usual = live(workload, { tables: bulk });
      const later = live(workload, { tables: bulk, startAt: EPOCH + byMs });
      expect(shifted(later.state, byMs)).toEqual(shifted(usual.state, 0));
      expect(later.replies).toEqual(usual.replies);
    });
    fc.assert(property, { numRuns: 40 });
  });

  test('when the wall clock is set while the process runs, and all who name instants go by it', () => {
    const property = fc.property(workloads, YEARS_MS, (workload, wallAheadMs) => {
      const usual = live(workload, { tables: bulk });
      const ahead = live(workload, { tables: bulk, wallAheadMs });
      expect(ahead.state).toBe(usual.state);
      expect(ahead.replies).toEqual(usual.replies);
    });
    fc.assert(property, { numRuns: 40 });
  });
});

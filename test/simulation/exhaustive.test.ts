// Crashes enumerated, not drawn: every operation of a small workload, and every image that a power loss there may leave.

import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { explore } from '../../sim/explore/exhaustive.ts';
import { enumerate } from '../../sim/explore/images.ts';
import { course } from '../../sim/explore/workload.ts';
import { DISK_MUTANTS } from '../../sim/mutants/disk.ts';

const TIMEOUT_MS = 120_000;

let tables: LifeTables;
beforeAll(async () => {
  tables = await tablesOf('bulk');
});

test('the odometer tries every sequence of answers once', () => {
  const seen: string[] = [];
  const count = enumerate((tape) => {
    const stream = tape.stream('any');
    const first = stream.choose('first', 3);
    seen.push(first === 1 ? `1${stream.choose('second', 2)}` : String(first));
  });
  expect(seen).toEqual(['0', '10', '11', '2']);
  expect(count).toBe(4);
});

test('a course has a crash point for each disk operation and a state for each turn that changed something', () => {
  const { points, states } = course(['s', 'd', 'r'], { tables, planted: {}, snapshotAfterBytes: 2 ** 30 });
  expect(new Set(states).size).toBe(states.length);
  expect(states.length).toBe(3);
  expect(points.at(-1)).toMatchObject({ label: 'the end', state: 2 });
  expect(points.some(({ label }) => label.startsWith('letter 3, rename'))).toBe(true);
});

describe('every image that a crash may leave is recovered to a state that was acknowledged, or was about to be', () => {
  test('a job is submitted', { timeout: TIMEOUT_MS }, () => {
    // Other filler than NUL is left to `--exhaustive`: it makes five times as many images.
    const faults = ['D1', 'D2', 'D3', 'D5', 'D6'] as const;
    const { failures, points, images } = explore({ tables, length: 1, alphabet: ['s'], faults, nested: false });
    expect(failures).toEqual([]);
    expect(points).toBeGreaterThan(50);
    expect(images).toBeGreaterThan(1_000);
  });

  for (const { name, sentence, plant } of DISK_MUTANTS) {
    if (name === 'sync-retried') continue; // No sync fails here.
    test(`and the enumeration notices it when ${sentence}`, { timeout: TIMEOUT_MS }, () => {
      const { failures } = explore({ tables, length: 1, alphabet: ['s'], faults: [], planted: plant(), nested: false });
      expect(failures, name).not.toEqual([]);
    });
  }
});

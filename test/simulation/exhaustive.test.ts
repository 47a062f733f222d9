// Crashes enumerated, not drawn: every operation of a small workload, and every image that a power loss there may leave.

import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { explore, together } from '../../sim/explore/exhaustive.ts';
import type { ExploreOptions } from '../../sim/explore/exhaustive.ts';
import { enumerate, imagesOf } from '../../sim/explore/images.ts';
import { Judge } from '../../sim/explore/judge.ts';
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

describe('a course', () => {
  const options = (): Parameters<typeof course>[1] => ({ tables, planted: {}, snapshotAfterBytes: 2 ** 30 });

  test('has a crash point for each disk operation and a state for each turn that changed something', () => {
    const { points, states } = course(['s', 'd', 'r'], options());
    expect(new Set(states).size).toBe(states.length);
    expect(states.length).toBe(3);
    expect(points.at(-1)).toMatchObject({ label: 'letter 3, the end', state: 2 });
    expect(points.some(({ label }) => label.startsWith('letter 3, rename'))).toBe(true);
  });

  test('leaves out the points of the word that it goes on from, and then they are all there are', () => {
    const whole = course(['s', 'd'], options()).points.map(({ label }) => label);
    const [start, first, second] = [[], ['s'], ['s', 'd']].map((letters, length) =>
      course(letters as ['s'], { ...options(), skipped: length - 1 }).points.map(({ label }) => label),
    );
    const last = (labels: readonly string[] = []): readonly string[] => labels.slice(0, -1);
    expect([...last(start), ...last(first), ...(second ?? [])]).toEqual(whole);
  });

  test('is alike where the same was done: there is no running job to be done with, and none to fail', () => {
    const print = (letters: Parameters<typeof course>[0]): string => course(letters, options()).fingerprint;
    expect(print(['d', 's'])).toBe(print(['f', 's']));
    expect(print(['s', 'd'])).not.toBe(print(['s', 'f']));
    expect(print(['s', 't'])).not.toBe(print(['t', 's']));
  });
});

describe('every image that a crash may leave is recovered to a state that was acknowledged, or was about to be', () => {
  // Other filler than NUL is left to `--exhaustive`: it makes five times as many images.
  const faults = ['D1', 'D2', 'D3', 'D5', 'D6'] as const;
  const small = (): ExploreOptions => ({ tables, length: 1, alphabet: ['s', 'd'], faults, nested: false });

  test('a job is submitted and done', { timeout: TIMEOUT_MS }, () => {
    const explored = explore({ ...small(), length: 2 });
    expect(explored.failures).toEqual([]);
    expect(explored).toMatchObject({ workloads: 14, sampled: 0 });
    expect(explored.points).toBeGreaterThan(80);
    expect(explored.distinct).toBeGreaterThan(4_000);
    expect(explored.judged).toBeGreaterThan(1_000);
    expect(explored.continued).toBeGreaterThan(10);
  });

  test('and each recovery is cut off before each of its operations', { timeout: TIMEOUT_MS }, () => {
    const plain = explore({ ...small(), faults: [], alphabet: ['s'] });
    const nested = explore({ ...small(), faults: [], alphabet: ['s'], nested: true });
    expect(nested.failures).toEqual([]);
    expect(nested.recoveries).toBeGreaterThan(plain.recoveries * 2);
  });

  test('and two shares see together what one process sees alone', { timeout: TIMEOUT_MS }, () => {
    const alone = explore({ ...small(), faults: ['D1', 'D6'] });
    const shares = [0, 1].map((index) => explore({ ...small(), faults: ['D1', 'D6'], share: { index, of: 2 } }));
    const { workloads, points, fates, images, distinct, states } = together(shares);
    expect({ workloads, points, fates, images, distinct, states }).toEqual({
      workloads: alone.workloads,
      points: alone.points,
      fates: alone.fates,
      images: alone.images,
      distinct: alone.distinct,
      states: alone.states,
    });
    for (const share of shares) expect(share.images).toBeGreaterThan(alone.images / 4);
  });

  test('and what was judged by its looks is judged alike by itself', { timeout: TIMEOUT_MS }, () => {
    const options = { tables, planted: {}, nested: false };
    const judge = new Judge(options);
    let images = 0;
    for (const snapshotAfterBytes of [2 ** 30, 1]) {
      for (const { disk } of course(['s', 'r'], { tables, planted: {}, snapshotAfterBytes }).points) {
        imagesOf(disk, {
          faults: ['D1', 'D2', 'D4', 'D5', 'D6'],
          visit: (_, make) => {
            const image = make();
            images += 1;
            const { state, later, failures } = judge.judge(image);
            expect(new Judge(options).judge(image)).toMatchObject({ state, later, failures });
          },
        });
      }
    }
    expect(judge.judged).toBeLessThan(images / 2);
  });

  for (const { name, sentence, plant } of DISK_MUTANTS) {
    if (name === 'sync-retried') continue; // No sync fails here.
    test(`and the enumeration notices it when ${sentence}`, { timeout: TIMEOUT_MS }, () => {
      const { failures } = explore({ tables, length: 1, alphabet: ['s'], faults: [], planted: plant(), nested: false });
      expect(failures, name).not.toEqual([]);
    });
  }
});

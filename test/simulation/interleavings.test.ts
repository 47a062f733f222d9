// All orders of events of a small world. The whole of it (two clients, two workers) is explored by `--interleavings`; here
// are its parts, and the planted bugs that each must show.

import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { interleave } from '../../sim/explore/interleavings.ts';
import { SmallWorld } from '../../sim/explore/small-world.ts';
import type { Deed, Scope } from '../../sim/explore/small-world.ts';
import { MUTANTS } from '../../sim/mutants/planted.ts';

const TIMEOUT_MS = 120_000;
const ONE_CLIENT: Scope = { clients: 1, workers: 2, gathered: 1 };
const TWO_CLIENTS: Scope = { clients: 2, workers: 1, gathered: 1 };

let tables: LifeTables;
beforeAll(async () => {
  tables = await tablesOf('bulk');
});

test(
  'every order of what one client, two workers, the timer and a crash may do is safe',
  { timeout: TIMEOUT_MS },
  () => {
    const found = interleave({ tables, scope: { ...ONE_CLIENT, gathered: 2 } });
    expect(found.failure).toBeNull();
    expect(found.states).toBeGreaterThan(400);
    expect(found.crashes).toBeGreaterThan(200);
    expect(found.ends).toBeGreaterThan(3);
  },
);

test('a state is reached by every order that leads to it, and counted once', () => {
  const keyOf = (deeds: readonly Deed[]): string => {
    const world = new SmallWorld({ tables, planted: {}, scope: { clients: 2, workers: 2, gathered: 2 } });
    for (const deed of deeds) world.do(deed);
    return world.key;
  };
  const turn: Deed = { kind: 'turn', crash: null };
  const submit = (client: number): Deed => ({ kind: 'submit', client });
  expect(keyOf([submit(0), turn])).toBe(keyOf([submit(1), turn]));
  expect(keyOf([submit(0), submit(1), turn])).toBe(keyOf([submit(1), turn, submit(0), turn]));
  expect(keyOf([submit(0), turn])).not.toBe(keyOf([submit(0)]));
});

test('a crash before the record is written loses it, and one after its sync keeps it', () => {
  const crashed = (before: number, kept: 'nothing' | 'everything'): readonly Deed[] => {
    const world = new SmallWorld({ tables, planted: {}, scope: ONE_CLIENT });
    world.do({ kind: 'submit', client: 0 });
    world.do({ kind: 'turn', crash: { before, kept } });
    return world.deeds;
  };
  const isRunning = (deeds: readonly Deed[]): boolean => deeds.some(({ kind }) => kind === 'answer');
  expect(isRunning(crashed(1, 'nothing'))).toBe(false);
  expect(isRunning(crashed(1, 'everything'))).toBe(true);
  expect(isRunning(crashed(2, 'nothing'))).toBe(true);
  // Nobody was told, so the client asks again.
  expect(crashed(2, 'nothing')).toContainEqual({ kind: 'submit', client: 0 });
});

describe('a planted bug is found', () => {
  for (const { name, rule, scope = ONE_CLIENT, deeds } of [
    { name: 'sync-left-out', rule: 'S30', deeds: 2 },
    { name: 'directory-sync-left-out', rule: 'S24', deeds: 2 },
    { name: 'start-repeated', rule: 'S7', deeds: 2 },
    { name: 'crash-not-counted', rule: 'S8', deeds: 2 },
    { name: 'key-not-found', rule: 'S30', deeds: 4 },
    { name: 'key-dropped', rule: 'S4', deeds: 4 },
    { name: 'cancel-only-read', rule: 'S15', deeds: 4 },
    { name: 'one-worker-too-many', rule: 'S9', scope: TWO_CLIENTS, deeds: 4 },
    { name: 'late-answer-counts', rule: 'S6', deeds: 8 },
  ]) {
    test(`${name}, by ${rule}, after the fewest deeds that show it`, { timeout: TIMEOUT_MS }, () => {
      const mutant = MUTANTS.find((one) => one.name === name);
      if (mutant === undefined) throw new Error(`no planted bug ${name}`);
      const { failure } = interleave({ tables, scope, plant: mutant.plant });
      expect(failure).toMatchObject({ rule });
      expect(failure?.path).toHaveLength(deeds);
    });
  }
});

// The simulator against planted bugs: what it cannot catch, it does not check.

import { beforeAll, describe, expect, test } from 'vitest';
import { CHECKS } from '../../sim/checks/rules.ts';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { hunt, LIVES_MAX } from '../../sim/mutants/hunt.ts';
import type { Mutant } from '../../sim/mutants/mutant.ts';
import { NEEDS } from '../../sim/mutants/needs.ts';
import { CANARY, MUTANTS } from '../../sim/mutants/planted.ts';
import { QUICK, shrink } from '../../sim/shrink.ts';
import { live } from '../../sim/simulation.ts';
import { seeded } from '../../sim/world/tape.ts';

const TIMEOUT_MS = 120_000;

let tables: LifeTables;
beforeAll(async () => {
  tables = await tablesOf('bulk');
});

/** Lives without the fault: as many as it took with it, and some at least. */
const LIVES_WITHOUT_MIN = 20;

const only = (rule: string) => CHECKS.filter(({ name }) => name === rule);

function planted(name: string): Mutant {
  const found = MUTANTS.find((mutant) => mutant.name === name);
  if (found === undefined) throw new Error(`there is no planted bug ${name}`);
  return found;
}

describe('each planted bug is caught by its rule, though no other is held', () => {
  for (const mutant of MUTANTS) {
    test(`${mutant.name}: ${mutant.sentence}`, { timeout: TIMEOUT_MS }, () => {
      const { rule, from = 0n } = mutant;
      expect(hunt({ ...mutant, others: [] }, { tables, checks: only(rule), from })?.rule).toBe(rule);
    });
  }
});

test('each planted bug has a name of its own, and there are enough of them', () => {
  const names = new Set(MUTANTS.map(({ name }) => name));
  expect(names.size).toBe(MUTANTS.length);
  expect(names.size).toBeGreaterThanOrEqual(100);
});

test('every check is needed by a planted bug that no other check must catch', () => {
  const needed = new Set(MUTANTS.map(({ rule }) => rule));
  expect(CHECKS.map(({ name }) => name).filter((name) => !needed.has(name))).toEqual([]);
});

describe('with the fault a planted bug is seen, and without it not', () => {
  for (const [fault, need] of Object.entries(NEEDS)) {
    test(`${fault}: ${need.mutant}`, { timeout: TIMEOUT_MS }, () => {
      const mutant = planted(need.mutant);
      const { from, beside, rule = mutant.rule } = need;
      const alone = { ...mutant, rule, others: [] };
      const lives = (faults: readonly string[], livesMax: number) =>
        hunt(alone, { tables, checks: only(rule), from, livesMax, faults: { only: faults, without: [] } });
      const seen = lives([...beside, fault], LIVES_MAX);
      expect(seen?.rule).toBe(rule);
      // With nothing named all faults would be on: one that is not there stands for none.
      const calm = beside.length === 0 ? ['none'] : beside;
      expect(lives(calm, Math.max(seen?.lives ?? 0, LIVES_WITHOUT_MIN))).toBeNull();
    });
  }
});

const canary = () => planted(CANARY);

test('the canary dies of a power cut: an acknowledged job is gone', () => {
  const checks = CHECKS.filter(({ name }) => name === 'S1');
  expect(hunt({ ...canary(), others: [] }, { tables, checks })?.rule).toBe('S1');
});

test('without power losses the canary lives: a kill alone proves little', () => {
  const checks = CHECKS.filter(({ name }) => name === 'S1');
  for (let seed = 0n; seed < 30n; seed += 1n) {
    const options = { source: seeded(seed), tables, checks, planted: canary().plant() };
    const { violation, trace } = live({ ...options, faults: { only: [], without: ['P3', 'P4', 'D18'] } });
    const lossAt = trace.events.findIndex(({ text }) => text === 'power loss');
    const healAt = trace.events.findIndex(({ text }) => text === 'all faults stop');
    // The one power loss that ends every life comes after everything else.
    expect(violation === null || (lossAt > healAt && healAt >= 0)).toBe(true);
  }
});

test('a failure shrinks to fewer events that break the same rule, and the same ones each time', () => {
  const options = () => ({ tables, planted: canary().plant(), checks: CHECKS.filter(({ name }) => name === 'S1') });
  let seed = 0n;
  let first = live({ ...options(), source: seeded(seed) });
  while (first.violation?.rule !== 'S1' || first.trace.ordinal < 200) {
    seed += 1n;
    first = live({ ...options(), source: seeded(seed) });
  }
  const small = shrink(first, options, QUICK);
  expect(small.outcome.violation?.rule).toBe('S1');
  expect(small.outcome.trace.ordinal).toBeLessThan(first.trace.ordinal / 2);
  expect(shrink(first, options, QUICK).outcome.hash).toBe(small.outcome.hash);
});

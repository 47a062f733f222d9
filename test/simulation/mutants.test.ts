// The simulator against planted bugs: what it cannot catch, it does not check.

import { beforeAll, describe, expect, test } from 'vitest';
import { CHECKS } from '../../sim/checks/rules.ts';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { hunt } from '../../sim/mutants/hunt.ts';
import { CANARY, MUTANTS } from '../../sim/mutants/planted.ts';
import { shrink } from '../../sim/shrink.ts';
import { live } from '../../sim/simulation.ts';
import { seeded } from '../../sim/world/tape.ts';

let tables: LifeTables;
beforeAll(async () => {
  tables = await tablesOf('bulk');
});

describe('each planted bug is caught', () => {
  for (const mutant of MUTANTS) {
    test(`${mutant.name}: ${mutant.sentence}`, () => {
      expect(hunt(mutant, { tables })).not.toBeNull();
    });

    test(`${mutant.name}: by ${mutant.rule} alone`, () => {
      const alone = { ...mutant, others: [] };
      const checks = CHECKS.filter(({ name }) => name === mutant.rule);
      expect(hunt(alone, { tables, checks })?.rule).toBe(mutant.rule);
    });
  }
});

test('every check is needed by a planted bug that no other check must catch', () => {
  const needed = new Set(MUTANTS.map(({ rule }) => rule));
  expect(CHECKS.map(({ name }) => name).filter((name) => !needed.has(name))).toEqual([]);
});

const canary = () => {
  const found = MUTANTS.find(({ name }) => name === CANARY);
  if (found === undefined) throw new Error('there is no canary');
  return found;
};

test('the canary dies of a power cut: an acknowledged job is gone', () => {
  const checks = CHECKS.filter(({ name }) => name === 'S1');
  expect(hunt({ ...canary(), others: [] }, { tables, checks })?.rule).toBe('S1');
});

test('without power losses the canary lives: a kill alone proves little', () => {
  const checks = CHECKS.filter(({ name }) => name === 'S1');
  for (let seed = 0n; seed < 30n; seed += 1n) {
    const options = { source: seeded(seed), tables, checks, planted: canary().plant() };
    const { violation, trace } = live({ ...options, faults: { only: [], without: ['P3'] } });
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
  while (first.violation === null || first.trace.ordinal < 200) {
    seed += 1n;
    first = live({ ...options(), source: seeded(seed) });
  }
  const small = shrink(first, options, 200);
  expect(small.outcome.violation?.rule).toBe('S1');
  expect(small.outcome.trace.ordinal).toBeLessThan(first.trace.ordinal / 2);
  expect(shrink(first, options, 200).outcome.hash).toBe(small.outcome.hash);
});

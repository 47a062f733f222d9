import { describe, expect, test } from 'vitest';
import { CHECKS, OWN_RULES } from '../../../sim/checks/rules.ts';
import { explain, EXPLANATIONS } from '../../../sim/report/explain.ts';

const codes = (letter: string, last: number): string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);

describe('--explain', () => {
  test.each([...codes('S', 30), ...codes('L', 8), ...codes('O', 9)])('%s is explained', (code) => {
    const lines = explain(code);
    expect(lines).toHaveLength(1);
    expect(lines?.[0]).toMatch(new RegExp(`^${code} .{20,}`));
  });

  test('says of a rule that waits for something that it is not held', () => {
    for (const code of ['S17', 'S18', 'S19']) expect(explain(code)?.[0]).toMatch(/does not exist yet/);
  });

  test('says where a rule is held that no single life is held to', () => {
    expect(explain('O4')?.[0]).toMatch(/--exhaustive/);
    expect(explain('S21')?.[0]).toMatch(/reduce\.test\.ts/);
  });

  test('without a name lists every rule once, those that lives are held to first', () => {
    const names = EXPLANATIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const held = [...CHECKS, ...OWN_RULES].map(({ name }) => name);
    expect(names.slice(0, held.length)).toEqual(held);
    expect(explain(null)).toHaveLength(names.length);
  });

  test('knows of no others', () => {
    expect(explain('S99')).toBeUndefined();
  });
});

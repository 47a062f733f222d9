// What the core is held against would prove nothing if it were the core once more, or too large to be read beside the contract.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ORACLES = resolve(import.meta.dirname, '../../../sim/oracles');
/** All that decides. How the rest shows it (shown.ts) and compares it (agreement.ts) follows from it. */
const MODEL = ['reference.ts', 'verdict.ts'];
const MODEL_LINES_MAX = 300;

const textOf = (file: string): string => readFileSync(join(ORACLES, file), 'utf8');

/** What a file imports or exports on, if it is more than types. */
const valuesFrom = (file: string): string[] =>
  [...textOf(file).matchAll(/^(import|export)\b(?! type\b)[^'";=]*?\bfrom\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm)].map(
    (match) => match[2] ?? match[3] ?? '',
  );

it(`the model is read in ${MODEL_LINES_MAX} lines`, () => {
  const lines = MODEL.map((file) => textOf(file).trimEnd().split('\n').length);
  expect(lines.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(MODEL_LINES_MAX);
});

it('the model leans on nothing that decides elsewhere', () => {
  expect(valuesFrom('reference.ts')).toEqual(['./disagreement.ts']);
  expect(valuesFrom('verdict.ts')).toEqual(['node:util', './reference.ts']);
});

it('no oracle runs a line of the core', () => {
  const files = readdirSync(ORACLES);
  expect(files).toEqual(expect.arrayContaining(MODEL));
  const strangers = files.flatMap((file) =>
    valuesFrom(file)
      .filter((target) => !target.startsWith('./') && target !== 'node:util')
      .map((target) => `${file}: ${target}`),
  );
  expect(strangers).toEqual([]);
});

// What the README says in tables is what the code says.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VARIABLES } from '../../runtime/config-variables.ts';
import { EXIT } from '../../runtime/exit.ts';
import { TRANSITIONS } from '../../sim/checks/s11-legal-transitions.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

describe('README', () => {
  it('lists every configuration variable with its default and its meaning', () => {
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\| (.*?) *\| (.*?) *\|$/gm)].map((row) => row.slice(1));
    const variables = Object.entries(VARIABLES).map(([name, { fallback, meaning }]) => [name, fallback ?? '', meaning]);
    expect(rows).toEqual(variables);
  });

  it('lists every exit code', () => {
    const table = readme.slice(readme.indexOf('| exit code'));
    const codes = [...table.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT).sort((a, b) => a - b));
  });

  it('draws the life of a job as the simulator checks it', () => {
    const kindsOf = new Map<string, string[]>();
    for (const [kind, [sources, targets]] of Object.entries(TRANSITIONS)) {
      for (const source of sources.split(' ')) {
        for (const target of targets.split(' ')) {
          const arrow = `${source} --> ${target}`.replace('none', '[*]');
          kindsOf.set(arrow, [...(kindsOf.get(arrow) ?? []), kind]);
        }
      }
    }
    const arrows = [...kindsOf].map(([arrow, kinds]) => `    ${arrow}: ${kinds.join(', ')}`);
    expect(readme).toContain(['```mermaid', 'stateDiagram-v2', ...arrows, '```'].join('\n'));
  });

  it('points to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target ?? '');
    expect(links.length).toBeGreaterThan(0);
    for (const target of links) expect(() => readFileSync(join(import.meta.dirname, '../..', target))).not.toThrow();
  });
});

// The arrows between the rooms point downward, and the core has no clock, dice, timers or Node.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** What each room may import from; a room may always import from itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'core/job': [],
  'core/store': ['core/job'],
  'core/queue': ['core/store', 'core/job'],
  'core/engine': ['core/queue', 'core/store', 'core/job'],
  runtime: ['core/engine', 'core/queue', 'core/store', 'core/job'],
  sim: ['core/engine', 'core/queue', 'core/store', 'core/job'],
};

const LINES_MAX = 400;

const sources = ['core', 'runtime', 'sim']
  .flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' }).map((file) => join(ROOT, top, file)),
  )
  .filter((file) => file.endsWith('.ts'));

const roomOf = (file: string): string => {
  const path = relative(ROOT, file);
  return Object.keys(ARROWS).find((room) => path.startsWith(`${room}/`)) ?? dirname(path);
};

const importsOf = (file: string): string[] =>
  [
    ...readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? '');

describe('the arrows', () => {
  it.each(sources.map((file) => [relative(ROOT, file), file]))('%s imports only from below', (_, file) => {
    const room = roomOf(file);
    const allowed = new Set([room, ...(ARROWS[room] ?? [])]);
    const wrong = importsOf(file)
      .filter((target) => target.startsWith('.'))
      .map((target) => relative(ROOT, resolve(dirname(file), target)))
      .filter((target) => !target.startsWith('..') && !allowed.has(roomOf(join(ROOT, target))));
    expect(wrong).toEqual([]);
  });
});

describe('the core', () => {
  const core = sources.filter((file) => relative(ROOT, file).startsWith('core/'));

  it('imports no package and no part of Node', () => {
    expect(core.flatMap(importsOf).filter((target) => !target.startsWith('.'))).toEqual([]);
  });

  it('has no clock, dice, timers or promises', () => {
    const banned =
      /\b(Date|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|performance|process|Buffer|Promise|await|async)\b/;
    const found = core.flatMap((file) =>
      withoutComments(readFileSync(file, 'utf8'))
        .split('\n')
        .flatMap((line, index) => (banned.test(line) ? [`${relative(ROOT, file)}:${index + 1} ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });
});

it.each(sources.map((file) => [relative(ROOT, file), file]))('%s stays small', (_, file) => {
  expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThanOrEqual(LINES_MAX);
});

/** Comments and texts go, line breaks stay. */
function withoutComments(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/\/\/.*$/gm, '')
    .replace(/'[^'\n]*'|`[^`]*`/g, "''");
}

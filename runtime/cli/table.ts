// Text for people: columns that stand under each other.
//
// Rule: names, payloads and errors are hostile text. What could move the cursor, recolour the screen or reorder the line
//       is written as an escape; nothing but our own colours reaches the terminal raw.

import type { Style, Terminal } from './terminal.ts';

/** C0 and C1 controls, line and paragraph separators, and the marks that change the direction of writing. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Columns as wide as their widest cell, two spaces apart. */
export function columns(
  rows: readonly (readonly string[])[],
  { right = [] }: { right?: readonly number[] } = {},
): string {
  return alignColumns(rows, right)
    .map((cells) => cells.join('  ').trimEnd())
    .join('\n');
}

/** A table under a heading. The columns numbered in `right` are numbers; `styleOf` colours a cell by what it says. */
export function table(
  terminal: Pick<Terminal, 'paint'>,
  content: {
    readonly heading: readonly string[];
    readonly rows: readonly (readonly string[])[];
    readonly right?: readonly number[];
  },
  styleOf: (cell: string) => Style | undefined = () => undefined,
): string {
  const { heading, rows, right = [] } = content;
  const [first = [], ...others] = alignColumns([heading, ...rows], right);
  const paint = (cell: string): string => {
    const style = styleOf(cell.trim());
    return style === undefined ? cell : terminal.paint(style, cell);
  };
  const lines = [
    terminal.paint('bold', first.join('  ').trimEnd()),
    ...others.map((cells) => cells.map(paint).join('  ').trimEnd()),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Names and values, one a line; what is null is left out. */
export function facts(
  terminal: Pick<Terminal, 'paint'>,
  entries: readonly (readonly [string, string | null])[],
): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries
    .filter((entry): entry is readonly [string, string] => entry[1] !== null)
    .map(([name, value]) => `${terminal.paint('dim', name.padEnd(width))}  ${printable(value)}\n`)
    .join('');
}

function alignColumns(rows: readonly (readonly string[])[], right: readonly number[]): string[][] {
  const clean = rows.map((cells) => cells.map(printable));
  const count = Math.max(0, ...clean.map((cells) => cells.length));
  const widths = Array.from({ length: count }, (_, at) => Math.max(...clean.map((cells) => cells[at]?.length ?? 0)));
  return clean.map((cells) =>
    cells.map((cell, at) => (right.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0))),
  );
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 1536 as `1.5 KiB`. */
export function bytesText(bytes: number): string {
  const unit = Math.min(Math.max(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 0), UNITS.length - 1);
  const value = bytes / 1024 ** unit;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** 90 061 000 ms as `1 d 1 h`: the two largest units. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

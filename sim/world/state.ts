// Everything that the tables hold, as one text.

import type { Tables } from '../../core/store/tables.ts';

/** More than any small workload has. */
const ROWS_MAX = 10_000;

/** Texts as they come, and as they are when the properties of each object are in order. Few states come again and again. */
const known = new Map<string, string>();
const KNOWN_MAX = 50_000;

/** Equal states have equal texts. For small worlds, whose states are few. */
export function stateOf(tables: Tables): string {
  const content = contentOf(tables);
  let state = known.get(content);
  if (state === undefined) {
    state = ordered(content);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(content, state);
  }
  return state;
}

/** Equal states may differ in the order of properties: compare with `isSameContent`. */
export function contentOf(tables: Tables): string {
  const jobs = tables.list({ filter: {}, before: undefined, limit: ROWS_MAX });
  return JSON.stringify([tables.meta(), jobs, tables.pausedQueues(), tables.eventsAfter(0, ROWS_MAX)]);
}

export const isSameContent = (a: string, b: string): boolean => a === b || ordered(a) === ordered(b);

const ordered = (content: string): string => JSON.stringify(JSON.parse(content), inOrder);

const inOrder = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

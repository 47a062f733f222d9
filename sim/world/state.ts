// Everything that the tables hold, as one text: equal states have equal texts.

import type { Tables } from '../../core/store/tables.ts';

/** More than any small workload has. */
const ROWS_MAX = 10_000;

/** Texts as they come, and as they are when the properties of each object are in order. Few states come again and again. */
const known = new Map<string, string>();
const KNOWN_MAX = 50_000;

export function stateOf(tables: Tables): string {
  const jobs = tables.list({ filter: {}, before: undefined, limit: ROWS_MAX });
  const found = JSON.stringify([tables.meta(), jobs, tables.pausedQueues(), tables.eventsAfter(0, ROWS_MAX)]);
  let state = known.get(found);
  if (state === undefined) {
    state = JSON.stringify(JSON.parse(found), inOrder);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(found, state);
  }
  return state;
}

const inOrder = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

// Everything that tables hold, as one text: two tables hold the same if and only if their texts are equal.

import { JOB_STATES } from '../../core/job/job.ts';
import type { Tables } from '../../core/store/tables.ts';

/** More than any test stores. */
const EVENTS_MAX = 1_000_000;

export function tablesText(tables: Tables): string {
  const jobs = JOB_STATES.flatMap((state) => [...tables.jobsIn(state)]);
  jobs.sort((a, b) => a.submittedSeq - b.submittedSeq);
  const events = tables.eventsAfter(0, EVENTS_MAX);
  return JSON.stringify([tables.meta(), jobs, tables.pausedQueues(), events], inOrder);
}

/** The fields of an object by name: implementations build theirs in orders of their own. */
const inOrder = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

// Everything the queue keeps outside the tables. It coordinates; it does not decide what is true.
//
// Census, timetable and paused follow from the tables. Abandoned handlers are a fact about this process alone: they die
// with it, so they are stored nowhere.

import type { Instant, Job } from '../job/job.ts';
import { isTerminal } from '../job/job.ts';
import type { Tables } from '../store/tables.ts';
import { Census } from './census.ts';
import type { Fence } from './command.ts';
import { Timetable } from './timetable.ts';

export class Memory {
  readonly census: Census;
  readonly timetable: Timetable;
  readonly paused: Set<string>;
  /** Attempts whose handler runs on though its lease is gone, by `fenceKey`. */
  readonly abandoned = new Set<string>();
  /** Since shutdown began: nothing starts any more. */
  isDraining = false;
  /** When to look for jobs past their retention; null while there is no terminal job. */
  forgetAt: Instant | null;

  constructor(tables: Tables) {
    this.census = Census.of(tables);
    this.timetable = Timetable.of(tables);
    this.paused = new Set(tables.pausedQueues());
    this.forgetAt = tables.oldestFinishedAt() ?? null;
  }

  note(before: Job | undefined, after: Job | undefined): void {
    this.census.note(before, after);
    this.timetable.note(before, after);
    if (after !== undefined && isTerminal(after)) this.forgetAt ??= after.finishedAt;
  }

  /** Takes back what `note` does not: the part that follows from a step as a whole. */
  reset(to: { paused: Iterable<string>; abandoned: Iterable<string>; forgetAt: Instant | null }): void {
    replace(this.paused, to.paused);
    replace(this.abandoned, to.abandoned);
    this.forgetAt = to.forgetAt;
  }
}

export const fenceKey = ({ jobId, attempt }: Fence): string => `${jobId} ${attempt}`;

function replace(set: Set<string>, values: Iterable<string>): void {
  set.clear();
  for (const value of values) set.add(value);
}

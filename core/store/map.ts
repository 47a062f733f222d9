// The tables of bulk simulation: plain maps. They say what the SQL of sqlite.ts must mean, and are fast where thousands of
// lives are lived a second.
//
// Rule 1: every change goes through one of the `#link…`/`#unlink…` pairs, which are each other's inverse. A rollback is the
//         inverses in reverse order.
// Rule 2: jobs, events and meta are never mutated, so that an inverse may hold the old ones.
// Rule 3: an export is a function of the content alone: equal tables give equal bytes.

import { assert } from '../job/assert.ts';
import { isTerminal } from '../job/job.ts';
import type { Instant, Job, JobId, JobState, TerminalJob } from '../job/job.ts';
import { isFeedOnly, isLoose } from './event-class.ts';
import { decodeContent, EMPTY, encodeContent } from './map-file.ts';
import type { Content } from './map-file.ts';
import { Sorted } from './sorted.ts';
import type { EventRow, JobFilter, Meta, Tables, TablesFactory } from './tables.ts';

export function mapTables(): TablesFactory {
  return { create: () => new MapTables(EMPTY), load: (bytes) => new MapTables(decodeContent(bytes)) };
}

/** A living job and the events that are forgotten with it, in order of `seq`. */
type Entry = { readonly seq: number; job: Job; events: readonly EventRow[] };

type Finished = { readonly at: Instant; readonly entry: { readonly seq: number; readonly job: { readonly id: JobId } } };

class MapTables implements Tables {
  readonly #entries = new Map<JobId, Entry>();
  readonly #byKey = new Map<string, Entry>();
  readonly #submitted = new Sorted<{ readonly seq: number; readonly job?: Job }>((left, right) => left.seq - right.seq);
  readonly #finished = new Sorted<Finished>((left, right) => left.at - right.at || left.entry.seq - right.entry.seq);
  /** The pending jobs of each queue; a queue without any is not in. */
  readonly #pending = new Map<string, Sorted<{ readonly seq: number; readonly job?: Job }>>();
  readonly #events = new Sorted<{ readonly seq: number; readonly row?: EventRow }>((left, right) => left.seq - right.seq);
  readonly #paused = new Set<string>();
}

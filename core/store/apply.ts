// One event becomes rows: the only writer of the tables, live and in recovery alike.
//
// Rule 1: what a replay of the journal makes of an event is what the live queue made of it, because both are this file.
// Rule 2: what is forgotten follows from the events alone, so that a replay forgets the same.

import { assert } from '../job/assert.ts';
import { isJobEvent } from '../job/event.ts';
import type { Event, JobEvent, QueueEvent } from '../job/event.ts';
import type { Job } from '../job/job.ts';
import { FEED_ONLY_EVENTS_MAX, LOOSE_EVENTS_MAX } from '../job/limits.ts';
import { reduce } from '../job/reduce.ts';
import type { EventDetail, EventRow, Tables } from './tables.ts';

/** What an event did to its job; both are undefined for an event of a queue. */
export type Change = { readonly row: EventRow; readonly before: Job | undefined; readonly after: Job | undefined };

/**
 * Applies the event to the tables. `before` must be the job as the tables hold it.
 * @throws {InvariantError} if the event is not legal for the job, or its number is not the next one; nothing is written.
 */
export function apply(tables: Tables, event: Event, before: Job | undefined): Change {
  const meta = tables.meta();
  assert(event.seq === meta.lastSeq + 1, `event ${event.seq} follows event ${meta.lastSeq}`);
  assert(event.at >= meta.lastAt, `event ${event.seq} is not older than the one before it`);
  const change = isJobEvent(event) ? applyToJob(tables, event, before) : applyToQueue(tables, event);
  const forgottenSeq = Math.max(meta.forgottenSeq, forget(tables, event));
  tables.putMeta({ lastSeq: event.seq, lastAt: event.at, forgottenSeq });
  return change;
}

/** Applies an event that comes from the journal. */
export function replay(tables: Tables, event: Event): Change {
  return apply(tables, event, isJobEvent(event) ? tables.job(event.jobId) : undefined);
}

function applyToJob(tables: Tables, event: JobEvent, before: Job | undefined): Change {
  const after = reduce(before, event);
  const job = after ?? before;
  assert(job !== undefined, 'an event has a job before it or after it');
  const row: EventRow = {
    seq: event.seq,
    at: event.at,
    kind: event.kind,
    jobId: job.id,
    type: job.type,
    queue: job.queue,
    state: after?.state ?? null,
    attempt: job.attempt,
    detail: detailOf(event),
  };
  if (after !== undefined) tables.putJob(after);
  tables.putEvent(row);
  return { row, before, after };
}

/** Forgets what the event makes superfluous. Returns the highest sequence number among the forgotten events. */
function forget(tables: Tables, event: Event): number {
  switch (event.kind) {
    case 'deleted':
      return Math.max(tables.removeJob(event.jobId), tables.trimLooseEvents(LOOSE_EVENTS_MAX));
    case 'paused':
    case 'resumed':
      return tables.trimLooseEvents(LOOSE_EVENTS_MAX);
    case 'extended':
    case 'progressed':
      return tables.trimFeedOnlyEvents(event.jobId, FEED_ONLY_EVENTS_MAX);
    default:
      return 0;
  }
}

function applyToQueue(tables: Tables, event: QueueEvent): Change {
  tables.putPaused(event.queue, event.kind === 'paused');
  const row: EventRow = {
    seq: event.seq,
    at: event.at,
    kind: event.kind,
    jobId: null,
    type: null,
    queue: event.queue,
    state: null,
    attempt: null,
    detail: null,
  };
  tables.putEvent(row);
  return { row, before: undefined, after: undefined };
}

function detailOf(event: JobEvent): EventDetail | null {
  switch (event.kind) {
    case 'submitted':
    case 'released':
    case 'retried':
      return { runAt: event.runAt };
    case 'started':
    case 'extended':
      return { leaseUntil: event.leaseUntil };
    case 'failed':
    case 'expired':
    case 'crashed': {
      const error = { name: event.error.name, message: event.error.message };
      return event.next.state === 'pending' ? { error, runAt: event.next.runAt } : { error };
    }
    default:
      return null;
  }
}

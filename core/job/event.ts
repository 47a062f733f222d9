// What has happened: the one unit of change. The journal stores events, a job's history lists them, the live feed sends
// them and the metrics count them.
//
// Rule 1: an event carries every fact that was decided (the instant of the retry, not the formula), so that applying it
//         is assignment and an old journal replays alike under new code.
// Rule 2: `seq` numbers all events of a data directory without gaps; `at` never decreases along it.

import type { Instant, JobError, JobId, JobSpecification, JsonText } from './job.ts';

type Stamp = {
  readonly seq: number;
  readonly at: Instant;
};

/** Where a failed attempt leads: another one, not before `runAt`, or none. */
export type Verdict = { readonly state: 'pending'; readonly runAt: Instant } | { readonly state: 'dead' };

export type JobChange =
  | { readonly kind: 'submitted'; readonly job: JobSpecification; readonly runAt: Instant }
  | { readonly kind: 'started'; readonly attempt: number; readonly leaseUntil: Instant }
  | { readonly kind: 'extended'; readonly attempt: number; readonly leaseUntil: Instant }
  | { readonly kind: 'progressed'; readonly attempt: number; readonly progress: JsonText }
  | { readonly kind: 'succeeded'; readonly attempt: number; readonly result: JsonText }
  /** The handler threw. */
  | { readonly kind: 'failed'; readonly attempt: number; readonly error: JobError; readonly next: Verdict }
  /** The lease ended before the handler did. */
  | { readonly kind: 'expired'; readonly attempt: number; readonly error: JobError; readonly next: Verdict }
  /** The process died under the handler. */
  | { readonly kind: 'crashed'; readonly attempt: number; readonly error: JobError; readonly next: Verdict }
  /** The attempt was given back by an orderly shutdown; it counts as neither a failure nor a crash. */
  | { readonly kind: 'released'; readonly attempt: number; readonly runAt: Instant }
  | { readonly kind: 'cancelled'; readonly attempt: number }
  | { readonly kind: 'retried'; readonly attempt: number; readonly runAt: Instant }
  | { readonly kind: 'deleted' };

export type QueueChange = { readonly kind: 'paused' } | { readonly kind: 'resumed' };

export type JobEvent = Stamp & { readonly jobId: JobId } & JobChange;
export type QueueEvent = Stamp & { readonly queue: string } & QueueChange;
export type Event = JobEvent | QueueEvent;
export type EventKind = Event['kind'];

export const isJobEvent = (event: Event): event is JobEvent => 'jobId' in event;

/** The kinds that a job's history lists; the others are in the feed only. */
export const HISTORY_KINDS: ReadonlySet<EventKind> = new Set<EventKind>([
  'submitted',
  'started',
  'succeeded',
  'failed',
  'expired',
  'crashed',
  'released',
  'cancelled',
  'retried',
]);

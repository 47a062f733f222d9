// The live form of the database: what every decision reads and every event changes.
//
// Two implementations, one conformance suite: sqlite.ts (production) and map.ts (bulk simulation, and the oracle that
// the SQL is held against). Neither decides anything: rows come from apply.ts, which asks the reducer.
//
// Rule 1: writes happen between `begin` and `commit` or `rollback`; a rollback leaves no trace of them. The engine
//         commits only after the record that holds the events is on the disk.
// Rule 2: reads inside a transaction see its writes.
// Rule 3: rows come back equal to what was put, whatever their strings hold.

import type { EventKind } from '../job/event.ts';
import type { Instant, Job, JobId, JobState } from '../job/job.ts';

/** One event as the history lists it and the feed sends it: the facts, and what its job was after it. */
export type EventRow = {
  readonly seq: number;
  readonly at: Instant;
  readonly kind: EventKind;
  /** Null for an event of a queue. */
  readonly jobId: JobId | null;
  readonly type: string | null;
  readonly queue: string;
  /** The job's state after the event; null for an event of a queue and for `deleted`. */
  readonly state: JobState | null;
  readonly attempt: number | null;
  readonly detail: EventDetail | null;
};

/** What some kinds of event say beyond the common fields. */
export type EventDetail = {
  readonly runAt?: Instant;
  readonly leaseUntil?: Instant;
  readonly error?: { readonly name: string; readonly message: string };
};

export type Meta = {
  /** Sequence number of the latest event; 0 before the first. */
  readonly lastSeq: number;
  /** Instant of the latest event: the queue's clock never starts below it. */
  readonly lastAt: Instant;
  /** The highest sequence number among the events that were forgotten; 0 if all are kept. */
  readonly forgottenSeq: number;
};

export type JobFilter = {
  readonly state?: JobState | undefined;
  readonly type?: string | undefined;
  readonly queue?: string | undefined;
};

export interface Tables {
  begin(): void;
  commit(): void;
  rollback(): void;

  meta(): Meta;
  putMeta(meta: Meta): void;

  job(id: JobId): Job | undefined;
  jobByKey(idempotencyKey: string): Job | undefined;
  /** Inserts the job, or replaces the one with its id. Only the mutable fields of a replaced job may differ. */
  putJob(job: Job): void;
  /**
   * Forgets the job, its key and its events except `deleted`. Returns the highest sequence number among the forgotten
   * events, 0 if none.
   */
  removeJob(id: JobId): number;
  /** Jobs in descending order of `submittedSeq`, below `before` if given, at most `limit`. */
  list(query: { filter: JobFilter; before: number | undefined; limit: number }): Job[];
  /** All jobs in a state, in order of submission: for rebuilding what memory coordinates. */
  jobsIn(state: JobState): Iterable<Job>;
  /** Terminal jobs with `finishedAt` at or before the instant, oldest first, at most `limit`. */
  finishedBefore(at: Instant, limit: number): JobId[];
  /** `finishedAt` of the terminal job that finished first. */
  oldestFinishedAt(): Instant | undefined;
  /** `createdAt` of the queue's pending job that was submitted first. */
  oldestPendingAt(queue: string): Instant | undefined;

  putEvent(row: EventRow): void;
  /** The job's events in order of `seq`, the feed-only kinds left out. */
  history(id: JobId): EventRow[];
  /** Events with a greater `seq`, ascending, at most `limit`. */
  eventsAfter(seq: number, limit: number): EventRow[];
  /**
   * Forgets the oldest loose events (`deleted`, `paused`, `resumed`: they belong to no living job), until `keep` are
   * left. Returns the highest sequence number among the forgotten, 0 if none.
   */
  trimLooseEvents(keep: number): number;
  /** The same for the feed-only events (`extended`, `progressed`) of one job. */
  trimFeedOnlyEvents(id: JobId, keep: number): number;

  /** Names of the paused queues, sorted by UTF-16 units. */
  pausedQueues(): string[];
  putPaused(queue: string, paused: boolean): void;

  /** The whole content as bytes that `TablesFactory.load` takes. Not inside a transaction. */
  export(): Uint8Array;
  close(): void;
}

export type TablesFactory = {
  create(): Tables;
  /**
   * @throws {RangeError} if memory does not suffice.
   * @throws {Error} otherwise, if the bytes are not an export of this kind of tables, or of a newer format.
   */
  load(bytes: Uint8Array): Tables;
};

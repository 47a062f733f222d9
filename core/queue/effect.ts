// What a step wants done in the world. Rule: an effect leaves only after the record of its step is durable.

import type { Instant, Job, JobId, JobState, RunningJob } from '../job/job.ts';
import type { EventRow } from '../store/tables.ts';
import type { Misfit, RequestId } from './command.ts';

export type Effect =
  | { readonly kind: 'reply'; readonly requestId: RequestId; readonly reply: Reply }
  /** Run the handler of the job's type for its current attempt. */
  | { readonly kind: 'start'; readonly job: RunningJob }
  /** Abort the handler's signal: the attempt has lost its lease. */
  | {
      readonly kind: 'abort';
      readonly jobId: JobId;
      readonly attempt: number;
      readonly reason: 'timeout' | 'cancelled';
    }
  /** The lease was renewed, or the attempt runs on: nothing to do but tell the feed and the metrics. */
  | { readonly kind: 'publish'; readonly rows: readonly EventRow[] };

export type Reply =
  | { readonly kind: 'submitted'; readonly outcomes: readonly { readonly job: Job; readonly replayed: boolean }[] }
  | { readonly kind: 'job'; readonly job: Job; readonly history: readonly EventRow[] }
  | { readonly kind: 'jobs'; readonly jobs: readonly Job[]; readonly nextBefore: number | null }
  | { readonly kind: 'stats'; readonly stats: Stats }
  | { readonly kind: 'queues'; readonly queues: readonly QueueView[] }
  | { readonly kind: 'queue'; readonly queue: QueueView }
  /** `gap`: events after the one asked for are forgotten. `lastSeq` is the latest event there is. */
  | { readonly kind: 'events'; readonly rows: readonly EventRow[]; readonly gap: boolean; readonly lastSeq: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'extended'; readonly leaseUntil: Instant }
  | { readonly kind: 'progressed' }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] };

/** Why not. `index` is the place of a submission in its list. Nothing was changed, unless the outcome is unknown. */
export type Refusal =
  | { readonly reason: 'not-found'; readonly jobId: JobId }
  | { readonly reason: 'wrong-state'; readonly jobId: JobId; readonly state: JobState }
  | { readonly reason: 'unknown-type'; readonly index: number; readonly type: string }
  | { readonly reason: 'payload-mismatch'; readonly index: number; readonly misfits: readonly Misfit[] }
  | { readonly reason: 'key-reused'; readonly index: number; readonly key: string; readonly jobId: JobId }
  | { readonly reason: 'depth-limit'; readonly depth: number; readonly limit: number }
  | { readonly reason: 'bytes-limit'; readonly bytes: number; readonly limit: number }
  | { readonly reason: 'lease-lost'; readonly jobId: JobId; readonly attempt: number }
  | { readonly reason: 'draining' }
  | { readonly reason: 'overloaded' }
  /** The disk is full: nothing was stored. */
  | { readonly reason: 'read-only' }
  /** A write failed and the process is about to end: nothing was stored. */
  | { readonly reason: 'disk-failed' }
  /** A sync failed: the record may be on the disk or not. */
  | { readonly reason: 'outcome-unknown' };

export type QueueView = {
  readonly name: string;
  readonly paused: boolean;
  readonly pending: number;
  readonly running: number;
  readonly oldestPendingMs: number | null;
};

export type StateCounts = Readonly<Record<JobState, number>>;

export type Stats = {
  readonly jobs: StateCounts;
  readonly queues: readonly QueueView[];
  readonly types: ReadonlyMap<string, StateCounts>;
  /** Handlers that run on without a lease. */
  readonly abandoned: number;
  /** Pending and running jobs, against `depthLimit`. */
  readonly depth: number;
  readonly depthLimit: number;
  readonly bytes: number;
  readonly bytesLimit: number;
  /** Sequence number of the latest event; durable when this is read. */
  readonly durableSeq: number;
};

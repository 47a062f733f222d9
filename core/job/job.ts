// What a job is. How it may change is in reduce.ts; what may be asked of it is in ../queue/command.ts.
//
// Payloads, results and progress are JSON *text*, produced by `JSON.stringify` and never rebuilt: what a client sent is
// what a handler gets, lone surrogates and `__proto__` keys included.

declare const brand: unique symbol;
type Brand<Value, Name extends string> = Value & { readonly [brand]: Name };

export type JobId = Brand<string, 'JobId'>;
export const JobId = (id: string): JobId => id as JobId;

/** Milliseconds since 1970-01-01T00:00:00Z on the queue's own clock, which never runs backwards. */
export type Instant = Brand<number, 'Instant'>;
export const Instant = (milliseconds: number): Instant => milliseconds as Instant;

/** The first of the instants that there are; null if there is none. */
export function earliest(...instants: readonly (Instant | null)[]): Instant | null {
  let first: Instant | null = null;
  for (const instant of instants) {
    if (instant !== null && (first === null || instant < first)) first = instant;
  }
  return first;
}

/** One JSON value as text on one line, as `JSON.stringify` writes it. */
export type JsonText = Brand<string, 'JsonText'>;
export const JsonText = (value: unknown): JsonText => (JSON.stringify(value) ?? 'null') as JsonText;

/** The latest failure of a job: what its handler threw, `TimeoutError` after an expiry, `CrashError` after a crash. */
export type JobError = {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
  readonly at: Instant;
};

/** What a submission decides once and for all. */
export type JobSpecification = {
  readonly id: JobId;
  readonly type: string;
  readonly queue: string;
  readonly payload: JsonText;
  /** Smaller runs first. */
  readonly priority: number;
  /** Failures forgiven: with 3, the fourth makes the job dead. */
  readonly maxRetries: number;
  /** The visibility timeout: how long the lease of one attempt lasts unless it is extended. */
  readonly timeoutMs: number;
  readonly idempotencyKey: string | null;
};

/** What a job has in every state. */
export type JobRecord = JobSpecification & {
  /** Sequence number of the `submitted` event: the order of submission. */
  readonly submittedSeq: number;
  readonly createdAt: Instant;
  /** Not started before this instant. Set at submission, at each retry and at each give-back. */
  readonly runAt: Instant;
  /** Starts so far. Only ever grows; with the id it is the fencing token of the current attempt. */
  readonly attempt: number;
  /** Attempts that threw or outlived their lease. */
  readonly failures: number;
  /** Attempts whose process died under them. */
  readonly crashes: number;
  /** Set by a crash, cleared when the next attempt ends: suspects run one at a time. */
  readonly suspect: boolean;
  readonly startedAt: Instant | null;
  readonly progress: JsonText | null;
  readonly lastError: JobError | null;
};

export type PendingJob = JobRecord & { readonly state: 'pending' };
export type RunningJob = JobRecord & { readonly state: 'running'; readonly leaseUntil: Instant };
export type SucceededJob = JobRecord & {
  readonly state: 'succeeded';
  readonly finishedAt: Instant;
  readonly result: JsonText;
};
export type DeadJob = JobRecord & { readonly state: 'dead'; readonly finishedAt: Instant };
export type CancelledJob = JobRecord & { readonly state: 'cancelled'; readonly finishedAt: Instant };

export type TerminalJob = SucceededJob | DeadJob | CancelledJob;
export type Job = PendingJob | RunningJob | TerminalJob;

export type JobState = Job['state'];
export const JOB_STATES = ['pending', 'running', 'succeeded', 'dead', 'cancelled'] as const satisfies JobState[];

export const isTerminal = (job: Job): job is TerminalJob => job.state !== 'pending' && job.state !== 'running';

/** The fixed part of `jobBytes`: a job's other columns, its index entries and the rows of its events. */
const JOB_OVERHEAD_BYTES = 512;

/**
 * What one job is charged against the limit of stored bytes: its texts in UTF-16 units plus a fixed overhead. It is an
 * estimate that depends on the job alone, so that the sum can be kept by adding and subtracting.
 */
export function jobBytes(job: Job): number {
  const error = job.lastError === null ? 0 : job.lastError.message.length + (job.lastError.stack?.length ?? 0);
  const result = job.state === 'succeeded' ? job.result.length : 0;
  return (
    JOB_OVERHEAD_BYTES +
    job.type.length +
    job.queue.length +
    job.payload.length +
    (job.idempotencyKey?.length ?? 0) +
    (job.progress?.length ?? 0) +
    result +
    error
  );
}

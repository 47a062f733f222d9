// What may be asked of the queue. Everything that can change or read it is one of these; decide.ts answers them.

import type { JobId, JobSpecification, JsonText, Instant } from '../job/job.ts';
import type { JobFilter } from '../store/tables.ts';

/** Names the one who waits for a reply; made up by the shell, never stored. */
export type RequestId = number;

/** A job as a client asks for it; what is null is filled in from its type's settings. */
export type Submission = Omit<JobSpecification, 'maxRetries' | 'timeoutMs'> & {
  readonly maxRetries: number | null;
  readonly timeoutMs: number | null;
  readonly start: Start;
};

/** When the first attempt may start. `at` is an instant of the wall clock, as clients know it. */
export type Start =
  | { readonly kind: 'now' }
  | { readonly kind: 'at'; readonly instant: Instant }
  | { readonly kind: 'after'; readonly delayMs: number };

/** `path` is a JSON Pointer into the submission. */
export type Misfit = { readonly path: string; readonly message: string };
export type Misfits = ReadonlyMap<number, readonly Misfit[]>;

/** From outside: each gets exactly one reply, and only when what it tells is durable. */
export type ClientCommand =
  /** All or nothing. */
  | {
      readonly kind: 'submit';
      readonly submissions: readonly Submission[];
      /** What does not fit the schema of its type, by index. Judged outside, where schemas are; a replay is not refused for it. */
      readonly misfits?: Misfits;
    }
  | { readonly kind: 'get'; readonly jobId: JobId }
  | {
      readonly kind: 'list';
      readonly filter: JobFilter;
      /** Only jobs with a smaller `submittedSeq`. */
      readonly before: number | undefined;
      readonly limit: number;
    }
  | { readonly kind: 'stats' }
  | { readonly kind: 'queues' }
  /** Events after `after`; at most `limit`. */
  | { readonly kind: 'feed'; readonly after: number; readonly limit: number }
  | { readonly kind: 'cancel'; readonly jobId: JobId }
  | { readonly kind: 'retry'; readonly jobId: JobId }
  | { readonly kind: 'delete'; readonly jobId: JobId }
  | { readonly kind: 'pause'; readonly queue: string }
  | { readonly kind: 'resume'; readonly queue: string };

/** The fencing token: what an attempt says counts only while it is the job's current one. */
export type Fence = { readonly jobId: JobId; readonly attempt: number };

/** From the handlers of this process. `extend` and `progress` get a reply; the others need none. */
export type WorkerCommand =
  | (Fence & { readonly kind: 'succeed'; readonly result: JsonText })
  | (Fence & { readonly kind: 'fail'; readonly error: Thrown; readonly retryable: boolean })
  /** The attempt is given back: an orderly shutdown, never the job's fault. */
  | (Fence & { readonly kind: 'release' })
  /** A handler whose lease was gone has ended at last. */
  | (Fence & { readonly kind: 'ended' })
  /** Null extends by the job's visibility timeout. The lease then ends that long from now. */
  | (Fence & { readonly kind: 'extend'; readonly extendMs: number | null })
  | (Fence & { readonly kind: 'progress'; readonly progress: JsonText });

export type Thrown = { readonly name: string; readonly message: string; readonly stack: string | null };

/** From the shell itself. */
export type ControlCommand =
  /** Once, first thing after recovery: what an earlier process left running has crashed. */
  | { readonly kind: 'recover' }
  /** The armed timer fired: expire leases that are over. Nothing else expires them. */
  | { readonly kind: 'tick' }
  /** Shutdown began: start nothing, refuse submissions. */
  | { readonly kind: 'drain' };

export type Command = ClientCommand | WorkerCommand | ControlCommand;

/** A command and who waits for its reply; null where nobody does. */
export type Input = { readonly requestId: RequestId | null; readonly command: Command };

/** Time and chance come in as values; the core has none of its own. */
export type Now = {
  /** The queue's clock: the wall clock at start, carried on by the monotonic one. Never runs backwards. */
  readonly at: Instant;
  /** How far the wall clock has been set ahead of `at` (behind, if negative); 0 below a second. */
  readonly wallAheadMs: number;
  /** A fresh 32-bit seed for this step's jitter. */
  readonly seed: number;
};

// What an operator and the handlers' author decide. None of it is stored: after a restart with other settings the same
// jobs live under the new ones.

import type { Backoff } from '../job/retry.ts';

export type TypeSettings = {
  /** Attempts of this type running at once; null is bounded by the workers alone. */
  readonly concurrency: number | null;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly backoff: Backoff;
};

export type QueueSettings = {
  /** The types that have a handler. Others are refused at submission, and wait if they are stored already. */
  readonly types: ReadonlyMap<string, TypeSettings>;
  /** Attempts running at once; as many abandoned handlers may linger. */
  readonly workerCount: number;
  /** Pending and running jobs stored at most. */
  readonly depthLimit: number;
  /** Bytes of stored jobs at most, as `jobBytes` counts them. */
  readonly bytesLimit: number;
  /** The crash that makes a job dead. */
  readonly crashesMax: number;
  /** Age at which terminal jobs are forgotten; 0 keeps everything. */
  readonly retentionMs: number;
};

export const DEFAULT_MAX_RETRIES = 3;
export const DEFAULT_TIMEOUT_MS = 30_000;

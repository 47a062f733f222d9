// The options of an embedded queue, under the same rules as the server's configuration.

import { resolve } from 'node:path';
import { ConfigError } from '../config.ts';
import { VARIABLES } from '../config-variables.ts';
import type { Variable } from '../config-variables.ts';
import { createLog } from '../log.ts';
import type { Log } from '../log.ts';
import type { HandlerMap } from '../worker/handler.ts';

export type QueueOptions<Handlers extends HandlerMap> = {
  /** The data directory; one process at a time holds it. */
  readonly directory: string;
  readonly handlers: Handlers;
  /** Attempts running at once: 0 to 1000, 10 if absent; 0 runs nothing. */
  readonly workerCount?: number;
  /** Pending and running jobs stored at most; 100 000 if absent. */
  readonly maxQueueDepth?: number;
  /** Bytes of stored jobs at most; 1 GiB if absent. */
  readonly maxDataBytes?: number;
  /** The crash of the process that makes a job dead; the third if absent. */
  readonly maxCrashes?: number;
  /** Age in milliseconds at which terminal jobs are forgotten; a week if absent, 0 keeps everything. */
  readonly retentionMs?: number;
  /** Where the queue and `context.log` write; JSON lines on standard output, warnings and worse, if absent. */
  readonly log?: Log;
  /**
   * Called once when the disk has failed or an invariant broke: nothing is stored any more, every call rejects, and the
   * process should end so that the next one recovers. Without it the error is thrown outside of any call, which ends
   * the process as an uncaught exception.
   */
  readonly onFailure?: (error: unknown) => void;
};

/** @throws {ConfigError} that names the option and its rule. */
export function readOptions<Handlers extends HandlerMap>(options: QueueOptions<Handlers>) {
  const { directory } = options;
  if (typeof directory !== 'string' || directory === '') throw new ConfigError('directory must be a path');
  return {
    directory: resolve(directory),
    workerCount: read('workerCount', options.workerCount, VARIABLES.WORKER_COUNT),
    depthLimit: read('maxQueueDepth', options.maxQueueDepth, VARIABLES.MAX_QUEUE_DEPTH),
    bytesLimit: read('maxDataBytes', options.maxDataBytes, VARIABLES.MAX_DATA_BYTES),
    crashesMax: read('maxCrashes', options.maxCrashes, VARIABLES.MAX_CRASHES),
    retentionMs: read('retentionMs', options.retentionMs, VARIABLES.RETENTION_MS),
    log: options.log ?? createLog({ level: 'warn' }),
  };
}

function read(name: string, given: number | undefined, { fallback, parse, rule }: Variable<number>): number {
  const value = parse(given === undefined ? (fallback ?? '') : String(given));
  if (value === undefined) throw new ConfigError(`${name} is ${String(given)}: it must be ${rule}`);
  return value;
}

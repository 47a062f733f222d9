// Snapshots are taken by a worker thread from what is on the disk, so that no request waits for one.

import { Worker } from 'node:worker_threads';
import type { SnapshotResult } from '../core/store/snapshot.ts';
import type { Log } from './log.ts';

export type SnapshotTask = { readonly directory: string; readonly throughSegment: number };
export type SnapshotOutcome = { readonly result: SnapshotResult } | { readonly error: string };

/** Beside this file, with its own extension: `.ts` from sources, `.js` in the package. */
const THREAD_URL = new URL(import.meta.url.replace(/snapshotter(\.[jt]s)$/, 'snapshot-thread$1'));

export class Snapshotter {
  readonly #directory: string;
  readonly #log: Log;
  #worker: Worker | null = null;
  #isClosed = false;

  constructor(options: { directory: string; log: Log }) {
    this.#directory = options.directory;
    this.#log = options.log;
  }

  /** Resolves with null if it failed: the journal is kept whole, and nothing is lost by trying later. */
  async take(throughSegment: number): Promise<SnapshotResult | null> {
    const startedAt = performance.now();
    const outcome = await this.#run({ directory: this.#directory, throughSegment });
    if ('error' in outcome) {
      if (this.#isClosed) return null; // ended by us
      this.#log.error({ throughSegment, error: outcome.error }, 'snapshot failed; the journal is kept');
      return null;
    }
    const durationMs = Math.round(performance.now() - startedAt);
    this.#log.info({ ...outcome.result, durationMs }, 'snapshot taken');
    return outcome.result;
  }

  /** Ends a snapshot under way; what it has written so far is removed at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #run(task: SnapshotTask): Promise<SnapshotOutcome> {
    return new Promise((resolve) => {
      const worker = new Worker(startOf(THREAD_URL), { workerData: task });
      this.#worker = worker;
      worker.once('message', (outcome: SnapshotOutcome) => resolve(outcome));
      worker.once('error', (error) => resolve({ error: error.message }));
      worker.once('exit', () => {
        this.#worker = null;
        resolve({ error: 'the snapshot thread ended' });
      });
    });
  }
}

/** A thread does not inherit what reads TypeScript in this one: started from sources, it has to register that anew. */
function startOf(module: URL): URL {
  if (!module.pathname.endsWith('.ts')) return module;
  const start = `import { register } from '${import.meta.resolve('tsx/esm/api')}'; register(); await import('${module.href}');`;
  return new URL(`data:text/javascript,${encodeURIComponent(start)}`);
}

// Processes that live seeds. Each takes a handful at a time and says what became of them.

import type { ChildProcess } from 'node:child_process';
import { startCompanion } from './companion.ts';
import type { Surroundings } from './companion.ts';
import type { Summary } from './summary.ts';
import type { WorkerRequest } from './worker.ts';
import type { Draw } from './world/tape.ts';

export type WorkerResult = { readonly summary: Summary; readonly draws: readonly Draw[] | null };

export class Worker {
  readonly #child: ChildProcess;

  constructor(surroundings?: Surroundings) {
    this.#child = startCompanion('worker', surroundings);
  }

  /** @throws {Error} if the process dies. */
  live(request: WorkerRequest): Promise<readonly WorkerResult[]> {
    return new Promise((resolve, reject) => {
      const died = (code: number | null): void => reject(new Error(`a worker died with ${String(code)}`));
      this.#child.once('exit', died);
      this.#child.once('message', (results) => {
        this.#child.off('exit', died);
        resolve(results as readonly WorkerResult[]);
      });
      this.#child.send(request);
    });
  }

  close(): void {
    this.#child.disconnect();
  }
}

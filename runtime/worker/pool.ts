// Runs the handlers of this process: what the queue wants started is started, and how each attempt ends is reported.
//
// Rule 1: each start is answered by exactly one of `succeed`, `fail`, `release` while its lease is held, or by `ended`
//         when its handler ends after the lease was taken.
// Rule 2: nothing is decided here. How many may run, and whether a failure leads to a retry, is the queue's business.
// Rule 3: whatever a handler does, the pool lives on.

import { assert } from '../../core/job/assert.ts';
import type { JobId, RunningJob } from '../../core/job/job.ts';
import type { WorkerCommand } from '../../core/queue/command.ts';
import type { Log } from '../log.ts';
import { Attempt } from './attempt.ts';
import type { AskQueue, Outcome } from './attempt.ts';
import type { HandlerRegistry } from './registry.ts';

export type PoolParts = {
  readonly handlers: HandlerRegistry;
  /** Takes what needs no reply. */
  readonly report: (command: WorkerCommand) => void;
  /** Resolves when the reply is durable. */
  readonly ask: AskQueue;
  readonly log: Log;
};

/** What a handler gets to end in after its signal was aborted by a shutdown, before its attempt is given back. */
export const SETTLE_MS = 500;

/** Node fires timers beyond this at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class WorkerPool {
  readonly #parts: PoolParts;
  readonly #attempts = new Map<string, Attempt>();
  #shutdown: Promise<void> | null = null;
  #onIdle: (() => void) | null = null;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** Handlers that have not ended, those without a lease included. */
  get size(): number {
    return this.#attempts.size;
  }

  start(job: RunningJob): void {
    const { handlers, report, ask, log } = this.#parts;
    // What was started while the shutdown began is given back untouched.
    if (this.#shutdown !== null) return report({ kind: 'release', jobId: job.id, attempt: job.attempt });
    const registered = handlers.get(job.type);
    assert(registered !== undefined, `a started job has a handler (${job.type})`);
    const key = keyOf(job.id, job.attempt);
    assert(!this.#attempts.has(key), `attempt ${key} is started once`);
    const attempt = new Attempt({ job, registered, ask, log });
    this.#attempts.set(key, attempt);
    // The answers that became durable together with this start leave first: a handler may block, or end the process.
    setImmediate(() => void attempt.run().then((outcome) => this.#settle(attempt, outcome)));
  }

  /** The attempt has lost its lease. One that has ended meanwhile has said so already. */
  abort(jobId: JobId, attempt: number, reason: 'timeout' | 'cancelled'): void {
    this.#attempts.get(keyOf(jobId, attempt))?.abort(reason);
    this.#noticeIdle();
  }

  /**
   * Lets handlers run for the grace, then aborts their signals and gives back every attempt that does not end soon
   * after. When it resolves, everything has been reported; handlers that ignore their signal may still be running.
   */
  shutdown({ graceMs }: { graceMs: number }): Promise<void> {
    this.#shutdown ??= this.#wind(graceMs);
    return this.#shutdown;
  }

  async #wind(graceMs: number): Promise<void> {
    await this.#idleWithin(graceMs);
    for (const attempt of this.#held()) attempt.abort('shutdown');
    await this.#idleWithin(SETTLE_MS);
    for (const attempt of this.#held()) {
      this.#parts.log.warn(
        { jobId: attempt.jobId, attempt: attempt.number },
        'attempt given back: it did not end in time',
      );
      attempt.giveBack();
      this.#parts.report({ kind: 'release', jobId: attempt.jobId, attempt: attempt.number });
    }
  }

  #settle(attempt: Attempt, outcome: Outcome): void {
    const { jobId, number } = attempt;
    const fence = { jobId, attempt: number };
    const { lease } = attempt;
    this.#attempts.delete(keyOf(jobId, number));
    attempt.giveBack();
    if (lease === 'held') {
      const isGivenBack = outcome.kind === 'fail' && attempt.abortedFor === 'shutdown';
      this.#parts.report(isGivenBack ? { kind: 'release', ...fence } : { ...outcome, ...fence });
    } else if (lease === 'taken') {
      this.#parts.report({ kind: 'ended', ...fence });
    }
    this.#noticeIdle();
  }

  #held(): Attempt[] {
    return [...this.#attempts.values()].filter((attempt) => attempt.lease === 'held');
  }

  #noticeIdle(): void {
    if (this.#onIdle !== null && this.#held().length === 0) this.#onIdle();
  }

  /** Resolves when no attempt holds a lease, at the latest after the time. */
  #idleWithin(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#onIdle?.(), Math.min(durationMs, TIMER_MS_MAX));
      this.#onIdle = () => {
        clearTimeout(timer);
        this.#onIdle = null;
        resolve();
      };
      this.#noticeIdle();
    });
  }
}

const keyOf = (jobId: JobId, attempt: number): string => `${jobId} ${attempt}`;

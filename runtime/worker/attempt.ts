// One attempt: a handler, its context, and how it came out.
//
// Rule 1: an attempt holds its lease until it is told otherwise; what the handler asks for without one is refused here.
// Rule 2: `run` never rejects: whatever the handler does is an outcome.

import type { JobId, JsonText, RunningJob } from '../../core/job/job.ts';
import type { Thrown, WorkerCommand } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { Log } from '../log.ts';
import { coalesce, handledElsewhere } from './coalesce.ts';
import { LeaseLostError } from './handler.ts';
import type { HandlerContext } from './handler.ts';
import { encodeJson, PROGRESS_BYTES_MAX, RESULT_BYTES_MAX } from './json-value.ts';
import { validPayload } from './payload.ts';
import type { RegisteredHandler } from './registry.ts';
import { describeThrown } from './thrown.ts';

export type Outcome =
  | { readonly kind: 'succeed'; readonly result: JsonText }
  | { readonly kind: 'fail'; readonly error: Thrown; readonly retryable: boolean };

export type AbortReason = 'timeout' | 'cancelled' | 'shutdown';

/** `taken` by a timeout or a cancellation; `given-back` once the queue was told how the attempt ended. */
export type Lease = 'held' | 'taken' | 'given-back';

export type AskQueue = (command: WorkerCommand) => Promise<Reply>;

const EXTEND_MS_MIN = 100;
const EXTEND_MS_MAX = 86_400_000;

export class Attempt {
  readonly jobId: JobId;
  readonly number: number;
  readonly #job: RunningJob;
  readonly #registered: RegisteredHandler;
  readonly #ask: AskQueue;
  readonly #log: Log;
  readonly #controller = new AbortController();
  #lease: Lease = 'held';
  #abortedFor: AbortReason | null = null;

  constructor(parts: { job: RunningJob; registered: RegisteredHandler; ask: AskQueue; log: Log }) {
    const { job, registered, ask, log } = parts;
    this.jobId = job.id;
    this.number = job.attempt;
    this.#job = job;
    this.#registered = registered;
    this.#ask = ask;
    this.#log = log.child({ jobId: job.id, type: job.type, attempt: job.attempt });
  }

  get lease(): Lease {
    return this.#lease;
  }

  /** Why the signal was aborted first; null if it was not. */
  get abortedFor(): AbortReason | null {
    return this.#abortedFor;
  }

  async run(): Promise<Outcome> {
    try {
      if (this.#lease !== 'held') throw this.#leaseLost(); // taken before the handler was begun
      const payload = await validPayload(this.#registered.schema, this.#job.payload);
      const returned: unknown = await this.#registered.handler(payload, this.#context());
      return { kind: 'succeed', result: this.#encodeResult(returned) };
    } catch (thrown) {
      return { kind: 'fail', ...describeThrown(thrown) };
    }
  }

  /** Aborts the handler's signal. All but a shutdown have taken the lease already. */
  abort(reason: AbortReason): void {
    if (reason !== 'shutdown') this.#lease = 'taken';
    this.#abortedFor ??= reason;
    this.#controller.abort(abortError(reason));
  }

  /** The attempt is over for the queue, whether or not the handler has ended. */
  giveBack(): void {
    this.#lease = 'given-back';
  }

  #context(): HandlerContext {
    const { id, type, queue, attempt, failures, maxRetries } = this.#job;
    const extend = coalesce((extendMs: number | null) => this.#command({ kind: 'extend', extendMs }));
    const report = coalesce((progress: JsonText) => this.#command({ kind: 'progress', progress }));
    const context: HandlerContext = {
      id,
      type,
      queue,
      attempt,
      failures,
      maxRetries,
      signal: this.#controller.signal,
      extend: (durationMs) => this.#extend(durationMs, extend),
      progress: (value) => this.#progress(value, report),
      log: this.#log,
    };
    return Object.freeze(context);
  }

  // Neither of the two is an async function: each call would have a promise of its own, kept until the disk answers.

  #extend(durationMs: number | undefined, extend: (extendMs: number | null) => Promise<void>): Promise<void> {
    const isLegal =
      durationMs === undefined ||
      (Number.isInteger(durationMs) && durationMs >= EXTEND_MS_MIN && durationMs <= EXTEND_MS_MAX);
    if (!isLegal) {
      this.#log.warn({}, 'extend was refused: its duration is out of range');
      const rule = `extend takes a whole number of milliseconds from ${EXTEND_MS_MIN} to ${EXTEND_MS_MAX}`;
      return refused(new RangeError(rule));
    }
    return this.#lease === 'held' ? extend(durationMs ?? null) : refused(this.#leaseLost());
  }

  #progress(value: unknown, report: (text: JsonText) => Promise<void>): Promise<void> {
    const encoded = encodeJson(value, { bytesMax: PROGRESS_BYTES_MAX });
    if ('flaw' in encoded) {
      this.#log.warn({ flaw: encoded.flaw }, 'progress was refused');
      return refused(new TypeError(`the progress cannot be stored: ${encoded.flaw}`));
    }
    return this.#lease === 'held' ? report(encoded.text) : refused(this.#leaseLost());
  }

  async #command(
    request: { kind: 'extend'; extendMs: number | null } | { kind: 'progress'; progress: JsonText },
  ): Promise<void> {
    if (this.#lease !== 'held') throw this.#leaseLost();
    const reply = await this.#ask({ ...request, jobId: this.jobId, attempt: this.number });
    if (reply.kind !== 'refused') return;
    const reason = reply.refusals[0]?.reason ?? 'unknown';
    if (reason === 'lease-lost') throw this.#leaseLost();
    throw new Error(`${request.kind} was refused: ${reason}`);
  }

  #leaseLost(): LeaseLostError {
    return new LeaseLostError(`attempt ${this.number} of job ${this.jobId} has lost its lease`);
  }

  /** The work is done, so a result that cannot be stored must not bring the job back. */
  #encodeResult(returned: unknown): JsonText {
    if (returned === undefined) return 'null' as JsonText;
    const encoded = encodeJson(returned, { bytesMax: RESULT_BYTES_MAX });
    if ('text' in encoded) return encoded.text;
    this.#log.error({ flaw: encoded.flaw }, 'the result cannot be stored and is kept as null');
    return 'null' as JsonText;
  }
}

const refused = (reason: Error): Promise<void> => handledElsewhere(Promise.reject(reason));

function abortError(reason: AbortReason): Error {
  const error = new Error(ABORT_TEXTS[reason].message);
  error.name = ABORT_TEXTS[reason].name;
  return error;
}

const ABORT_TEXTS: Readonly<Record<AbortReason, { readonly name: string; readonly message: string }>> = {
  timeout: { name: 'TimeoutError', message: 'the attempt outlived its lease' },
  cancelled: { name: 'CancelledError', message: 'the job was cancelled' },
  shutdown: { name: 'ShutdownError', message: 'the server is shutting down' },
};

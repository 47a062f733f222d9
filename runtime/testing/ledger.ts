// The ledger of a queue under test: every call of a handler, why it was made, and what came of it.
//
// Rule: a call is noted when the handler is called; why, and what came of it, is told by the queue's own events.

import type { EventKind } from '../../core/job/event.ts';
import type { Instant } from '../../core/job/job.ts';
import type { EventRow } from '../../core/store/tables.ts';
import type { HandlerContext } from '../worker/handler.ts';

/** The event that made the job ready for the run: its submission, an operator's retry, or the end of the run before. */
export type RunCause = Extract<EventKind, 'submitted' | 'failed' | 'expired' | 'crashed' | 'released' | 'retried'>;

/** The event that ended the run: what the queue counts, which for `expired` and `cancelled` may not be what it did. */
export type RunEnd = Extract<EventKind, 'succeeded' | 'failed' | 'expired' | 'crashed' | 'released' | 'cancelled'>;

export type Run = {
  readonly jobId: string;
  readonly type: string;
  readonly attempt: number;
  readonly cause: RunCause;
  readonly startedAt: Date;
  /** Null while it lasts. */
  readonly end: RunEnd | null;
  readonly endedAt: Date | null;
};

const CAUSES: ReadonlySet<EventKind> = new Set<RunCause>([
  'submitted',
  'failed',
  'expired',
  'crashed',
  'released',
  'retried',
]);
const ENDS: ReadonlySet<EventKind> = new Set<RunEnd>([
  'succeeded',
  'failed',
  'expired',
  'crashed',
  'released',
  'cancelled',
]);

export class Ledger {
  readonly #runs: Run[] = [];
  /** Where the run of the attempt is in `#runs`, while it lasts. */
  readonly #lasting = new Map<string, number>();
  readonly #causes = new Map<string, RunCause>();

  get size(): number {
    return this.#runs.length;
  }

  begin({ id, type, attempt }: HandlerContext, at: Instant): void {
    this.#lasting.set(keyOf(id, attempt), this.#runs.length);
    const cause = this.#causes.get(id) ?? 'submitted';
    this.#runs.push({ jobId: id, type, attempt, cause, startedAt: new Date(at), end: null, endedAt: null });
  }

  note(rows: readonly EventRow[]): void {
    for (const { jobId, kind, attempt, at } of rows) {
      if (jobId === null) continue;
      if (isCause(kind)) this.#causes.set(jobId, kind);
      if (isEnd(kind)) this.#end(keyOf(jobId, attempt), kind, at);
      if (kind === 'deleted') this.#causes.delete(jobId);
    }
  }

  /** In the order in which they began. */
  runs(jobId?: string): readonly Run[] {
    return this.#runs.filter((run) => jobId === undefined || run.jobId === jobId);
  }

  #end(key: string, end: RunEnd, at: Instant): void {
    const place = this.#lasting.get(key);
    const run = place === undefined ? undefined : this.#runs[place];
    if (place === undefined || run === undefined) return;
    this.#lasting.delete(key);
    this.#runs[place] = { ...run, end, endedAt: new Date(at) };
  }
}

const isCause = (kind: EventKind): kind is RunCause => CAUSES.has(kind);
const isEnd = (kind: EventKind): kind is RunEnd => ENDS.has(kind);
const keyOf = (jobId: string, attempt: number | null): string => `${jobId} ${attempt}`;

// The queue as its contract describes it: a second, plain reading, to hold the real one against.
//
// Rule 1: it shares types and bounds with the core, and no line of what decides or applies there.
// Rule 2: it takes the queue's events as they come, refuses each that may not happen now, and knows all jobs by them. Only
//         what chance decides (the wait of a backoff) is taken over, and must lie within its bounds.
// Rule 3: it says by itself what a command must lead to (verdict.ts), which job must start next, and what reads must show.

import { HISTORY_KINDS } from '../../core/job/event.ts';
import type { JobId, JobState, JsonText } from '../../core/job/job.ts';
import { FEED_ONLY_EVENTS_MAX } from '../../core/job/limits.ts';
import type { Fence } from '../../core/queue/command.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { EventRow, JobFilter } from '../../core/store/tables.ts';
import { befall, bytesOf, Disagreement, isBefore, odd, submitted } from './expected.ts';
import type { Cause, Expected } from './expected.ts';

export type Counts = Record<JobState, number>;
const noJobs = (): Counts => ({ pending: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0 });

export class Reference {
  settings: QueueSettings;
  readonly jobs = new Map<JobId, Expected>();
  readonly keys = new Map<string, JobId>();
  readonly paused = new Set<string>();
  readonly counts = noJobs();
  readonly types = new Map<string, Counts>();
  /** The pending and the running jobs. */
  readonly open = new Set<Expected>();
  /** Attempts that have lost their lease while their handlers ran. */
  readonly abandoned = new Set<string>();
  /** Handlers that must be told so, and why; whoever has looked at them takes them off. */
  readonly aborts: string[] = [];
  /** Whether it is told when a handler ends; if not, nobody knows how many linger. */
  hearsHandlers = true;
  isDraining = false;
  /** How far the wall clock is ahead of the queue's; null if nobody can tell. */
  wallAheadMs: number | null = 0;
  bytes = 0;
  /** Jobs of which nobody can tell the bytes. */
  immeasurable = 0;
  lastSeq = 0;
  lastAt = 0;
  /** The highest number among the events that the feed has forgotten. */
  forgottenSeq = 0;
  readonly #rows: EventRow[] = [];
  readonly #trimmed = new Set<number>();
  #runningSuspects = 0;

  constructor(settings: QueueSettings) {
    this.settings = settings;
  }

  /** Another process begins: its handlers, and that it was shutting down, are gone with the one before. */
  restart(settings: QueueSettings): void {
    this.settings = settings;
    this.abandoned.clear();
    this.isDraining = false;
  }

  /** Takes the event over. @throws {Disagreement} if it may not happen now. */
  follow(row: EventRow, cause: Cause): void {
    if (row.seq <= this.lastSeq || row.at < this.lastAt) throw new Disagreement(`event ${row.seq} is out of order`);
    this.lastSeq = row.seq;
    this.lastAt = row.at;
    this.#rows.push(row);
    if (row.jobId === null) {
      if (row.kind === 'paused') this.paused.add(row.queue);
      else this.paused.delete(row.queue);
      return;
    }
    const job = row.kind === 'submitted' ? this.#submit(row, cause) : this.#change(row, row.jobId, cause);
    if (job === undefined) return;
    this.#count(job, 1);
    if (row.state !== job.state) throw odd(job, row, `to ${row.state}, not to ${job.state}`);
    if (row.type !== job.type || row.queue !== job.queue) throw odd(job, row, `in ${row.queue} as ${row.type}`);
    if (row.attempt !== null && row.attempt !== job.attempt) throw odd(job, row, `as attempt ${row.attempt}`);
    if (HISTORY_KINDS.has(row.kind)) job.history.push(row);
    else if (job.feedOnly.push(row.seq) > FEED_ONLY_EVENTS_MAX) this.#trim(job.feedOnly.shift() ?? 0);
  }

  /** The job is gone, with its key and its events. */
  forget(job: Expected): void {
    this.jobs.delete(job.id);
    if (job.idempotencyKey !== null) this.keys.delete(job.idempotencyKey);
    this.forgottenSeq = Math.max(this.forgottenSeq, job.history.at(-1)?.seq ?? 0, job.feedOnly.at(-1) ?? 0);
  }

  /** The job is gone, and what befell it in the end nobody has seen. */
  miss(row: EventRow, forgottenSeq: number): void {
    const job = row.jobId === null ? undefined : this.jobs.get(row.jobId);
    if (job !== undefined) {
      this.#count(job, -1);
      this.forget(job);
    }
    this.lastSeq = row.seq;
    this.lastAt = row.at;
    this.forgottenSeq = forgottenSeq;
    this.#rows.push(row);
  }

  /** What a handler reported, where nobody heard it. */
  learn(job: Expected, progress: JsonText | null): void {
    this.#count(job, -1);
    job.progress = progress;
    this.#count(job, 1);
  }

  /** A handler has come to its end, whether or not its attempt still counts. */
  ended({ jobId, attempt }: Fence): void {
    this.abandoned.delete(`${jobId}#${attempt}`);
  }

  /** The job that must start before any other; undefined if none may. */
  next(at: number): Expected | undefined {
    const { workerCount, types } = this.settings;
    const lingering = this.hearsHandlers ? this.abandoned.size : 0;
    if (this.isDraining || this.counts.running >= workerCount || lingering >= workerCount) return undefined;
    let first: Expected | undefined;
    for (const job of this.open) {
      if (job.state !== 'pending' || job.runAt > at || (first !== undefined && !isBefore(job, first))) continue;
      const type = types.get(job.type);
      if (type === undefined || this.paused.has(job.queue) || (job.suspect && this.#runningSuspects > 0)) continue;
      if (type.concurrency === null || (this.types.get(job.type)?.running ?? 0) < type.concurrency) first = job;
    }
    return first;
  }

  /** The newest jobs that fit, one more than the limit if there are more. */
  page(filter: JobFilter, before: number | undefined, limit: number): Expected[] {
    const found: Expected[] = [];
    for (const job of [...this.jobs.values()].reverse()) {
      if (found.length > limit) break;
      if (before !== undefined && job.submittedSeq >= before) continue;
      if (filter.state !== undefined && job.state !== filter.state) continue;
      if (filter.type !== undefined && job.type !== filter.type) continue;
      if (filter.queue === undefined || job.queue === filter.queue) found.push(job);
    }
    return found;
  }

  feed(after: number, limit: number): EventRow[] {
    const found: EventRow[] = [];
    for (const row of this.#rows) {
      if (found.length === limit) break;
      if (row.seq <= after || this.#trimmed.has(row.seq)) continue;
      if (row.jobId === null || row.kind === 'deleted' || this.jobs.has(row.jobId)) found.push(row);
    }
    return found;
  }

  #submit(row: EventRow, { submission }: Cause): Expected {
    const isNew = row.jobId !== null && !this.jobs.has(row.jobId) && submission?.id === row.jobId;
    if (submission === undefined || !isNew) throw new Disagreement(`nobody submits job ${row.jobId}`);
    const job = submitted(row, submission, this);
    const key = job.idempotencyKey;
    if (key !== null && this.keys.has(key)) throw odd(job, row, `and "${key}" names another job`);
    this.jobs.set(job.id, job);
    if (key !== null) this.keys.set(key, job.id);
    return job;
  }

  #change(row: EventRow, id: JobId, cause: Cause): Expected | undefined {
    const job = this.jobs.get(id);
    if (job === undefined) throw new Disagreement(`job ${id} is ${row.kind}, and is not there`);
    if (row.kind === 'started') {
      const next = this.next(row.at);
      if (next !== job)
        throw odd(job, row, `though ${next === undefined ? 'none may' : `it is the turn of ${next.id}`}`);
    }
    this.#count(job, -1);
    const hadLease = job.leaseUntil !== null;
    befall(job, row, { cause, settings: this.settings });
    if (row.kind === 'expired' || (row.kind === 'cancelled' && hadLease)) {
      const fence = `${id}#${job.attempt}`;
      this.abandoned.add(fence);
      this.aborts.push(`${fence} ${row.kind === 'expired' ? 'timeout' : 'cancelled'}`);
    }
    if (row.kind !== 'deleted') return job;
    this.forget(job);
    return undefined;
  }

  #trim(seq: number): void {
    this.#trimmed.add(seq);
    this.forgottenSeq = Math.max(this.forgottenSeq, seq);
  }

  #count(job: Expected, by: 1 | -1): void {
    let type = this.types.get(job.type);
    if (type === undefined) this.types.set(job.type, (type = noJobs()));
    type[job.state] += by;
    this.counts[job.state] += by;
    this.bytes += by * bytesOf(job);
    if (job.progress === undefined || job.result === undefined) this.immeasurable += by;
    if (job.suspect && job.state === 'running') this.#runningSuspects += by;
    if (by === -1) this.open.delete(job);
    else if (job.state === 'pending' || job.state === 'running') this.open.add(job);
  }
}

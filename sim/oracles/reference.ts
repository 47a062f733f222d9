// The queue as its contract describes it: a second, plain reading, to hold the real one against (verdict.ts goes with it).
//
// Rule 1: it shares with the core the types of what is said, and nothing else. It keeps no sums, but looks at all its jobs.
// Rule 2: it takes the queue's events as they come, refuses each that may not happen now, and knows all jobs by them. Only
//         what chance decides (the wait of a backoff) is taken over, and must lie within its bounds.
// Rule 3: undefined is what nobody has told, and anything fits it.

import type { EventKind } from '../../core/job/event.ts';
import type { JobId, JobState, JsonText } from '../../core/job/job.ts';
import type { Command, Submission, Thrown, WorkerCommand } from '../../core/queue/command.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { EventRow } from '../../core/store/tables.ts';
import { insist } from './disagreement.ts';

type Rule = Readonly<{ by?: Command['kind']; from: readonly JobState[]; to: JobState | null; error?: string }>;

/** Of each kind of event: the command that asks for it, the states in which it finds a job, the one to which it leads, its error. */
export const LIFE: ReadonlyMap<EventKind, Rule> = new Map<EventKind, Rule>([
  ['started', { from: ['pending'], to: 'running' }],
  ['extended', { by: 'extend', from: ['running'], to: 'running' }],
  ['progressed', { by: 'progress', from: ['running'], to: 'running' }],
  ['succeeded', { by: 'succeed', from: ['running'], to: 'succeeded' }],
  ['failed', { by: 'fail', from: ['running'], to: 'pending' }],
  ['expired', { from: ['running'], to: 'pending', error: 'TimeoutError' }],
  ['crashed', { from: ['running'], to: 'pending', error: 'CrashError' }],
  ['released', { by: 'release', from: ['running'], to: 'pending' }],
  ['cancelled', { by: 'cancel', from: ['pending', 'running'], to: 'cancelled' }],
  ['retried', { by: 'retry', from: ['dead', 'cancelled'], to: 'pending' }],
  ['deleted', { by: 'delete', from: ['succeeded', 'dead', 'cancelled'], to: null }],
]);

const DEFAULTS = { maxRetries: 3, timeoutMs: 30_000, backoff: { baseMs: 1_000, maxMs: 3_600_000, factor: 2 } };
/** A year: no retry waits longer. */
const WAIT_MS_MAX = 31_536_000_000;
/** What each job is charged for itself, and for which texts beside those of its latest error. */
const JOB_BYTES = 512;
const TEXTS = ['type', 'queue', 'payload', 'idempotencyKey', 'progress', 'result'] as const;
/** Kinds that the feed alone lists, and how many of one job it keeps. */
export const FEED_ONLY: ReadonlySet<string> = new Set(['extended', 'progressed']);
const FEED_ONLY_MAX = 100;

type Told<Kind> = Partial<Omit<Extract<WorkerCommand, { kind: Kind }>, 'kind'>>;
/** What those who asked know of an event beyond what it says itself; what is absent nobody knows. */
export type Cause = Told<'succeed'> & Told<'fail'> & Told<'extend'> & Told<'progress'> & { submission?: Submission };

/** A job as it must be. */
export type Expected = ReturnType<typeof submitted>;

function submitted(row: EventRow, { submission }: Cause, { jobs, settings, wallAheadMs }: Reference) {
  insist(submission?.id === row.jobId && !jobs.has(submission.id), `nobody submits job ${row.jobId}`);
  const { start, maxRetries, timeoutMs, ...asked } = submission;
  const isKeyed = ({ idempotencyKey: key }: Expected): boolean => key !== null && key === asked.idempotencyKey;
  insist(![...jobs.values()].some(isKeyed), `job ${asked.id} is submitted, and its key names another`);
  const type = settings.types.get(asked.type) ?? DEFAULTS;
  const at: number = row.at;
  const runAt: number = row.detail?.runAt ?? at;
  let dueAt = start.kind === 'after' ? at + start.delayMs : at;
  if (start.kind === 'at') dueAt = wallAheadMs === null ? runAt : start.instant - wallAheadMs;
  insist(runAt === Math.max(at, dueAt), `job ${asked.id} is submitted for ${runAt}, not for ${dueAt}`);
  return {
    maxRetries: maxRetries ?? type.maxRetries,
    timeoutMs: timeoutMs ?? type.timeoutMs,
    submittedSeq: row.seq,
    createdAt: at,
    runAt,
    state: 'pending' as JobState,
    attempt: 0,
    failures: 0,
    crashes: 0,
    suspect: false,
    startedAt: null as number | null,
    leaseUntil: null as number | null,
    finishedAt: null as number | null,
    progress: null as JsonText | null | undefined,
    result: null as JsonText | null | undefined,
    lastError: null as (Thrown & { readonly at: number }) | null,
    ...asked,
  };
}

function befall(job: Expected, row: EventRow, cause: Cause, { settings, aborts, abandoned }: Reference): void {
  const { kind, at, detail } = row;
  const { from, to, error } = LIFE.get(kind) ?? { from: [], to: null };
  insist(from.includes(job.state), `job ${job.id} is ${kind} while ${job.state}`);
  if (error !== undefined) insist(detail?.error?.name === error, `job ${job.id} is ${kind} by ${detail?.error?.name}`);
  if (kind === 'expired') insist((job.leaseUntil ?? 0) <= at, `job ${job.id} is expired before its lease ends`);
  if (kind === 'expired' || (kind === 'cancelled' && job.state === 'running')) {
    abandoned?.add(`${job.id}#${job.attempt}`);
    aborts.push(`${job.id}#${job.attempt} ${kind === 'expired' ? 'timeout' : 'cancelled'}`);
  }
  // A suspect is one until its next attempt ends.
  if (job.state === 'running' && to !== 'running') job.suspect = kind === 'crashed';
  Object.assign(job, changesOf(job, row, cause));
  if (to === 'running') {
    job.state = to;
    const isLeased = kind === 'progressed' || detail?.leaseUntil === job.leaseUntil;
    insist(isLeased, `job ${job.id} is ${kind} until ${detail?.leaseUntil}, not until ${job.leaseUntil}`);
  } else if (to !== null) {
    const isFailure = kind === 'failed' || kind === 'expired';
    const isSpent = isFailure && (job.failures > job.maxRetries || cause.retryable === false);
    job.state = isSpent || (kind === 'crashed' && job.crashes >= settings.crashesMax) ? 'dead' : to;
    job.leaseUntil = null;
    job.finishedAt = job.state === 'pending' ? null : at;
    if (job.state !== 'pending') return;
    job.runAt = detail?.runAt ?? Number.NaN;
    const waitMs = job.runAt - at;
    const isWithin = Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= (isFailure ? backoffMs(job, settings) : 0);
    insist(isWithin, `job ${job.id} is ${kind} and waits ${waitMs} ms`);
  }
}

/** What an event changes of a job beside its state and what follows from that. */
function changesOf(job: Expected, { kind, at, detail }: EventRow, cause: Cause): Partial<Expected> {
  const error = { name: '', message: '', stack: null, ...detail?.error, ...cause.error, at };
  const extendedUntil = cause.extendMs === undefined ? detail?.leaseUntil : at + (cause.extendMs ?? job.timeoutMs);
  if (kind === 'started') return { attempt: job.attempt + 1, startedAt: at, leaseUntil: at + job.timeoutMs };
  if (kind === 'extended') return { leaseUntil: extendedUntil ?? null };
  if (kind === 'progressed') return { progress: cause.progress };
  if (kind === 'succeeded') return { result: cause.result };
  if (kind === 'failed' || kind === 'expired') return { failures: job.failures + 1, lastError: error };
  if (kind === 'crashed') return { crashes: job.crashes + 1, lastError: error };
  return kind === 'retried' ? { failures: 0, crashes: 0 } : {};
}

/** The longest wait after the latest failure. What a user's function says is the user's own affair. */
function backoffMs({ type, failures }: Expected, { types }: QueueSettings): number {
  const { backoff } = types.get(type) ?? DEFAULTS;
  if (typeof backoff === 'function') return WAIT_MS_MAX;
  return Math.min(backoff.baseMs * backoff.factor ** (failures - 1), backoff.maxMs, WAIT_MS_MAX);
}

/** What jobs are charged. A text that nobody has told is not counted. */
export function bytesOf(jobs: readonly Partial<Pick<Expected, (typeof TEXTS)[number] | 'lastError'>>[]): number {
  let bytes = jobs.length * JOB_BYTES;
  for (const { lastError } of jobs) bytes += (lastError?.message.length ?? 0) + (lastError?.stack?.length ?? 0);
  for (const job of jobs) for (const name of TEXTS) bytes += job[name]?.length ?? 0;
  return bytes;
}

export const isMeasured = (jobs: readonly Expected[]): boolean =>
  jobs.every((job) => TEXTS.every((name) => job[name] !== undefined));

export class Reference {
  settings: QueueSettings;
  /** In order of submission. */
  readonly jobs = new Map<JobId, Expected>();
  readonly paused = new Set<string>();
  /** Attempts that have lost their lease while their handlers ran; null where nobody hears a handler end. */
  abandoned: Set<string> | null = new Set();
  /** Handlers that must be told so, and why; whoever has looked at them takes them off. */
  readonly aborts: string[] = [];
  isDraining = false;
  /** How far the wall clock, by which clients name instants, is ahead of the queue's; null if nobody can tell. */
  wallAheadMs: number | null = 0;
  /** The events that the feed keeps, the latest of all, and the highest number among the forgotten. */
  rows: EventRow[] = [];
  last = { seq: 0, at: 0 };
  forgottenSeq = 0;

  constructor(settings: QueueSettings) {
    this.settings = settings;
  }

  /** Another process begins: its handlers, and that it was shutting down, are gone with the one before. */
  restart(settings: QueueSettings): void {
    this.settings = settings;
    this.abandoned?.clear();
    this.isDraining = false;
  }

  /** Takes the event over. @throws {Disagreement} if it may not happen now. */
  follow(row: EventRow, cause: Cause): void {
    const { seq, at, kind, jobId, queue, attempt } = row;
    insist(seq > this.last.seq && at >= this.last.at, `event ${seq} is out of order`);
    if (jobId === null) {
      const isPaused = this.paused.delete(queue);
      insist(kind === (isPaused ? 'resumed' : 'paused'), `queue ${queue} is ${kind}`);
      if (!isPaused) this.paused.add(queue);
    } else {
      const job = kind === 'submitted' ? submitted(row, cause, this) : this.jobs.get(jobId);
      insist(job !== undefined, `job ${jobId} is ${kind}, and is not there`);
      const next = kind === 'started' ? this.next(at) : job;
      insist(next === job, `job ${jobId} is started, and the next is ${next?.id ?? 'none'}`);
      if (kind === 'submitted') this.jobs.set(jobId, job);
      else befall(job, row, cause, this);
      const told = [row.state, row.type, queue, attempt ?? job.attempt].join(' ');
      const expected = [kind === 'deleted' ? null : job.state, job.type, job.queue, job.attempt].join(' ');
      insist(told === expected, `job ${jobId} is ${kind}: ${told}, not ${expected}`);
    }
    this.keep(row);
  }

  /** The event is the latest of the feed. A deleted job goes with its key and its other events. */
  keep(row: EventRow): void {
    this.rows.push(row);
    this.last = row;
    if (row.jobId === null || (row.kind !== 'deleted' && !FEED_ONLY.has(row.kind))) return;
    const ofJob = this.rows.filter((one) => one !== row && one.jobId === row.jobId);
    const reports = [...ofJob, row].filter(({ kind }) => FEED_ONLY.has(kind));
    const forgotten = row.kind === 'deleted' ? ofJob : reports.slice(0, -FEED_ONLY_MAX);
    if (row.kind === 'deleted') this.jobs.delete(row.jobId);
    if (forgotten.length > 0) this.rows = this.rows.filter((one) => !forgotten.includes(one));
    this.forgottenSeq = Math.max(this.forgottenSeq, ...forgotten.map(({ seq }) => seq));
  }

  in(...states: readonly JobState[]): Expected[] {
    return [...this.jobs.values()].filter(({ state }) => states.includes(state));
  }

  /** The job that must start before any other, of equals the first submitted; undefined if none may. */
  next(at: number): Expected | undefined {
    const { workerCount, types } = this.settings;
    const running = this.in('running');
    if (this.isDraining || Math.max(running.length, this.abandoned?.size ?? 0) >= workerCount) return undefined;
    let best: Expected | undefined;
    for (const job of this.jobs.values()) {
      const type = types.get(job.type);
      if (job.state !== 'pending' || job.runAt > at || type === undefined || this.paused.has(job.queue)) continue;
      if (running.filter((other) => other.type === job.type).length >= (type.concurrency ?? Infinity)) continue;
      if (job.suspect && running.some(({ suspect }) => suspect)) continue;
      if (best === undefined || (job.priority - best.priority || job.runAt - best.runAt) < 0) best = job;
    }
    return best;
  }
}

// A job as the reference expects it, and how each event must change it.

import type { EventKind } from '../../core/job/event.ts';
import type { JobError, JobSpecification, JobState, JsonText } from '../../core/job/job.ts';
import type { Submission, Thrown } from '../../core/queue/command.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { EventRow } from '../../core/store/tables.ts';

/** The queue and the contract part here. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement';
}

/** A job as it must be. Undefined is what nobody has told. */
export type Expected = JobSpecification & {
  readonly submittedSeq: number;
  readonly createdAt: number;
  state: JobState;
  runAt: number;
  attempt: number;
  failures: number;
  crashes: number;
  suspect: boolean;
  startedAt: number | null;
  leaseUntil: number | null;
  finishedAt: number | null;
  progress: JsonText | null | undefined;
  result: JsonText | null | undefined;
  lastError: (Omit<JobError, 'at'> & { readonly at: number }) | null;
  readonly history: EventRow[];
  /** Numbers of its events that only the feed lists. */
  readonly feedOnly: number[];
};

/** What those who asked know of an event beyond what it says itself; what is absent nobody knows. */
export type Cause = {
  readonly submission?: Submission;
  readonly extendMs?: number | null;
  readonly progress?: JsonText;
  readonly result?: JsonText;
  readonly thrown?: Thrown;
  readonly isFinal?: boolean;
};

/** The states in which each kind of event may befall a job. */
export const FROM: Readonly<Record<Exclude<EventKind, 'submitted' | 'paused' | 'resumed'>, readonly JobState[]>> = {
  started: ['pending'],
  extended: ['running'],
  progressed: ['running'],
  succeeded: ['running'],
  failed: ['running'],
  expired: ['running'],
  crashed: ['running'],
  released: ['running'],
  cancelled: ['pending', 'running'],
  retried: ['dead', 'cancelled'],
  deleted: ['succeeded', 'dead', 'cancelled'],
};

/** A year: no retry waits longer. */
const RETRY_DELAY_MS_MAX = 31_536_000_000;
const DEFAULT_BACKOFF = { baseMs: 1_000, maxMs: 3_600_000, factor: 2 };

/** What each job is charged beside its texts. */
export const JOB_BYTES = 512;

export const odd = (job: Expected, { kind }: EventRow, detail: string): Disagreement =>
  new Disagreement(`job ${job.id} is ${kind} ${detail}`);

type Setting = {
  readonly settings: QueueSettings;
  /** How far the wall clock, by which clients name instants, is ahead of the queue's; null where nobody can tell. */
  readonly wallAheadMs: number | null;
};

/** The job as it must be after its first event. */
export function submitted(row: EventRow, submission: Submission, { settings, wallAheadMs }: Setting): Expected {
  const { start } = submission;
  const type = settings.types.get(submission.type);
  const at = Number(row.at);
  const runAt = Number(row.detail?.runAt ?? at);
  let dueAt = at;
  if (start.kind === 'after') dueAt += start.delayMs;
  if (start.kind === 'at') dueAt = wallAheadMs === null ? runAt : start.instant - wallAheadMs;
  const job: Expected = {
    id: submission.id,
    type: submission.type,
    queue: submission.queue,
    payload: submission.payload,
    priority: submission.priority,
    idempotencyKey: submission.idempotencyKey,
    maxRetries: submission.maxRetries ?? type?.maxRetries ?? 3,
    timeoutMs: submission.timeoutMs ?? type?.timeoutMs ?? 30_000,
    submittedSeq: row.seq,
    createdAt: at,
    state: 'pending',
    runAt,
    attempt: 0,
    failures: 0,
    crashes: 0,
    suspect: false,
    startedAt: null,
    leaseUntil: null,
    finishedAt: null,
    progress: null,
    result: null,
    lastError: null,
    history: [],
    feedOnly: [],
  };
  if (runAt !== Math.max(at, dueAt)) throw odd(job, row, `for ${runAt}, not for ${dueAt}`);
  return job;
}

/** Lets the event befall the job. @throws {Disagreement} if it may not. */
export function befall(
  job: Expected,
  row: EventRow,
  { cause, settings }: { cause: Cause; settings: QueueSettings },
): void {
  const { at, detail } = row;
  const kind = row.kind as keyof typeof FROM;
  if (!FROM[kind].includes(job.state)) throw odd(job, row, `while ${job.state}`);
  const wasRunning = job.state === 'running';
  switch (kind) {
    case 'started':
      job.state = 'running';
      job.attempt += 1;
      job.startedAt = at;
      job.leaseUntil = at + job.timeoutMs;
      if (detail?.leaseUntil !== job.leaseUntil) throw odd(job, row, `until ${detail?.leaseUntil ?? 'never'}`);
      return;
    case 'extended': {
      job.leaseUntil = detail?.leaseUntil ?? null;
      const { extendMs } = cause;
      const isAsked = extendMs === undefined || job.leaseUntil === at + (extendMs ?? job.timeoutMs);
      if (job.leaseUntil === null || !isAsked) throw odd(job, row, `until ${job.leaseUntil}`);
      return;
    }
    case 'progressed':
      job.progress = cause.progress;
      return;
    case 'succeeded':
      job.state = 'succeeded';
      job.result = cause.result;
      break;
    case 'failed':
    case 'expired': {
      const { name, message, stack } = cause.thrown ?? { name: '', message: '', stack: null, ...detail?.error };
      if (kind === 'expired' && name !== 'TimeoutError') throw odd(job, row, `by ${name}`);
      if (kind === 'expired' && (job.leaseUntil ?? 0) > at) throw odd(job, row, 'before its lease ends');
      job.failures += 1;
      job.lastError = { name, message, stack, at };
      const isDead = cause.isFinal === true || job.failures > job.maxRetries;
      again(job, row, { isDead, waitMsMax: waitOf(job, settings) });
      break;
    }
    case 'crashed':
      job.crashes += 1;
      job.lastError = { name: 'CrashError', message: detail?.error?.message ?? '', stack: null, at };
      again(job, row, { isDead: job.crashes >= settings.crashesMax, waitMsMax: 0 });
      break;
    case 'retried':
      job.failures = 0;
      job.crashes = 0;
      again(job, row, { isDead: false, waitMsMax: 0 });
      break;
    case 'released':
      again(job, row, { isDead: false, waitMsMax: 0 });
      break;
    case 'cancelled':
      job.state = 'cancelled';
      break;
    case 'deleted':
      return;
  }
  // A suspect is one until its next attempt ends.
  if (wasRunning) job.suspect = kind === 'crashed';
  job.leaseUntil = null;
  job.finishedAt = job.state === 'pending' ? null : at;
}

/** Pending once more, at once or after a wait that chance decides; or dead. */
function again(job: Expected, row: EventRow, next: { readonly isDead: boolean; readonly waitMsMax: number }): void {
  job.state = next.isDead ? 'dead' : 'pending';
  if (next.isDead) return;
  const runAt = row.detail?.runAt ?? Number.NaN;
  const waitMs = runAt - row.at;
  const isWithin = Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= next.waitMsMax;
  if (!isWithin) throw odd(job, row, `and waits ${waitMs} ms`);
  job.runAt = runAt;
}

/** How long the job may have to wait after its latest failure. What a user's function says is the user's own affair. */
function waitOf({ type, failures }: Expected, settings: QueueSettings): number {
  const backoff = settings.types.get(type)?.backoff ?? DEFAULT_BACKOFF;
  if (typeof backoff === 'function') return RETRY_DELAY_MS_MAX;
  return Math.min(backoff.baseMs * backoff.factor ** (failures - 1), backoff.maxMs, RETRY_DELAY_MS_MAX);
}

/** Smaller priorities first, then what was due first, then what was submitted first. */
export function isBefore(a: Expected, b: Expected): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  return a.runAt === b.runAt ? a.submittedSeq < b.submittedSeq : a.runAt < b.runAt;
}

export function bytesOf(job: Expected): number {
  const { type, queue, payload, idempotencyKey: key, progress, result, lastError } = job;
  const error = lastError === null ? 0 : lastError.message.length + (lastError.stack?.length ?? 0);
  const texts = type.length + queue.length + payload.length + (key?.length ?? 0);
  return JOB_BYTES + texts + (progress?.length ?? 0) + (result?.length ?? 0) + error;
}

/** Whether the same key may stand for both. */
export function isSameRequest(a: JobSpecification | Submission, b: Submission): boolean {
  return a.type === b.type && a.queue === b.queue && (a.payload === b.payload || plain(a.payload) === plain(b.payload));
}

/** The JSON value as text that does not depend on the order of its keys. */
const plain = (text: JsonText): string => sortedText(JSON.parse(text));

export const sortedText = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  ) ?? 'nothing';

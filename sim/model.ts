// The history as a stranger reads it: what each job must be after the events that are known to be durable.
//
// Written from the contract, without the reducer: what it makes of the events is held against what the queue stores.

import type { EventRow, Tables } from '../core/store/tables.ts';
import type { JobId, JobState } from '../core/job/job.ts';
import type { Ledger } from './ledger.ts';

export type ModelJob = {
  readonly id: JobId;
  readonly type: string;
  readonly queue: string;
  readonly priority: number;
  readonly key: string | null;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly submittedSeq: number;
  readonly state: JobState;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly suspect: boolean;
  readonly runAt: number;
  readonly leaseUntil: number | null;
  readonly finishedAt: number | null;
  /** Number of the latest event that a history lists. */
  readonly versionSeq: number;
};

/** An event that is known to be durable, and the job before and after it. */
export type Happening = {
  readonly row: EventRow;
  readonly before: ModelJob | undefined;
  readonly after: ModelJob | undefined;
};

type Counts = Record<JobState, number>;

export class Model {
  readonly jobs = new Map<JobId, ModelJob>();
  /** Every job that ever was. */
  readonly known = new Set<JobId>();
  /** The job that holds each idempotency key. */
  readonly keys = new Map<string, JobId>();
  readonly paused = new Set<string>();
  readonly counts: Counts = { pending: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0 };
  /** The pending and the running jobs, for looking only at those. */
  readonly pending = new Map<JobId, ModelJob>();
  readonly running = new Map<JobId, ModelJob>();
  readonly #ledger: Ledger;
  lastSeq = 0;
  /** The queue's clock at the latest event. */
  lastAt = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  apply(row: EventRow): Happening {
    this.lastSeq = row.seq;
    this.lastAt = row.at;
    if (row.jobId === null) {
      if (row.kind === 'paused') this.paused.add(row.queue);
      if (row.kind === 'resumed') this.paused.delete(row.queue);
      return { row, before: undefined, after: undefined };
    }
    const before = this.jobs.get(row.jobId);
    const after = this.#after(before, row, row.jobId);
    this.#put(row.jobId, before, after);
    return { row, before, after };
  }

  /** The job is gone, and what befell it last was never seen. */
  forget(row: EventRow, jobId: JobId): void {
    this.lastSeq = row.seq;
    this.lastAt = row.at;
    this.known.add(jobId);
    this.#put(jobId, this.jobs.get(jobId), undefined);
  }

  #after(before: ModelJob | undefined, row: EventRow, id: JobId): ModelJob | undefined {
    if (row.kind === 'submitted') return this.#submitted(row, id);
    if (before === undefined || row.kind === 'deleted') return undefined;
    const { runAt, leaseUntil } = row.detail ?? {};
    const state = row.state ?? before.state;
    const isFeedOnly = row.kind === 'extended' || row.kind === 'progressed';
    const base = { ...before, state, attempt: row.attempt ?? before.attempt };
    const next = {
      ...base,
      runAt: runAt ?? before.runAt,
      leaseUntil: state === 'running' ? (leaseUntil ?? before.leaseUntil) : null,
      finishedAt: state === 'pending' || state === 'running' ? null : (before.finishedAt ?? row.at),
      versionSeq: isFeedOnly ? before.versionSeq : row.seq,
    };
    switch (row.kind) {
      case 'failed':
      case 'expired':
        return { ...next, failures: before.failures + 1, suspect: false };
      case 'crashed':
        return { ...next, crashes: before.crashes + 1, suspect: true };
      case 'succeeded':
      case 'released':
        return { ...next, suspect: false };
      case 'cancelled':
        return { ...next, suspect: before.state === 'running' ? false : before.suspect };
      case 'retried':
        return { ...next, failures: 0, crashes: 0 };
      default:
        return next;
    }
  }

  #submitted(row: EventRow, id: JobId): ModelJob | undefined {
    const offer = this.#ledger.offers.get(id);
    if (offer === undefined) return undefined;
    const { submission, maxRetries, timeoutMs } = offer;
    return {
      id,
      type: submission.type,
      queue: submission.queue,
      priority: submission.priority,
      key: submission.idempotencyKey,
      maxRetries,
      timeoutMs,
      submittedSeq: row.seq,
      state: 'pending',
      attempt: 0,
      failures: 0,
      crashes: 0,
      suspect: false,
      runAt: row.detail?.runAt ?? row.at,
      leaseUntil: null,
      finishedAt: null,
      versionSeq: row.seq,
    };
  }

  #put(id: JobId, before: ModelJob | undefined, after: ModelJob | undefined): void {
    this.known.add(id);
    if (before !== undefined) {
      this.counts[before.state] -= 1;
      this.pending.delete(id);
      this.running.delete(id);
    }
    if (after === undefined) {
      this.jobs.delete(id);
      if (before?.key != null && this.keys.get(before.key) === id) this.keys.delete(before.key);
      return;
    }
    this.jobs.set(id, after);
    this.counts[after.state] += 1;
    if (after.state === 'pending') this.pending.set(id, after);
    if (after.state === 'running') this.running.set(id, after);
    if (before === undefined && after.key !== null) this.keys.set(after.key, id);
  }
}

/** Everything that differs between the tables and the history; empty if they agree. */
export function differences(model: Model, tables: Tables): string[] {
  const found: string[] = [];
  for (const expected of model.jobs.values()) {
    const job = tables.job(expected.id);
    if (job === undefined) {
      found.push(`job ${expected.id} is not there`);
      continue;
    }
    const stored: ModelJob = {
      ...job,
      key: job.idempotencyKey,
      leaseUntil: job.state === 'running' ? job.leaseUntil : null,
      finishedAt: 'finishedAt' in job ? job.finishedAt : null,
      versionSeq: expected.versionSeq,
    };
    for (const name of Object.keys(expected) as (keyof ModelJob)[]) {
      if (stored[name] === expected[name]) continue;
      found.push(`${expected.id}.${name} is ${String(stored[name])}, not ${String(expected[name])}`);
    }
  }
  for (const state of ['pending', 'running', 'succeeded', 'dead', 'cancelled'] as const) {
    for (const job of tables.jobsIn(state)) {
      if (!model.jobs.has(job.id)) found.push(`job ${job.id} is there, though no event tells of it`);
    }
  }
  const paused = tables.pausedQueues().join(' ');
  const expected = [...model.paused].sort().join(' ');
  if (paused !== expected) found.push(`paused queues are [${paused}], not [${expected}]`);
  return found;
}

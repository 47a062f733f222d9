// The history as a stranger reads it: what each job must be after the events that are known to be durable.
//
// Written from the contract, without the reducer: what it makes of the events is held against what the queue stores.

import type { EventRow, Tables } from '../core/store/tables.ts';
import type { Job, JobId, JobState } from '../core/job/job.ts';
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
type Writable<Value> = { -readonly [Name in keyof Value]: Value[Name] };

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
  /** Events of jobs that are deleted by now were never seen: until their deletion is, these jobs are as they were before. */
  hasGap = false;

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
    const { kind, detail } = row;
    const job: Writable<ModelJob> = { ...before };
    job.state = row.state ?? before.state;
    job.attempt = row.attempt ?? before.attempt;
    job.runAt = detail?.runAt ?? before.runAt;
    job.leaseUntil = job.state === 'running' ? (detail?.leaseUntil ?? before.leaseUntil) : null;
    job.finishedAt = job.state === 'pending' || job.state === 'running' ? null : (before.finishedAt ?? row.at);
    if (kind !== 'extended' && kind !== 'progressed') job.versionSeq = row.seq;
    // A suspect is one until its next attempt ends.
    if (before.state === 'running' && job.state !== 'running') job.suspect = kind === 'crashed';
    if (kind === 'failed' || kind === 'expired') job.failures += 1;
    if (kind === 'crashed') job.crashes += 1;
    if (kind === 'retried') [job.failures, job.crashes] = [0, 0];
    return job;
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

/** What the history tells of a job and the tables hold, under the same name but for the key. */
const STORED = [
  'type',
  'queue',
  'priority',
  'key',
  'maxRetries',
  'timeoutMs',
  'submittedSeq',
  'state',
  'attempt',
  'failures',
  'crashes',
  'suspect',
  'runAt',
  'leaseUntil',
  'finishedAt',
] as const satisfies (keyof ModelJob)[];

function storedAs(job: Job, name: (typeof STORED)[number]): ModelJob[typeof name] {
  if (name === 'key') return job.idempotencyKey;
  if (name === 'leaseUntil') return job.state === 'running' ? job.leaseUntil : null;
  if (name === 'finishedAt') return 'finishedAt' in job ? job.finishedAt : null;
  return job[name];
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
    for (const name of STORED) {
      const stored = storedAs(job, name);
      if (stored === expected[name]) continue;
      found.push(`${expected.id}.${name} is ${String(stored)}, not ${String(expected[name])}`);
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

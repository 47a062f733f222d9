// Which job is next, and when something is next due: what memory coordinates so that no decision scans the tables.
//
// A pending job is either waiting for its `runAt` or ready in the lane of its queue, type and suspicion. A running job
// has its lease on the list of leases.
//
// Rule 1: everything here follows from the jobs in the tables and is rebuilt from them after recovery. It proposes; the
//         reducer still refuses what is illegal.
// Rule 2: `note` is symmetric: noting a change the other way round undoes it.
// Rule 3: the order within a lane, and between the heads of lanes, is priority, then runAt, then submission.

import { assert } from '../job/assert.ts';
import type { Instant, Job, JobId } from '../job/job.ts';
import type { Tables } from '../store/tables.ts';
import { Heap } from './heap.ts';

type PendingEntry = {
  place: number;
  heap: Heap<PendingEntry>;
  readonly id: JobId;
  readonly lane: Lane;
  readonly priority: number;
  readonly runAt: Instant;
  readonly submittedSeq: number;
};

type Lease = { place: number; readonly id: JobId; readonly attempt: number; readonly leaseUntil: Instant };

/** Jobs that are alike for every gate. */
export type Lane = {
  readonly key: string;
  readonly queue: string;
  readonly type: string;
  readonly suspect: boolean;
  readonly ready: Heap<PendingEntry>;
  /** Entries that name this lane, waiting ones included: an unused lane is dropped. */
  entries: number;
};

export class Timetable {
  readonly #pending = new Map<JobId, PendingEntry>();
  readonly #waiting = new Heap<PendingEntry>((a, b) => a.runAt < b.runAt);
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Map<JobId, Lease>();
  readonly #leases = new Heap<Lease>((a, b) => a.leaseUntil < b.leaseUntil);
  readonly #runningByType = new Map<string, number>();
  #suspectsRunning = 0;

  static of(tables: Tables): Timetable {
    const timetable = new Timetable();
    for (const state of ['pending', 'running'] as const) {
      for (const job of tables.jobsIn(state)) timetable.note(undefined, job);
    }
    return timetable;
  }

  /** A job became another; undefined is the job that is not there. */
  note(before: Job | undefined, after: Job | undefined): void {
    if (before !== undefined) this.#leave(before);
    if (after !== undefined) this.#enter(after);
  }

  runningOf(type: string): number {
    return this.#runningByType.get(type) ?? 0;
  }

  get suspectsRunning(): number {
    return this.#suspectsRunning;
  }

  /** Jobs whose time has come become ready. */
  promote(at: Instant): void {
    for (;;) {
      const entry = this.#waiting.first;
      if (entry === undefined || entry.runAt > at) return;
      this.#waiting.remove(entry);
      entry.heap = entry.lane.ready;
      entry.heap.add(entry);
    }
  }

  /** The first ready job among the lanes that are open. */
  next(isOpen: (lane: Lane) => boolean): JobId | undefined {
    let best: PendingEntry | undefined;
    for (const lane of this.#lanes.values()) {
      const first = lane.ready.first;
      if (first === undefined || (best !== undefined && !isBefore(first, best)) || !isOpen(lane)) continue;
      best = first;
    }
    return best?.id;
  }

  /** The running jobs whose lease is over, the earliest first. */
  expired(at: Instant): JobId[] {
    if (!this.#isOver(this.#leases.first, at)) return [];
    return [...this.#running.values()]
      .filter((lease) => this.#isOver(lease, at))
      .sort((a, b) => a.leaseUntil - b.leaseUntil || (a.id < b.id ? -1 : 1))
      .map((lease) => lease.id);
  }

  /** The first instant at which a waiting job becomes ready. */
  get nextReadyAt(): Instant | null {
    return this.#waiting.first?.runAt ?? null;
  }

  /** The first instant at which a lease ends. */
  get nextExpiryAt(): Instant | null {
    return this.#leases.first?.leaseUntil ?? null;
  }

  #isOver(lease: Lease | undefined, at: Instant): boolean {
    return lease !== undefined && lease.leaseUntil <= at;
  }

  #enter(job: Job): void {
    if (job.state === 'pending') {
      const lane = this.#laneOf(job);
      lane.entries += 1;
      const { id, priority, runAt, submittedSeq } = job;
      const entry = { place: -1, heap: this.#waiting, id, lane, priority, runAt, submittedSeq };
      this.#pending.set(id, entry);
      this.#waiting.add(entry);
    } else if (job.state === 'running') {
      const lease = { place: -1, id: job.id, attempt: job.attempt, leaseUntil: job.leaseUntil };
      this.#running.set(job.id, lease);
      this.#leases.add(lease);
      this.#countRunning(job, 1);
    }
  }

  #leave(job: Job): void {
    if (job.state === 'pending') {
      const entry = this.#pending.get(job.id);
      assert(entry !== undefined, `pending job ${job.id} is on the timetable`);
      this.#pending.delete(job.id);
      entry.heap.remove(entry);
      entry.lane.entries -= 1;
      if (entry.lane.entries === 0) this.#lanes.delete(entry.lane.key);
    } else if (job.state === 'running') {
      const lease = this.#running.get(job.id);
      assert(lease !== undefined, `running job ${job.id} is on the timetable`);
      this.#running.delete(job.id);
      this.#leases.remove(lease);
      this.#countRunning(job, -1);
    }
  }

  #laneOf(job: Job): Lane {
    const key = `${job.queue} ${job.type} ${job.suspect}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      const { queue, type, suspect } = job;
      lane = { key, queue, type, suspect, ready: new Heap<PendingEntry>(isBefore), entries: 0 };
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #countRunning(job: Job, sign: 1 | -1): void {
    const running = this.runningOf(job.type) + sign;
    if (running === 0) this.#runningByType.delete(job.type);
    else this.#runningByType.set(job.type, running);
    if (job.suspect) this.#suspectsRunning += sign;
  }
}

function isBefore(a: PendingEntry, b: PendingEntry): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  if (a.runAt !== b.runAt) return a.runAt < b.runAt;
  return a.submittedSeq < b.submittedSeq;
}

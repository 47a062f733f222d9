import { FEED_ONLY_EVENTS_MAX, LOOSE_EVENTS_MAX } from '../../core/job/limits.ts';
import { isFeedOnly, isLoose } from '../../core/store/event-class.ts';
import type { FileEntry } from '../../core/store/disk.ts';
import { survey } from '../../core/store/survey.ts';
import type { Tables } from '../../core/store/tables.ts';
import { Descriptors } from '../world/disk.ts';
import type { Check, Evidence } from './check.ts';

/** The newest snapshot, and the one that it was built upon. */
const SNAPSHOTS_KEPT = 2;
/** Simulated time within which what a new snapshot makes superfluous is removed. */
const REMOVE_WITHIN_US = 2_000_000;
/** And so many lines of the trace: where everything stands still, time passes and nothing can be done. */
const REMOVE_WITHIN_LINES = 100;
/** Simulated time between two looks at the directory. */
const LOOK_EVERY_US = 1_000_000;

export const bounds: Check = {
  name: 'S29',
  sentence: 'files, rows, waiting requests and jobs stay within the bounds that the limits name',
  watch(evidence) {
    const { world, model, settings, fail } = evidence;
    const directory = new Directory(evidence);
    const { waitingRequestsMax, stepInputsMax } = world.plan.limits;
    /** Requests that the process has taken and not answered. */
    let open = 0;
    return {
      offered() {
        open += 1;
        // Some wait, some are being decided, and one more is about to be refused.
        const most = waitingRequestsMax + stepInputsMax + 1;
        if (open > most) fail(`${open} requests are without an answer; at most ${most} may be`);
      },
      released(effect) {
        if (effect.kind === 'reply') open -= 1;
      },
      happened({ row }) {
        if (row.kind !== 'submitted') return;
        const depth = model.counts.pending + model.counts.running;
        const { depthLimit } = settings();
        if (depth > depthLimit) fail(`${depth} jobs are pending or running, the limit is ${depthLimit}`);
      },
      turned: () => directory.turned(),
      recovered() {
        open = 0;
        directory.recovered();
      },
      ended: (tables) => verifyRows(tables, fail),
    };
  },
};

/** What a snapshot makes superfluous goes soon, unless the process dies first or the disk says no. */
class Directory {
  readonly #evidence: Evidence;
  #nextLookUs = 0;
  /** The newest snapshot that this process has found: what lies there from before goes with the next one. */
  #found = 0;
  /** The newest snapshot that this process has made, and since when it is there. */
  #made = 0;
  #madeAtUs = 0;
  #madeAtLine = 0;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  recovered(): void {
    this.#found = survey(this.#list()).snapshots[0] ?? 0;
    this.#made = 0;
  }

  turned(): void {
    const { world, fail } = this.#evidence;
    const { nowUs } = world.clock;
    if (nowUs < this.#nextLookUs) return;
    // A removal that failed is tried again with the next snapshot; a slow one may take longer than this waits.
    const switched = world.faults.counts();
    if (switched.has('D10') || switched.has('D15')) return;
    this.#nextLookUs = nowUs + LOOK_EVERY_US;
    const { snapshots, databases, segments } = survey(this.#list());
    const [newest = 0, base = 0] = snapshots;
    if (newest <= this.#found) return;
    if (newest !== this.#made) {
      this.#made = newest;
      this.#madeAtUs = nowUs;
      this.#madeAtLine = world.trace.ordinal;
      return;
    }
    if (nowUs - this.#madeAtUs < REMOVE_WITHIN_US) return;
    if (world.trace.ordinal - this.#madeAtLine < REMOVE_WITHIN_LINES) return;
    if (snapshots.length > SNAPSHOTS_KEPT) fail(`there are ${snapshots.length} snapshots; ${SNAPSHOTS_KEPT} are kept`);
    const old = databases.find((number) => number < newest && number !== base);
    if (old !== undefined) fail(`the database of snapshot ${old} is there, though ${newest} and ${base} are kept`);
    for (const number of segments.keys()) {
      if (number <= base) fail(`segment ${number} is there, though snapshot ${base} and one after it cover it`);
    }
  }

  #list(): readonly FileEntry[] {
    return this.#evidence.world.disk.perform(new Descriptors(), { kind: 'list' }) as readonly FileEntry[];
  }
}

/** The tables after the last recovery of all. Of a forgotten job nothing is left but that it was forgotten, and the feed keeps only so much. */
function verifyRows(tables: Tables, fail: Evidence['fail']): void {
  let loose = 0;
  const feedOnly = new Map<string, number>();
  for (const { seq, kind, jobId } of tables.eventsAfter(0, Number.MAX_SAFE_INTEGER)) {
    if (isLoose(kind)) {
      loose += 1;
      continue;
    }
    if (jobId === null || tables.job(jobId) === undefined)
      fail(`event ${seq} is kept, its job ${String(jobId)} is not`);
    if (isFeedOnly(kind) && jobId !== null) feedOnly.set(jobId, (feedOnly.get(jobId) ?? 0) + 1);
  }
  if (loose > LOOSE_EVENTS_MAX) fail(`${loose} events without a job are kept; ${LOOSE_EVENTS_MAX} may be`);
  for (const [jobId, count] of feedOnly) {
    if (count > FEED_ONLY_EVENTS_MAX) fail(`${count} reports of job ${jobId} are kept; ${FEED_ONLY_EVENTS_MAX} may be`);
  }
}

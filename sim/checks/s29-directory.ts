// What a snapshot makes superfluous goes soon, and a journal that has outgrown its snapshot gets another one, unless the
// process dies first or the disk says no.

import type { FileEntry } from '../../core/store/disk.ts';
import { survey } from '../../core/store/survey.ts';
import type { Survey } from '../../core/store/survey.ts';
import { Descriptors } from '../world/disk.ts';
import type { Evidence } from './check.ts';

/** The newest snapshot, and the one that it was built upon. */
const SNAPSHOTS_KEPT = 2;
/** Simulated time between two looks at the directory. */
const LOOK_EVERY_US = 1_000_000;
/**
 * What may take a while: so much simulated time, and so many lines of the trace. Where everything stands still, time
 * passes and nothing can be done.
 */
type While = { readonly us: number; readonly lines: number };
const REMOVE_WITHIN: While = { us: 2_000_000, lines: 100 };
const SNAPSHOT_WITHIN: While = { us: 5_000_000, lines: 300 };

/** Since when something has been so. */
type Since = { readonly atUs: number; readonly line: number };

export class DirectoryBounds {
  readonly #evidence: Evidence;
  #nextLookUs = 0;
  /** The newest snapshot that this process has found: what lies there from before goes with the next one. */
  #found = 0;
  /** The newest snapshot that there was at the last look, and since when. */
  #newest = 0;
  #madeSince: Since = { atUs: 0, line: 0 };
  /** Since when a snapshot is due; null if none is. */
  #dueSince: Since | null = null;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  recovered(): void {
    this.#found = survey(this.#list()).snapshots[0] ?? 0;
    this.#newest = this.#found;
    this.#dueSince = null;
  }

  turned(): void {
    const { world } = this.#evidence;
    const { nowUs } = world.clock;
    if (nowUs < this.#nextLookUs) return;
    // A removal that failed is tried again with the next snapshot; a slow one may take longer than this waits.
    const switched = world.faults.counts();
    if (switched.has('D10') || switched.has('D15')) return;
    this.#nextLookUs = nowUs + LOOK_EVERY_US;
    const entries = this.#list();
    const surveyed = survey(entries);
    const newest = surveyed.snapshots[0] ?? 0;
    if (newest !== this.#newest) {
      this.#newest = newest;
      this.#madeSince = this.#now();
      this.#dueSince = null;
    }
    if (newest > this.#found && this.#isLongAgo(this.#madeSince, REMOVE_WITHIN)) this.#holdsNothingOld(surveyed);
    this.#isSnapshotTaken(surveyed, entries);
  }

  #holdsNothingOld({ snapshots, databases, segments }: Survey): void {
    const { fail } = this.#evidence;
    const [newest = 0, base = 0] = snapshots;
    if (snapshots.length > SNAPSHOTS_KEPT) fail(`there are ${snapshots.length} snapshots; ${SNAPSHOTS_KEPT} are kept`);
    const old = databases.find((number) => number < newest && number !== base);
    if (old !== undefined) fail(`the database of snapshot ${old} is there, though ${newest} and ${base} are kept`);
    for (const number of segments.keys()) {
      if (number <= base) fail(`segment ${number} is there, though snapshot ${base} and one after it cover it`);
    }
  }

  /** One that failed is taken again a minute later: a process that something has failed in is left alone. */
  #isSnapshotTaken({ segments }: Survey, entries: readonly FileEntry[]): void {
    const { world, process, fail } = this.#evidence;
    const failures = process()?.descriptors.failures ?? 0;
    if (failures > 0 || world.faults.counts().has('P16')) return;
    const current = [...segments.keys()].at(-1) ?? 0;
    let journalBytes = 0;
    for (const [number, bytes] of segments) if (number > this.#newest && number < current) journalBytes += bytes;
    const database = entries.find(
      ({ file }) => file.endsWith('.sqlite') && Number(/\d+/.exec(file)?.[0]) === this.#newest,
    );
    const enough = Math.max(world.plan.limits.snapshotAfterBytes, database?.bytes ?? 0);
    if (journalBytes < enough) {
      this.#dueSince = null;
      return;
    }
    this.#dueSince ??= this.#now();
    if (this.#isLongAgo(this.#dueSince, SNAPSHOT_WITHIN))
      fail(`closed segments hold ${journalBytes} bytes, ${enough} are enough for a snapshot, and none is taken`);
  }

  #now(): Since {
    const { clock, trace } = this.#evidence.world;
    return { atUs: clock.nowUs, line: trace.ordinal };
  }

  #isLongAgo(since: Since, long: While): boolean {
    const { clock, trace } = this.#evidence.world;
    return clock.nowUs - since.atUs >= long.us && trace.ordinal - since.line >= long.lines;
  }

  #list(): readonly FileEntry[] {
    return this.#evidence.world.disk.perform(new Descriptors(), { kind: 'list' }) as readonly FileEntry[];
  }
}

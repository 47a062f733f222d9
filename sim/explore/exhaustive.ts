// Small scope, nothing left out: all workloads of up to n letters, a crash before each disk operation, every image that
// the crash may leave. Each is recovered by the production code, checked, gone on with, and crashed once more (judge.ts).
//
// Rule (O4): what a recovery finds is the state after the last acknowledged turn, or after the turn that was under way.
// Rule (P6): a recovery that is cut off and run again finds the same (with `nested`).
// Rule (P4): what the recovered process acknowledges survives a power loss that keeps nothing un-synced.
//
// Exhaustive are: the workloads, with a snapshot after each turn and with none at all; the operations; of what is not
// synced, any prefix of the writes and any subset of their pages, whole or cut at each byte, a size without its data, any
// prefix and any subset of the changes of names. Sampled are (images.ts):
//
//   what fills a size without data   NUL, LF, the oldest and the newest block written, one block of noise
//   bytes at which a write is torn   each one up to LETTERS_TORN_EVERYWHERE letters; later, each one for the first write
//                                    of its shape, and else the borders of sectors and fields (tears.ts)
//   writes longer than a page        their prefixes, cut at sectors (mostly the databases of `--depth full`)
//
// What is done once, because doing it again would show nothing new:
//
//   a crash in a word that other words begin with      workloads are a tree; a word is crashed in its last letter alone
//   words of one length that did the same              same operations, same bytes, same time: the process is the same
//   an image, or one that looks alike to the recovery  judge.ts
//
// Split over processes, each walks the whole tree and judges the images of its share, so that the counts do not depend on
// their number; only `recoveries`, `judged` and `continued` grow a little with it.

import type { LifeTables } from '../depth.ts';
import type { Planted } from '../mutants/mutant.ts';
import { SURVIVAL_FAULTS } from '../world/power-loss.ts';
import type { SurvivalFault } from '../world/power-loss.ts';
import type { Fingerprint } from './fingerprint.ts';
import { imagesOf } from './images.ts';
import { Judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import { ALPHABET } from './machine.ts';
import type { Letter } from './machine.ts';
import { Tears } from './tears.ts';
import { course } from './workload.ts';
import type { Course, CrashPoint } from './workload.ts';

export type ExploreOptions = {
  readonly tables: LifeTables;
  /** Letters of each workload at most. */
  readonly length: number;
  readonly alphabet?: readonly Letter[];
  /** What a power loss may do: all of it, unless fewer are named. */
  readonly faults?: readonly SurvivalFault[];
  readonly planted?: Planted;
  /** Cut each recovery off before each of its operations, too. */
  readonly nested: boolean;
  /** Of several processes that explore the same, which one this is. */
  readonly share?: Share;
  readonly progress?: (explored: Explored) => void;
};

export type Share = { readonly index: number; readonly of: number };

export type Explored = {
  /** Words of all lengths, each with snapshots and without; of them, those that did what no other word did. */
  workloads: number;
  unlike: number;
  points: number;
  /** Fates of the directory and of single files that were tried. */
  fates: number;
  /** What the fates of the directory and of all files make together, counted at each point; and without repetition. */
  images: number;
  distinct: number;
  /** Images that looked unlike to the recovery; unlike disks that recoveries left; runs of the recovery altogether. */
  judged: number;
  continued: number;
  recoveries: number;
  /** States that workloads were in, and so that recoveries could find. */
  states: number;
  /** Points at which a write was torn at borders only. */
  sampled: number;
  readonly failures: string[];
};

const FAILURES_MAX = 10;
/** So long may a word be for each write of its last letter to be torn at each byte. */
const LETTERS_TORN_EVERYWHERE = 3;
/** None at all, and one after each turn: the two ways that files come and go. */
const SNAPSHOT_AFTER_BYTES = [2 ** 30, 1] as const;

export function explore(options: ExploreOptions): Explored {
  const exploration = new Exploration(options);
  for (const snapshotAfterBytes of SNAPSHOT_AFTER_BYTES) exploration.walk(snapshotAfterBytes);
  return exploration.explored;
}

class Exploration {
  readonly explored: Explored;
  readonly #options: ExploreOptions;
  readonly #share: Share;
  readonly #alphabet: readonly Letter[];
  readonly #planted: Planted;
  readonly #judge: Judge;
  readonly #verdicts = new Map<Fingerprint, Verdict>();
  readonly #states = new Set<string>();
  readonly #tears = new Tears();

  constructor(options: ExploreOptions) {
    const { tables, nested, length, alphabet = ALPHABET, planted = {}, share = { index: 0, of: 1 } } = options;
    this.#options = options;
    this.#share = share;
    this.#alphabet = alphabet;
    this.#planted = planted;
    this.#judge = new Judge({ tables, planted, nested });
    let words = 0;
    for (let letters = 0; letters <= length; letters += 1) words += alphabet.length ** letters;
    this.explored = { ...NOTHING, workloads: words * SNAPSHOT_AFTER_BYTES.length, failures: [] };
  }

  /** Level by level, so that each level's words begin with the unlike words of the one before. */
  walk(snapshotAfterBytes: number): void {
    const { length: lengthMax, tables, progress } = this.#options;
    let words: (readonly Letter[])[] = [[]];
    for (let length = 0; length <= lengthMax; length += 1) {
      const seen = new Set<Fingerprint>();
      const next: (readonly Letter[])[] = [];
      for (const letters of words) {
        const name = `"${letters.join('')}"${snapshotAfterBytes === 1 ? ' with snapshots' : ''}`;
        const found = this.#live(name, () =>
          course(letters, { tables, planted: this.#planted, snapshotAfterBytes, skipped: length - 1 }),
        );
        if (found === null || seen.has(found.fingerprint)) continue;
        seen.add(found.fingerprint);
        this.explored.unlike += 1;
        for (const state of found.states) this.#states.add(state);
        if (!this.#crash(name, length, found)) return;
        for (const letter of this.#alphabet) next.push([...letters, letter]);
        progress?.(this.explored);
      }
      words = next;
    }
  }

  /** Null if it does not even get to its end where nothing crashes. */
  #live(name: string, run: () => Course): Course | null {
    try {
      return run();
    } catch (error) {
      this.explored.failures.push(`${name}, without a crash: ${String(error)}`);
      return null;
    }
  }

  /** At each point; false if there is no need to go on. */
  #crash(name: string, length: number, { points, states }: Course): boolean {
    const { explored } = this;
    let last: CrashPoint | undefined;
    for (const point of points) {
      explored.points += 1;
      if (last?.disk !== point.disk || last.state !== point.state) {
        const legal = [states[point.state], states[point.state + 1]];
        this.#lose(point, length, (failure) => explored.failures.push(`${name}, ${point.label}: ${failure}`), legal);
      }
      last = point;
      if (explored.failures.length >= FAILURES_MAX) break;
    }
    Object.assign(explored, this.#judge.totals, { distinct: this.#verdicts.size, states: this.#states.size });
    return explored.failures.length < FAILURES_MAX;
  }

  #lose(
    point: CrashPoint,
    length: number,
    fail: (failure: string) => void,
    legal: readonly (string | undefined)[],
  ): void {
    const { explored } = this;
    const { index, of } = this.#share;
    const { fates, sampled } = imagesOf(point.disk, {
      faults: this.#options.faults ?? SURVIVAL_FAULTS,
      cutsOf: (file, pending) => this.#tears.cutsOf(file, pending, length <= LETTERS_TORN_EVERYWHERE),
      isWanted: (fingerprint) => fingerprint.charCodeAt(0) % of === index,
      visit: (fingerprint, image) => {
        explored.images += 1;
        let verdict = this.#verdicts.get(fingerprint);
        if (verdict === undefined) {
          this.#verdicts.set(fingerprint, (verdict = this.#judge.judge(image())));
          this.#options.tables.closeAll();
        }
        for (const failure of verdict.failures) fail(failure);
        if (verdict.state !== null && !legal.includes(verdict.state)) {
          fail(`recovered ${verdict.state.slice(0, 200)}, and that is no state it may be in`);
        }
      },
    });
    explored.fates += fates;
    if (sampled) explored.sampled += 1;
  }
}

const NOTHING: Omit<Explored, 'failures'> = {
  workloads: 0,
  unlike: 0,
  points: 0,
  fates: 0,
  images: 0,
  distinct: 0,
  judged: 0,
  continued: 0,
  recoveries: 0,
  states: 0,
  sampled: 0,
};

/** What the shares make together: each has walked the whole tree, and judged its own images. */
export function together(shares: readonly Explored[]): Explored {
  const [first] = shares;
  const sum: Explored = { ...NOTHING, ...first, failures: [] };
  for (const count of ['images', 'distinct', 'judged', 'continued', 'recoveries'] as const) {
    sum[count] = shares.reduce((total, share) => total + share[count], 0);
  }
  for (const { failures } of shares) sum.failures.push(...failures);
  return sum;
}

export const describeExplored = (explored: Explored): string => {
  const { workloads, unlike, points, fates, images, distinct, recoveries, judged, continued, states } = explored;
  return [
    `${workloads} workloads (${unlike} unlike)`,
    `${points} crash points`,
    `${fates} fates`,
    `${images} images (${distinct} distinct, ${judged} unlike to a recovery)`,
    `${recoveries} recoveries (${continued} gone on with)`,
    `${states} states`,
    `${explored.failures.length} failures`,
    ...(explored.sampled === 0 ? [] : [`torn at borders only at ${explored.sampled} points`]),
  ].join(', ');
};

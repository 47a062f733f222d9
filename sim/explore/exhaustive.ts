// Small scope, nothing left out: all workloads of n letters, a crash before each disk operation, every image that the
// crash may leave. Each image is recovered by the production code, checked, gone on with, and crashed once more.
//
// Rule (O4): what a recovery finds is the state after the last acknowledged turn, or after the turn that was under way.
// Rule (P6): a recovery that is cut off and run again finds the same.
// Rule (P4): what the recovered process acknowledges survives a power loss that keeps nothing un-synced.

import type { LifeTables } from '../depth.ts';
import type { Planted } from '../mutants/mutant.ts';
import { Descriptors, Disk } from '../world/disk.ts';
import { SURVIVAL_FAULTS } from '../world/power-loss.ts';
import type { SurvivalFault } from '../world/power-loss.ts';
import { Tape } from '../world/tape.ts';
import { imagesOf } from './images.ts';
import type { Image } from './images.ts';
import { ALPHABET, course, Machine } from './workload.ts';
import type { CrashPoint, Letter } from './workload.ts';

export type ExploreOptions = {
  readonly tables: LifeTables;
  /** Letters of each workload. */
  readonly length: number;
  readonly alphabet?: readonly Letter[];
  /** What a power loss may do: all of it, unless fewer are named. */
  readonly faults?: readonly SurvivalFault[];
  readonly planted?: Planted;
  /** Cut each recovery off before each of its operations, too. */
  readonly nested: boolean;
  readonly progress?: (explored: Explored) => void;
};

export type Explored = {
  workloads: number;
  points: number;
  /** Fates of the directory and of single files, and the distinct images that they make together. */
  draws: number;
  images: number;
  recoveries: number;
  readonly failures: string[];
};

const FAILURES_MAX = 10;
/** Long after every workload: what comes in later is not older. */
const LATER_AT = 1_000_000;

export function explore(options: ExploreOptions): Explored {
  const planted = options.planted ?? {};
  const explored: Explored = { workloads: 0, points: 0, draws: 0, images: 0, recoveries: 0, failures: [] };
  for (const letters of wordsOf(options.alphabet ?? ALPHABET, options.length)) {
    // A snapshot at once, and none at all: the two ways that files come and go.
    for (const snapshotAfterBytes of [2 ** 30, 1]) {
      const name = `${letters.join('')}${snapshotAfterBytes === 1 ? ' with snapshots' : ''}`;
      const { points, states } = course(letters, { tables: options.tables, planted, snapshotAfterBytes });
      explored.workloads += 1;
      for (const point of points) {
        explored.points += 1;
        explored.draws += imagesOf(point.disk, {
          faults: options.faults ?? SURVIVAL_FAULTS,
          visit: (image) => {
            explored.images += 1;
            const legal = [states[point.state], states[point.state + 1]];
            for (const failure of judge(image, point, legal, options, explored)) {
              explored.failures.push(`${name}, ${point.label}: ${failure}`);
            }
          },
        });
        options.tables.closeAll();
        if (explored.failures.length >= FAILURES_MAX) return explored;
      }
      options.progress?.(explored);
    }
  }
  return explored;
}

function* judge(
  image: Image,
  point: CrashPoint,
  legal: readonly (string | undefined)[],
  { tables, nested, planted = {} }: ExploreOptions,
  explored: Explored,
): Generator<string> {
  const disk = new Disk(image);
  const cuts: Disk[] = [];
  const machine = new Machine({
    disk,
    tables,
    planted,
    snapshotAfterBytes: 1,
    startAt: LATER_AT,
    before: () => {
      if (nested) cuts.push(disk.copy());
    },
  });
  const found = attempt(() => machine.open());
  explored.recoveries += 1;
  if (found !== null) return yield found;
  const { state } = machine;
  // Before the first acknowledged state there is the empty one, which has no record yet.
  if (!legal.includes(state) && !(point.state < 0 && machine.tables.meta().lastSeq === 0)) {
    return yield `recovered ${state.slice(0, 200)}, and that is no state it may be in`;
  }
  const recovering = cuts.length;

  const goneOn = attempt(() => {
    machine.turn(null);
    machine.turn(machine.command('s'));
  });
  if (goneOn !== null) return yield `goes on after the recovery: ${goneOn}`;
  const acknowledged = machine.state;
  disk.powerLoss(new Descriptors(), NOTHING_KEPT);
  yield* same(disk, acknowledged, 'after it went on and lost its power', tables, explored);

  for (const cut of cuts.slice(0, recovering)) {
    const kill = new Disk(cut.image());
    cut.powerLoss(new Descriptors(), NOTHING_KEPT);
    yield* same(kill, state, 'after its recovery was killed', tables, explored);
    yield* same(cut, state, 'after its recovery lost its power', tables, explored);
  }
}

function* same(disk: Disk, state: string, when: string, tables: LifeTables, explored: Explored): Generator<string> {
  const machine = new Machine({ disk, tables, planted: {}, snapshotAfterBytes: 1, startAt: LATER_AT });
  explored.recoveries += 1;
  const failure = attempt(() => machine.open());
  if (failure !== null) yield `${when}: ${failure}`;
  else if (machine.state !== state) yield `${when} it found another state`;
}

/** Null, or what was thrown. */
function attempt(act: () => void): string | null {
  try {
    act();
    return null;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

const NOTHING_KEPT = {
  stream: new Tape({ draw: () => 0 }).stream('survival'),
  allows: () => true,
  fired: () => undefined,
};

function* wordsOf(alphabet: readonly Letter[], length: number): Generator<readonly Letter[]> {
  if (length === 0) return yield [];
  for (const word of wordsOf(alphabet, length - 1)) for (const letter of alphabet) yield [...word, letter];
}

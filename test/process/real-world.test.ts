// O9 The real world agrees with the simulated one: the same tapes end alike in both.
//
// Tapes: what clients ask and when the server dies is drawn from a seed, played in the simulator under power losses and on
// the built server under `kill -9`, and both must end alike. A kill drops nothing that was not synced; that is for the
// images: the simulated disk after a power loss is written as real files, and the built server must recover from them what
// the simulator recovers.
//
// PERDURE_TAPES says how many tapes are played, and on how many images of each kind is started. It is 2 unless it is set:
// `PERDURE_TAPES=50 npx vitest run test/process/real-world.test.ts`.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { Tape, seeded } from '../../sim/world/tape.ts';
import { IMAGE_KINDS, flipped, kindOf, powerLosses } from '../support/recovery-images.ts';
import type { ImageKind, PowerLoss } from '../support/recovery-images.ts';
import { realStart, simulatedStart } from '../support/recovery-start.ts';
import type { Start } from '../support/recovery-start.ts';
import { play } from '../support/tape-client.ts';
import { RealTapeWorld } from '../support/tape-real.ts';
import { SimulatedTapeWorld } from '../support/tape-simulated.ts';
import { drawWorkload } from '../support/tape-workload.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TAPES = Number(process.env['PERDURE_TAPES'] ?? 2);
const IMAGES = Math.max(TAPES, 1);
/** Power losses of one life that are looked at: the last of each kind is taken. */
const LOSSES_MAX = 8;
/** Lives in which to find them. */
const SEEDS_MAX = 100 * IMAGES;

let tables: LifeTables;
beforeAll(async () => {
  tables = await tablesOf('full');
});
afterAll(() => tables.closeAll());

const died = { real: 0, simulated: 0 };

test.each(Array.from({ length: TAPES }, (_, seed) => seed))('tape %i ends alike in both worlds', async (seed) => {
  const tape = new Tape(seeded(BigInt(seed)));
  const workload = drawWorkload(tape);
  const simulated = new SimulatedTapeWorld({ tape, tables, deaths: workload.deaths });
  const { crashes: simulatedCrashes, ...expected } = await play(workload, simulated);
  const real = new RealTapeWorld({ directory: temporaryDirectory(), deaths: workload.deaths });
  try {
    const { crashes, ...found } = await play(workload, real);
    expect(found).toEqual(expected);
    const deaths = { simulated: simulated.deaths, real: real.deaths, cuts: simulated.cuts };
    console.log(`tape ${seed}: ${JSON.stringify({ jobs: found.jobs.length, crashes, simulatedCrashes, ...deaths })}`);
    died.real += real.deaths;
    died.simulated += simulated.deaths;
  } finally {
    await real.end();
  }
});

test('in both worlds the server died under the tapes', () => {
  expect(died.real).toBeGreaterThanOrEqual(TAPES);
  expect(died.simulated).toBeGreaterThanOrEqual(TAPES);
});

describe('a start on what a power loss has left is the same in both worlds', () => {
  const found = new Map<ImageKind, PowerLoss[]>(IMAGE_KINDS.map((kind) => [kind, []]));

  /** Lives until there are enough images of each kind, at most one of a kind from each life. */
  beforeAll(() => {
    const flips = new Tape(seeded(0n)).stream('flips');
    for (let seed = 0; [...found.values()].some(({ length }) => length < IMAGES); seed += 1) {
      if (seed === SEEDS_MAX) throw new Error(`too few images in ${SEEDS_MAX} lives`);
      const ofLife = new Map<ImageKind, PowerLoss>();
      let losses = 0;
      for (const loss of powerLosses(seed, tables)) {
        const kind = kindOf(loss, tables);
        if (kind !== null) ofLife.set(kind, loss);
        losses += 1;
        if (losses === LOSSES_MAX) break;
      }
      const [first] = ofLife.values();
      if (first !== undefined) ofLife.set('flipped', flipped(first, flips));
      for (const [kind, loss] of ofLife) {
        const images = found.get(kind) ?? [];
        if (images.length < IMAGES) images.push(loss);
      }
      tables.closeAll();
    }
  });

  const start = async ({ label, image, plan: { settings } }: PowerLoss): Promise<Start> => {
    const { start: expected, lastSeq } = await simulatedStart(image, tables, settings);
    const real = await realStart(temporaryDirectory(), image, { lastSeq, settings });
    expect(real, label).toEqual(expected);
    return expected;
  };

  test.each(IMAGE_KINDS)('%s', async (kind) => {
    const losses = found.get(kind) ?? [];
    const starts: Start[] = [];
    // Two at a time: a start waits for the disk half of its time.
    for (let at = 0; at < losses.length; at += 2)
      starts.push(...(await Promise.all(losses.slice(at, at + 2).map(start))));
    expect(starts.length).toBe(IMAGES);
    const served = starts.filter((one) => one.kind === 'serves');
    const jobs = served.reduce((sum, { view }) => sum + view.jobs.length, 0);
    console.log(`${kind}: ${starts.length} images, ${served.length} served, ${jobs} jobs`);
    if (kind === 'flipped') return;
    expect(served.length).toBe(IMAGES);
    expect(jobs).toBeGreaterThan(0);
  });
});

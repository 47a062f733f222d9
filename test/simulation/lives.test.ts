// The lives that every run of the tests lives. A seed that once failed stays here.

import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { FAULTS } from '../../sim/faults.ts';
import { live } from '../../sim/simulation.ts';
import type { Outcome } from '../../sim/simulation.ts';
import { replayed, seeded } from '../../sim/world/tape.ts';

const LIVES = 200;
const TIMEOUT_MS = 120_000;

let bulk: LifeTables;
let full: LifeTables;
beforeAll(async () => {
  bulk = await tablesOf('bulk');
  full = await tablesOf('full');
});

const lived = (seed: number | bigint, tables: LifeTables): Outcome => live({ source: seeded(BigInt(seed)), tables });

test(`${LIVES} lives hold all rules, and every fault strikes in one of them`, { timeout: TIMEOUT_MS }, () => {
  const silent = new Set<string>(FAULTS.map(({ code }) => code));
  let crashes = 0;
  for (let seed = 0; seed < LIVES; seed += 1) {
    const { violation, fired, ...outcome } = lived(seed, bulk);
    expect(violation, `seed ${seed}`).toBeNull();
    for (const [code, count] of fired) if (count > 0) silent.delete(code);
    crashes += outcome.crashes;
  }
  expect([...silent]).toEqual([]);
  expect(crashes).toBeGreaterThan(LIVES);
});

// As faults and actors change, a seed lives another life: what was mended is held by a test of its own besides.
test.each<[seed: number | bigint, story: string]>([
  [0x88b, 'an idle engine wrote a segment at every wake'],
  [0x8f7, 'an idle engine wrote a segment, and at times a snapshot, at every wake'],
  [0x143, 'an orderly exit on a full disk left an attempt running'],
  [0x293, 'a removal that had failed was forgotten once the faults had stopped'],
  [0x3a0, 'a removal that had failed was forgotten once the faults had stopped'],
  [0x455, 'a timer stood behind a backlog, at one input a turn'],
  [0x474, 'a job came late, and the bound had been drawn before'],
  [0x506, 'a job came late, and the bound had been drawn before'],
  [0x1778, 'a retry was put off for a year while the bound was drawn'],
  [0xedd, 'a start on a full disk began attempts before it knew which ones had crashed'],
  [0x2552, 'a job submitted while the engine looked for space was due too early'],
  [0x28c0, 'a stray header stood in for a segment that a half-made snapshot proves to have been begun'],
  [0x38b6, 'an instant was read by a clock that had been set, in a process that died before it told'],
  [0x2fc3, 'a stale line behind the end of a segment was taken for the proof of the record before it'],
  [0x3e7c, 'the power went after all faults had stopped'],
  [0x98a17a, 'timers that fire twice, armed while faults struck, all fired in the week after'],
  [0x13152d0, 'on a full disk what was due was tried again, and the cut synced, at each request'],
  [0x19c449e98ccd9dc6n, 'a stale line in a segment that had lost its header was taken for one'],
  [0x2626a97, 'a start that began again in the room of its reserve read the half of a header that it had left'],
  [0x262ef1f, 'a job for the end of the month came when all was at rest, and a burst was to begin'],
  [0x1ca3505, 'a handler had ended long before the queue, at one input a turn and slow syncs, could hear it'],
  [0xb27, 'a burst began while a queue was paused'],
  [0x1837, 'a job that was over and deleted in one step with a submission was counted as running beside it'],
  [0x3eb3, 'a refusal decided before everything stood still was held against the time after it'],
])('seed %i, which once failed, holds: %s', (seed) => {
  expect(lived(seed, bulk).violation).toBeNull();
});

test('lives on the SQLite tables of production hold all rules', { timeout: TIMEOUT_MS }, () => {
  for (let seed = 0; seed < 40; seed += 1) expect(lived(seed, full).violation, `seed ${seed}`).toBeNull();
});

describe('a life is its seed', () => {
  test('the same seed lives alike twice, and others do not', () => {
    const hashes = Array.from({ length: 30 }, (_, seed) => lived(seed, bulk).hash);
    const again = Array.from({ length: 30 }, (_, seed) => lived(seed, bulk).hash);
    expect(again).toEqual(hashes);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('the recording of its tape lives it again', () => {
    for (let seed = 0; seed < 10; seed += 1) {
      const first = lived(seed, bulk);
      expect(live({ source: replayed(first.tape.recording()), tables: bulk }).hash).toBe(first.hash);
    }
  });

  test('S23 SQLite tables and map tables lead the same life', () => {
    // A snapshot's length differs between the two, and with it what the disk draws: those lives part.
    const seeds = Array.from({ length: 60 }, (_, seed) => seed);
    const alike = seeds.filter((seed) => lived(seed, bulk).plan.includes('snapshotAfterBytes=8388608'));
    expect(alike.length).toBeGreaterThan(5);
    for (const seed of alike) expect(lived(seed, full).hash, `seed ${seed}`).toBe(lived(seed, bulk).hash);
  });
});

test('inside a life there is no real time and no real chance', () => {
  const asking = { ...bulk, create: () => (Date.now(), bulk.create()) };
  const { violation } = live({ source: seeded(1n), tables: asking });
  expect(violation?.message).toContain('Date.now is used inside a simulated life');
  expect(Date.now()).toBeGreaterThan(0);
});

test('a fault that is switched off never strikes, and one that is named always may', () => {
  const without = live({ source: seeded(3n), tables: bulk, faults: { only: [], without: ['D', 'P1'] } });
  expect([...without.fired.keys()].filter((code) => code.startsWith('D') || code === 'P1')).toEqual([]);
  const only = live({ source: seeded(3n), tables: bulk, faults: { only: ['N'], without: ['N2'] } });
  const named = FAULTS.map(({ code }) => code).filter((code) => code.startsWith('N') && code !== 'N2');
  expect([...only.fired.keys()]).toEqual(named);
});

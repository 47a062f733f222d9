import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../../sim/depth.ts';
import type { LifeTables } from '../../../sim/depth.ts';
import { redrawn } from '../../../sim/redrawn.ts';
import { live } from '../../../sim/simulation.ts';
import type { Outcome } from '../../../sim/simulation.ts';
import { Draws } from '../../../sim/variations.ts';
import { seeded } from '../../../sim/world/tape.ts';

const SEEDS = Array.from({ length: 20 }, (_, index) => BigInt(index));

let tables: LifeTables;
let first: Outcome;
let draws: Draws;
let lives: readonly Outcome[];
beforeAll(async () => {
  tables = await tablesOf('bulk');
  first = live({ source: seeded(7n), tables, keepDraws: true });
  draws = new Draws(first.tape.draws ?? []);
  lives = SEEDS.map(again);
});

const again = (seed: bigint): Outcome => live({ source: redrawn(draws, seed), tables, keepDraws: true });
const streamOf = ({ tape }: Outcome, name: string) => (tape.draws ?? []).filter(({ stream }) => stream === name);

describe('a life that is drawn anew', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(again(1n).hash).toBe(lives[1]?.hash);
    expect(new Set(lives.map(({ hash }) => hash)).size).toBeGreaterThan(SEEDS.length / 2);
  });

  test('has no fault that was not switched on, and sometimes fewer', () => {
    const before = new Set(first.fired.keys());
    const after = lives.map(({ fired }) => [...fired.keys()]);
    for (const codes of after) expect(codes.filter((code) => !before.has(code))).toEqual([]);
    expect(after.some((codes) => codes.length < before.size)).toBe(true);
  });

  test('has a plan of which no number has grown', () => {
    const labels = new Set(streamOf(first, 'swarm/plan').map(({ label }) => label));
    for (const label of labels) {
      // A number on a logarithmic scale is two draws, of which the first says more.
      const valueOf = (outcome: Outcome) => streamOf(outcome, 'swarm/plan').find((draw) => draw.label === label)?.value;
      for (const life of lives) expect(valueOf(life) ?? 0).toBeLessThanOrEqual(valueOf(first) ?? 0);
    }
  });

  test('keeps, calms or throws anew each stream as a whole', () => {
    const asked = Array.from({ length: 30 }, () => ({ stream: 'disk', label: 'sync', n: 1_000, value: 500 }));
    const modes = SEEDS.map((seed) => {
      const source = redrawn(new Draws(asked), seed);
      const values = asked.map(({ stream, n, label }) => source.draw(stream, n, label));
      if (values.every((value) => value === 500)) return 'kept';
      if (values.every((value) => value === 0)) return 'calm';
      expect(values).toContain(0);
      return 'anew';
    });
    expect(new Set(modes)).toEqual(new Set(['kept', 'calm', 'anew']));
  });

  test('dares what is unlikely: a fault of one in a million strikes', () => {
    const asked = [{ stream: 'fault/P1', label: 'P1', n: 1_000_000, value: 0 }];
    const bold = SEEDS.filter((seed) => {
      const source = redrawn(new Draws(asked), seed);
      return Array.from({ length: 100 }, () => source.draw('fault/P1', 1_000_000, 'P1')).includes(999_999);
    });
    expect(bold.length).toBeGreaterThan(0);
  });
});

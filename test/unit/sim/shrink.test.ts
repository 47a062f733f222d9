import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../../sim/depth.ts';
import type { LifeTables } from '../../../sim/depth.ts';
import { ALL_FAULTS } from '../../../sim/faults.ts';
import { describeHunt, summarizeHunts } from '../../../sim/hunting.ts';
import { dissect, hunt } from '../../../sim/mutants/hunt.ts';
import { MUTANTS } from '../../../sim/mutants/planted.ts';
import { storyOf } from '../../../sim/report/story.ts';
import { QUICK } from '../../../sim/shrink.ts';
import type { ShrinkLimits } from '../../../sim/shrink.ts';
import { live } from '../../../sim/simulation.ts';
import { aligned, Draws } from '../../../sim/variations.ts';
import { replayed, seeded, Tape } from '../../../sim/world/tape.ts';

const LINES_MAX = 15;

let tables: LifeTables;
beforeAll(async () => {
  tables = await tablesOf('bulk');
});

describe('a failure shrinks to at most 15 events that break the same rule', () => {
  // Bugs of each piece: the disk, the tables, commands, replies, settings; then some whose lives only grow short when
  // parts of them are drawn anew.
  const simple = ['sync-left-out', 'result-rewritten', 'delete-cancels', 'stats-miscounted', 'backoff-too-long'];
  const onlyRedrawn = ['timer-only-for-leases', 'starts-at-the-wall', 'late-answer-counts'];
  for (const name of [...simple, ...onlyRedrawn]) {
    test(name, { timeout: 30_000 }, () => {
      const mutant = MUTANTS.find((one) => one.name === name);
      const caught = mutant === undefined ? null : hunt(mutant, { tables });
      if (mutant === undefined || caught === null) throw new Error(`${name} was not caught`);
      const { shrunk } = dissect(mutant, caught, { tables, limits: QUICK });
      expect(shrunk.lines).toBeLessThanOrEqual(LINES_MAX);
      expect(shrunk.runs).toBeLessThanOrEqual(QUICK.runsMax);
      // It is a life like any other: its tape lives it again.
      const source = replayed(shrunk.outcome.tape.recording());
      const faults = mutant.among === undefined ? ALL_FAULTS : { only: mutant.among, without: [] };
      const again = live({ source, tables, faults, planted: mutant.plant() });
      expect(again.violation?.rule).toBe(caught.rule);
      expect(again.hash).toBe(shrunk.outcome.hash);
      expect(storyOf(again.trace.events)).toHaveLength(shrunk.lines);
    });
  }
});

describe('the effort', () => {
  const mutant = MUTANTS.find(({ name }) => name === 'result-rewritten');
  const dissected = (limits: ShrinkLimits) => {
    const caught = mutant === undefined ? null : hunt(mutant, { tables });
    if (mutant === undefined || caught === null) throw new Error('it was not caught');
    return dissect(mutant, caught, { tables, limits }).shrunk;
  };

  test('ends at once with a story that is short enough', () => {
    const { runs, lines, linesBefore } = dissected({ runsMax: 100, efforts: [{ draws: 1_000_000, lines: 1_000 }] });
    expect(runs).toBe(0);
    expect(lines).toBe(linesBefore);
  });

  test('asks for less as it goes on, and ends behind its last part', () => {
    const [part, whole] = [
      { draws: 2_000, lines: 0 },
      { draws: 1_000_000, lines: 1_000 },
    ];
    const { runs } = dissected({ runsMax: 100, efforts: [part] });
    expect(runs).toBeGreaterThan(0);
    expect(runs).toBeLessThan(20);
    expect(dissected({ runsMax: 100, efforts: [part, whole] }).runs).toBe(runs);
  });
});

describe('a variation', () => {
  test('that changes nothing lives alike', () => {
    for (let seed = 0n; seed < 5n; seed += 1n) {
      const first = live({ source: seeded(seed), tables, keepDraws: true });
      const source = aligned(new Draws(first.tape.draws ?? []).with());
      expect(live({ source, tables }).hash).toBe(first.hash);
    }
  });

  test('passes over what is no longer asked for, and answers 0 to what is asked anew', () => {
    const draws = [
      { stream: 'client-1', label: 'think', n: 9, value: 1 },
      { stream: 'client-1', label: 'keyed', n: 9, value: 2 },
      { stream: 'client-1', label: 'length', n: 9, value: 3 },
      { stream: 'client-1', label: 'think', n: 9, value: 4 },
    ];
    const stream = new Tape(aligned(new Draws(draws).with())).stream('client-1');
    const asked = ['think', 'length', 'priority', 'think', 'length'];
    expect(asked.map((label) => stream.choose(label, 9))).toEqual([1, 3, 0, 4, 0]);
  });

  test('never answers more than there is to choose from', () => {
    const draws = [{ stream: 'disk', label: 'sync', n: 9, value: 8 }];
    expect(new Tape(aligned(new Draws(draws).with())).stream('disk').choose('sync', 3)).toBe(2);
  });

  test('with an idle operator has one who looks in as rarely as can be, for as long as it is asked', () => {
    const looks = [1, 2, 3].flatMap((value) => [
      { stream: 'operator', label: 'look', n: 50, value },
      { stream: 'operator', label: 'pause', n: 8, value: 1 },
    ]);
    const drawn = new Draws(looks);
    const stream = new Tape(aligned(drawn.withIdleOperator(2, 4))).stream('operator');
    const asked = ['look', 'pause', 'look', 'pause', 'look', 'pause', 'look', 'pause'];
    // What comes behind the recording is calm, too.
    expect(asked.map((label) => stream.choose(label, label === 'look' ? 50 : 8))).toEqual([1, 1, 49, 0, 3, 1, 49, 0]);
  });

  test('without a client gives its place to the next one', () => {
    const draws = [
      { stream: 'swarm/plan', label: 'clients', n: 4, value: 1 },
      { stream: 'client-1', label: 'think', n: 9, value: 1 },
      { stream: 'client-2', label: 'think', n: 9, value: 2 },
    ];
    const variation = new Draws(draws).withoutClient('client-1');
    expect([...variation.keys()]).toEqual(['swarm/plan', 'client-1']);
    expect(variation.get('client-1')).toEqual([{ label: 'think', value: 2 }]);
    expect(variation.get('swarm/plan')).toEqual([{ label: 'clients', value: 0 }]);
  });

  test('writes a number of the plan as it is drawn: a power of two, and the rest', () => {
    const draws = [
      { stream: 'swarm/plan', label: 'operations', n: 5, value: 0 },
      { stream: 'swarm/plan', label: 'operations', n: 2, value: 1 },
    ];
    const drawn = new Draws(draws);
    const stream = new Tape(aligned(drawn.withNumber('operations', 37, drawn.with()))).stream('swarm/plan');
    expect(stream.logarithmic('operations', 2, 63)).toBe(37);
  });
});

describe('what is said of planted bugs', () => {
  const caught = { rule: 'S1', seed: '0x2a', lives: 3, linesBefore: 90, lines: 7 };
  const report = { name: 'sync-left-out', caught, huntMs: 400, shrinkMs: 800 };

  test('names the rule, the seed, the lives, the events and the time', () => {
    expect(describeHunt(report, 'never synced').replaceAll(/ +/g, ' ')).toBe(
      'sync-left-out S1 seed 0x2a 3 lives 90 -> 7 events 1.2 s never synced',
    );
    expect(describeHunt({ ...report, caught: null }, 'never synced')).toContain('SURVIVED');
  });

  test('sums up the median and the worst, and who survived', () => {
    const others = [1, 1, 500].map((lives) => ({ ...report, caught: { ...caught, lives, lines: lives + 1 } }));
    expect(summarizeHunts([...others, { ...report, name: 'untouched', caught: null }], 61_000)).toBe(
      '3 of 4 planted bugs caught; lives: median 1, at most 500; ' +
        'events of the shrunk story: median 2, at most 501; 61.0 s; survived: untouched',
    );
  });
});

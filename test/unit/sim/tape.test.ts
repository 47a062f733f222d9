import { describe, expect, test } from 'vitest';
import { firstDifference, replayed, seeded, Tape } from '../../../sim/world/tape.ts';

const drawn = (tape: Tape, stream: string, count: number): number[] =>
  Array.from({ length: count }, () => tape.stream(stream).choose('draw', 1_000_000));

describe('a choice tape', () => {
  test('one seed draws alike, another one does not', () => {
    const first = drawn(new Tape(seeded(42n)), 'disk', 50);
    expect(drawn(new Tape(seeded(42n)), 'disk', 50)).toEqual(first);
    expect(drawn(new Tape(seeded(43n)), 'disk', 50)).not.toEqual(first);
  });

  test('all 64 bits of a seed count', () => {
    const first = drawn(new Tape(seeded(1n)), 'disk', 10);
    expect(drawn(new Tape(seeded(1n + (1n << 63n))), 'disk', 10)).not.toEqual(first);
  });

  test('a draw added to one stream does not shift another', () => {
    const quiet = new Tape(seeded(7n));
    const busy = new Tape(seeded(7n));
    drawn(busy, 'network', 13);
    expect(drawn(busy, 'disk', 20)).toEqual(drawn(quiet, 'disk', 20));
    expect(drawn(busy, 'network', 20)).not.toEqual(drawn(quiet, 'disk', 20));
  });

  test('a recording replays, and is calm where it ends', () => {
    const first = new Tape(seeded(9n));
    const values = drawn(first, 'disk', 5);
    const again = new Tape(replayed(first.recording()));
    expect(drawn(again, 'disk', 7)).toEqual([...values, 0, 0]);
    expect(drawn(again, 'never drawn before', 1)).toEqual([0]);
  });

  test('a recorded answer that is too large for the question is the largest there is', () => {
    const tape = new Tape(replayed(new Map([['disk', [999]]])));
    expect(tape.stream('disk').choose('draw', 10)).toBe(9);
  });

  test('what cannot vary is not drawn', () => {
    const tape = new Tape(seeded(1n));
    expect(tape.stream('disk').choose('draw', 1)).toBe(0);
    expect(tape.stream('disk').chance('never', 0)).toBe(false);
    expect(tape.count).toBe(0);
  });

  test('each kind of draw stays in its range, and 0 is its calmest', () => {
    const stream = new Tape(seeded(3n)).stream('disk');
    for (let round = 0; round < 2_000; round += 1) {
      expect(stream.between('between', 5, 9)).toSatisfy((value: number) => value >= 5 && value <= 9);
      expect(stream.logarithmic('logarithmic', 3, 100)).toSatisfy((value: number) => value >= 3 && value <= 100);
      expect(
        stream.weighted('weighted', [
          [1, 'a'],
          [0, 'never'],
          [9, 'b'],
        ] as const),
      ).not.toBe('never');
      expect(stream.chance('always', 1_000_000)).toBe(true);
    }
    const calm = new Tape(replayed(new Map())).stream('disk');
    expect(calm.chance('even then', 999_999)).toBe(false);
    expect(calm.between('between', 5, 9)).toBe(5);
    expect(calm.logarithmic('logarithmic', 3, 100)).toBe(3);
    expect(
      calm.weighted('weighted', [
        [1, 'first'],
        [9, 'second'],
      ] as const),
    ).toBe('first');
  });

  test('the first draw that differs between two runs is named', () => {
    const [first, second] = [1n, 2n].map((seed) => {
      const tape = new Tape(seeded(seed), { keepDraws: true });
      tape.stream('same').choose('alike', 1);
      tape.stream('disk').choose('label', 1_000_000);
      return tape.draws ?? [];
    });
    expect(firstDifference(first ?? [], first ?? [])).toBeUndefined();
    expect(firstDifference(first ?? [], second ?? [])).toMatchObject({ position: 0, first: { stream: 'disk' } });
  });
});

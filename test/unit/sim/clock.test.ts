import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Clock, newLife } from '../../../sim/world/clock.ts';

function runAll(clock: Clock): void {
  for (let timer = clock.next(); timer !== undefined; timer = clock.next()) timer.run();
}

describe('the clock', () => {
  test('events run in order of time, and in the order they were set where that is equal', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), (delays) => {
        const clock = new Clock(0);
        const seen: { at: number; index: number }[] = [];
        delays.forEach((delay, index) => clock.after(delay, null, () => seen.push({ at: clock.nowUs, index })));
        runAll(clock);
        const expected = delays.map((at, index) => ({ at, index })).sort((a, b) => a.at - b.at || a.index - b.index);
        expect(seen).toEqual(expected);
      }),
    );
  });

  test('the events of an ended life, and cancelled ones, never run', () => {
    const clock = new Clock(0);
    const life = newLife();
    const seen: string[] = [];
    clock.after(5, life, () => seen.push('dead'));
    clock.after(6, null, () => seen.push('cancelled')).cancelled = true;
    clock.after(1, life, () => {
      life.alive = false;
    });
    clock.after(9, null, () => seen.push('other'));
    runAll(clock);
    expect(seen).toEqual(['other']);
  });

  test('the events of a frozen life wait for it, in order; others do not', () => {
    const clock = new Clock(0);
    const life = newLife();
    const seen: string[] = [];
    clock.after(1, life, () => seen.push(`first at ${clock.nowUs}`));
    clock.after(2, life, () => seen.push(`second at ${clock.nowUs}`));
    clock.after(3, null, () => seen.push(`other at ${clock.nowUs}`));
    life.frozenUntilUs = 100;
    runAll(clock);
    expect(seen).toEqual(['other at 3', 'first at 100', 'second at 100']);
  });

  test('a jump of the wall clock moves no event and leaves monotonic time alone', () => {
    const clock = new Clock(1_000_000);
    clock.after(5_000, null, () => undefined);
    clock.wallOffsetMs -= 400;
    expect(clock.wallMs).toBe(999_600);
    expect(clock.next()?.atUs).toBe(5_000);
    expect(clock.monotonicMs).toBe(5);
    expect(clock.wallMs).toBe(999_605);
  });

  test('after a sleep of the world, what was due meanwhile happens late', () => {
    const clock = new Clock(0);
    const seen: number[] = [];
    clock.after(10, null, () => seen.push(clock.nowUs));
    clock.sleep(1_000);
    clock.after(1, null, () => seen.push(clock.nowUs));
    runAll(clock);
    expect(seen).toEqual([1_000, 1_001]);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../../core/job/assert.ts';
import { Sorted } from '../../../core/store/sorted.ts';

const numbers = (): Sorted<number, number> => new Sorted<number, number>((left, right) => left - right);

describe('a sorted list', () => {
  it('is what an array would be, whatever is added and removed', () => {
    const items = fc.uniqueArray(fc.integer({ min: 0, max: 100_000 }), { minLength: 1_500, maxLength: 3_000 });
    const isRising = fc.boolean();
    const survival = fc.constantFrom(0, 2, 10, 1_000);
    fc.assert(
      fc.property(items, isRising, survival, fc.nat(100_000), (items, isRising, survival, probe) => {
        const ordered = items.toSorted((left, right) => left - right);
        const sorted = numbers();
        for (const item of isRising ? ordered : items) sorted.add(item);
        expect([...sorted.ascending()]).toEqual(ordered);

        const kept = ordered.filter((_, index) => survival > 0 && index % survival === 0);
        const survivors = new Set(kept);
        for (const item of items) if (!survivors.has(item)) sorted.remove(item);
        expect([...sorted.ascending()]).toEqual(kept);
        expect([...sorted.descending()]).toEqual(kept.toReversed());
        expect(sorted.first()).toBe(kept[0]);
        expect([...sorted.ascending(probe)]).toEqual(kept.filter((item) => item >= probe));
        expect([...sorted.descending(probe)]).toEqual(kept.filter((item) => item < probe).toReversed());
      }),
      { numRuns: 20 },
    );
  });

  it('refuses an item that is in, and the removal of one that is not', () => {
    const sorted = numbers();
    expect(() => sorted.remove(1)).toThrow(InvariantError);
    sorted.add(1);
    expect(() => sorted.add(1)).toThrow(InvariantError);
    expect(() => sorted.remove(2)).toThrow(InvariantError);
    expect([...sorted.ascending()]).toEqual([1]);
  });
});

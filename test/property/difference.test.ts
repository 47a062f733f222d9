// The quick look and the thorough one of the oracle must agree: what the quick one lets pass nobody looks at again.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { difference, differs } from '../../sim/oracles/difference.ts';

/** Few names and leaves, so that two values are often alike, or almost. */
const { value } = fc.letrec((tie) => ({
  leaf: fc.constantFrom(undefined, null, 0, 1, '', 'a'),
  record: fc.dictionary(fc.constantFrom('a', 'b', 'id'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  list: fc.array(tie('value'), { maxLength: 2 }),
  map: fc.array(fc.tuple(fc.constantFrom('a', 'b'), tie('value')), { maxLength: 2 }).map((entries) => new Map(entries)),
  value: fc.oneof({ depthSize: 'small', maxDepth: 3 }, tie('leaf'), tie('record'), tie('list'), tie('map')),
}));

it('the quick look finds a difference where the thorough one does, and nowhere else', () => {
  fc.assert(
    fc.property(value, value, (expected, told) => {
      expect(differs('it', expected, told)).toBe(difference('it', expected, told));
    }),
    { numRuns: 5_000 },
  );
});

it('a value has no difference from a copy of itself', () => {
  fc.assert(
    fc.property(value, (one) => {
      expect(differs('it', one, structuredClone(one))).toBeNull();
    }),
  );
});

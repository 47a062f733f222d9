// Instants on the wire; what is refused is in bad-submission.test.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInstant, parseInstant } from '../../runtime/http/rfc3339.ts';

describe('an instant', () => {
  it.each([
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['1969-12-31T23:59:59-00:01', '1970-01-01T00:00:59.000Z'],
    ['1970-01-01T23:59:00+23:59', '1970-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['2030-01-01T00:00:00-00:00', '2030-01-01T00:00:00.000Z'],
    ['2030-01-01t12:34:56z', '2030-01-01T12:34:56.000Z'],
    ['2030-01-01T12:34:56.7Z', '2030-01-01T12:34:56.700Z'],
    ['2030-01-01T12:34:56.78Z', '2030-01-01T12:34:56.780Z'],
    ['2030-01-01T12:34:56.7899999999999999999999Z', '2030-01-01T12:34:56.789Z'],
    ['2030-01-01T12:34:56.000999Z', '2030-01-01T12:34:56.000Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['2030-12-31T23:30:00-05:30', '2031-01-01T05:00:00.000Z'],
    ['2030-01-01T05:29:59+05:30', '2029-12-31T23:59:59.000Z'],
  ])('%s is %s', (text, instant) => {
    expect(formatInstant(parseInstant(text) ?? Number.NaN)).toBe(instant);
  });

  it('that is written is read as the same', () => {
    const instants = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });
    fc.assert(fc.property(instants, (instant) => parseInstant(formatInstant(instant)) === instant));
  });
});

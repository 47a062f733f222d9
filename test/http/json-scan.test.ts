// The scanner takes exactly what JSON.parse takes, and finds what JSON.parse hides.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanElements, scanObject, skipSpace, skipValue } from '../../runtime/http/json-scan.ts';

function scans(text: string): boolean {
  try {
    return skipSpace(text, skipValue(text, 0)) === text.length;
  } catch {
    return false;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A text with one character removed, doubled or replaced: mostly not JSON any more. */
const damaged = fc
  .tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', '{', '}', '[', ']', ',', ':', '"', '\\', '0', '-', '.', 'e', ' ', '\n'),
  )
  .map(([text, at, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1));

describe('the scanner', () => {
  it('takes what JSON.parse takes', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 8 }), (text) => scans(text)));
  });

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(damaged, (text) => scans(text) === parses(text)),
      { numRuns: 3_000 },
    );
  });

  it('finds the fields of an object where JSON.parse finds them', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 })), (value) => {
        const text = JSON.stringify(value, null, 1);
        const scan = scanObject(text, 0, new Set());
        const found = scan?.fields.map(({ name, start, end }) => [name, JSON.parse(text.slice(start, end))]);
        expect(found).toEqual(Object.entries(JSON.parse(text)));
        expect(scan?.end).toBe(text.length);
      }),
    );
  });

  it('finds the elements of an array where JSON.parse finds them', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 3 })), (value) => {
        const text = ` ${JSON.stringify(value, null, 1)}`;
        const found: unknown[] = [];
        const elements = scanElements(text, 1);
        let element = elements.next(1);
        while (element.done !== true) {
          const end = skipValue(text, element.value);
          found.push(JSON.parse(text.slice(element.value, end)));
          element = elements.next(end);
        }
        expect(found).toEqual(JSON.parse(text));
        expect(element.value).toBe(text.length);
      }),
    );
  });

  it('is linear in depth and in length', () => {
    const deep = '['.repeat(2_000_000) + ']'.repeat(2_000_000);
    const findings = { tooDeep: false, outOfRange: false };
    expect(skipValue(deep, 0, findings)).toBe(deep.length);
    expect(findings.tooDeep).toBe(true);
    const long = `"${'\\\\'.repeat(2_000_000)}"`;
    expect(skipValue(long, 0)).toBe(long.length);
    const digits = '9'.repeat(2_000_000);
    expect(skipValue(digits, 0)).toBe(digits.length);
  });
});

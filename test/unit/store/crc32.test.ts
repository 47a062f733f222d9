import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, crcOfText, crcText } from '../../../core/store/crc32.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the checksum', () => {
  it.each([
    ['', '00000000'],
    ['a', 'e8b7be43'],
    ['abc', '352441c2'],
    ['123456789', 'cbf43926'],
    ['The quick brown fox jumps over the lazy dog', '414fa339'],
  ])('of %j is %s', (text, expected) => {
    expect(crcText(crc32(bytesOf(text)))).toBe(expected);
  });

  it('is that of zlib, for any bytes and any part of them', () => {
    const parts = fc
      .uint8Array({ maxLength: 200 })
      .chain((bytes) => fc.record({ bytes: fc.constant(bytes), from: fc.nat(bytes.length), to: fc.nat(bytes.length) }));
    fc.assert(
      fc.property(parts, ({ bytes, from, to }) => {
        expect(crc32(bytes, from, to)).toBe(zlibCrc32(bytes.subarray(from, Math.max(from, to))));
      }),
    );
  });

  it('is that of zlib for a megabyte', () => {
    const bytes = new Uint8Array(1024 * 1024 + 3).map((_, index) => Math.imul(index, 2_654_435_761) >>> 13);
    expect(crc32(bytes)).toBe(zlibCrc32(bytes));
  });
});

describe('the text of a checksum', () => {
  it('has eight digits and reads back as the number', () => {
    for (const crc of [0, 1, 0xff, 0x89abcdef, 0xffffffff]) {
      expect(crcText(crc)).toHaveLength(8);
      expect(crcOfText(crcText(crc))).toBe(crc);
    }
  });

  it.each(['', '1234567', '123456789', '1234567G', 'ABCDEF01', ' 1234567', 12345678, null])('is not %j', (text) => {
    expect(crcOfText(text)).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { together } from '../../../sim/explore/exhaustive.ts';
import type { Explored } from '../../../sim/explore/exhaustive.ts';
import { Hasher } from '../../../sim/explore/fingerprint.ts';
import { fingerprintOfBytes } from '../../../sim/explore/images.ts';
import { Tears } from '../../../sim/explore/tears.ts';
import { encodeRecord } from '../../../core/store/record.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const written = (text: string) => [{ kind: 'write', offset: 0, bytes: bytesOf(text) } as const];

describe('a fingerprint', () => {
  test('is the same however far the bytes were taken in before', () => {
    const bytes = bytesOf('the quick brown fox jumps');
    const whole = fingerprintOfBytes(bytes);
    for (const first of [0, 4, 20, 24]) {
      const beginning = new Hasher().bytes(bytes, 0, first);
      expect(beginning.copy().bytes(bytes, first).word(bytes.length).fingerprint).toBe(whole);
    }
  });

  test('differs by one bit, by the length, and by the place of a NUL', () => {
    const prints = ['', '\0', '\0\0', '\0\0\0\0', 'abcd', 'abce', 'abcd\0', '\0abcd', 'abcde'].map((text) =>
      fingerprintOfBytes(bytesOf(text)),
    );
    expect(new Set(prints).size).toBe(prints.length);
  });

  test('no two of a hundred thousand records have the same', () => {
    const prints = new Set<string>();
    for (let n = 1; n <= 100_000; n += 1) prints.add(new Hasher().text(`{"n":${n},"kind":"batch"}`).fingerprint);
    expect(prints.size).toBe(100_000);
  });
});

describe('a write is torn', () => {
  const record = (n: number): string =>
    new TextDecoder().decode(encodeRecord({ n, segment: 1, durable: n - 1, prev: n * 7_919 }, { kind: 'seal' }).bytes);

  test('at every byte if it is the first of its shape, or if that is asked for', () => {
    const tears = new Tears();
    expect(tears.cutsOf('journal-0000000001.log', written(record(1)), false)).toBeNull();
    expect(tears.cutsOf('journal-0000000002.log', written(record(12)), false)).not.toBeNull();
    expect(tears.cutsOf('journal-0000000002.log', written(record(12)), true)).toBeNull();
    expect(tears.cutsOf('clean.tmp', written(record(12)), false)).toBeNull();
    expect(tears.cutsOf('journal-0000000002.log', written(record(1) + record(2)), false)).toBeNull();
  });

  test('else at its first and last byte, at each sector and around each field', () => {
    const tears = new Tears();
    const text = `${record(1)}${'x'.repeat(1_000)}`;
    tears.cutsOf('a', written(text), false);
    const cuts = tears.cutsOf('a', written(text), false)?.(text.length) ?? [];
    const segmentAt = text.indexOf(',"segment"');
    for (const at of [0, 1, 8, 9, 512, 1_024, segmentAt, segmentAt + 1, text.length - 1]) expect(cuts).toContain(at);
    expect(cuts.length).toBeLessThan(60);
    expect(Math.max(...cuts)).toBeLessThan(text.length);
  });
});

test('what each share counted alone is added up, and what all walked is counted once', () => {
  const share: Explored = {
    workloads: 7,
    unlike: 5,
    points: 4,
    fates: 30,
    images: 20,
    distinct: 10,
    judged: 6,
    continued: 2,
    recoveries: 8,
    states: 3,
    sampled: 0,
    failures: ['one'],
  };
  expect(together([share, { ...share, failures: [] }])).toEqual({
    ...share,
    images: 40,
    distinct: 20,
    judged: 12,
    continued: 4,
    recoveries: 16,
  });
});

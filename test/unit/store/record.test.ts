// The line and the record in it: what is written is read back, and nothing else is taken for it.

import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../core/job/event.ts';
import { encodeLine, lineAt, objectOf } from '../../../core/store/line.ts';
import { bodyOf, encodeRecord, findRecord, recordOf } from '../../../core/store/record.ts';
import type { RecordBody, RecordHead } from '../../../core/store/record.ts';
import { submitted } from '../../support/data-directory.ts';

const HEAD: RecordHead = { n: 12, segment: 3, durable: 11, prev: 0x89abcdef };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function decode(bytes: Uint8Array, offset = 0): { head: RecordHead; body: RecordBody | undefined } | undefined {
  const line = lineAt(bytes, offset);
  const record = line === undefined ? undefined : recordOf(line);
  return record === undefined ? undefined : { head: record.head, body: bodyOf(record) };
}

const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(parts.flatMap((part) => [...part]));

describe('a line', () => {
  it('can be read, and checked, by anyone', () => {
    const written = text(encodeRecord(HEAD, { kind: 'seal' }).bytes);
    const json = '{"n":12,"segment":3,"durable":11,"prev":"89abcdef","kind":"seal"}';
    const covered = `${String(json.length).padStart(9, '0')} ${json}`;
    expect(written).toBe(`${zlibCrc32(covered).toString(16).padStart(8, '0')} ${covered}\n`);
  });

  it('has its length in bytes, and one LF, whatever the text', () => {
    const bytes = encodeLine(JSON.stringify({ text: 'ü\n\u2028😀\ud800' })).bytes;
    expect(text(bytes).slice(9, 18)).toBe(String(bytes.length - 20).padStart(9, '0'));
    expect(bytes.filter((byte) => byte === 0x0a)).toHaveLength(1);
    expect(bytes.at(-1)).toBe(0x0a);
  });

  it('is not valid with any single bit flipped', () => {
    const { bytes } = encodeRecord(HEAD, { kind: 'batch', events: [submitted(1)] });
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(lineAt(flipped, 0), `bit ${bit}`).toBeUndefined();
    }
  });

  it('is not valid when cut anywhere', () => {
    const { bytes } = encodeRecord(HEAD, { kind: 'seal' });
    for (let length = 0; length < bytes.length; length += 1) {
      expect(lineAt(bytes.subarray(0, length), 0), `${length} bytes`).toBeUndefined();
    }
  });

  it('with a second way of writing the same number is not valid', () => {
    const { bytes } = encodeLine('{"a":1}');
    const letters = [...text(bytes).slice(0, 8)].findIndex((digit) => digit >= 'a');
    expect(letters).toBeGreaterThanOrEqual(0);
    bytes[letters] = (bytes[letters] ?? 0) & ~0x20;
    expect(lineAt(bytes, 0)).toBeUndefined();
  });

  it('that holds no JSON object says nothing', () => {
    for (const json of ['[1]', '"text"', 'null', '{"a":', '']) {
      const line = lineAt(encodeLine(json).bytes, 0);
      expect(line === undefined ? undefined : objectOf(line), json).toBeUndefined();
    }
  });
});

describe('a record', () => {
  it('reads back as it was written', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 30 });
    const events = fc.array(texts, { minLength: 1, maxLength: 5 }).map((payloads): Event[] => {
      return payloads.map((payload, index) => submitted(index + 1, payload));
    });
    fc.assert(
      fc.property(events, fc.nat(), fc.nat(0xffffffff), (batch, n, prev) => {
        const head = { ...HEAD, n: n + 1, durable: n, prev };
        const body = { kind: 'batch', events: batch } as const;
        expect(decode(encodeRecord(head, body).bytes)).toEqual({ head, body });
      }),
    );
  });

  it.each(['seal', 'clean'] as const)('of kind %s says nothing more', (kind) => {
    expect(decode(encodeRecord(HEAD, { kind }).bytes)).toEqual({ head: HEAD, body: { kind } });
  });

  it.each([
    { n: 12, segment: 3, durable: 12, prev: '89abcdef' },
    { n: -1, segment: 3, durable: -2, prev: '89abcdef' },
    { n: 1.5, segment: 3, durable: 0, prev: '89abcdef' },
    { n: 12, segment: 3, durable: 11, prev: '89ABCDEF' },
    { n: 12, durable: 11, prev: '89abcdef' },
    { format: 1, directory: 'x', segment: 1, first: 1, prev: '00000000' },
  ])('is not %j', (value) => {
    expect(decode(encodeLine(JSON.stringify({ ...value, kind: 'seal' })).bytes)).toBeUndefined();
  });

  it.each([
    { kind: 'batch' },
    { kind: 'batch', events: [] },
    { kind: 'batch', events: [null] },
    { kind: 'batch', events: [{ seq: 1, at: 1, kind: 'deleted' }] },
    { kind: 'batch', events: [{ seq: 1, at: 1, kind: 'paused', jobId: 'job-1' }] },
    { kind: 'from the future' },
    {},
  ])('that says %j says nothing that is known', (value) => {
    const json = JSON.stringify({ n: 12, segment: 3, durable: 11, prev: '89abcdef', ...value });
    expect(decode(encodeLine(json).bytes)?.body).toBeUndefined();
  });
});

describe('looking for a record', () => {
  const lines = [1, 2, 3].map((n) => encodeRecord({ ...HEAD, n, durable: n - 1 }, { kind: 'seal' }).bytes);
  const [first = new Uint8Array(), second = new Uint8Array(), third = new Uint8Array()] = lines;
  const find = (bytes: Uint8Array, durable = 0, from = 0) =>
    findRecord(bytes, from, (head) => head.durable >= durable)?.record.head.n;

  it('finds the first of which the test is true', () => {
    expect(find(concat(first, second, third))).toBe(1);
    expect(find(concat(first, second, third), 2)).toBe(3);
    expect(find(concat(first, second, third), 3)).toBeUndefined();
  });

  it('finds it behind NUL bytes, noise and a line that lost its LF', () => {
    const noise = new Uint8Array(100).map((_, index) => (index * 37) % 256);
    expect(find(concat(new Uint8Array(50), second))).toBe(2);
    expect(find(concat(noise, second))).toBe(2);
    expect(find(concat(first.subarray(0, -1), second), 1)).toBe(2);
    expect(find(concat(first.subarray(0, 30), second), 1)).toBe(2);
  });

  it('starts at the offset', () => {
    expect(find(concat(first, second), 0, first.length)).toBe(2);
    expect(find(concat(first, second), 0, 1)).toBe(2);
  });

  it('takes no payload for a record, whatever a client writes into it', () => {
    const fake = text(third);
    const bytes = encodeRecord({ ...HEAD, n: 1, durable: 0 }, { kind: 'batch', events: [submitted(1, fake)] }).bytes;
    expect(find(bytes.subarray(1), 1)).toBeUndefined();
  });

  it('is linear: megabytes of lines that all are damaged are passed at once', () => {
    const bytes = new Uint8Array(first.length * 100_000);
    for (let at = 0; at < bytes.length; at += first.length) {
      bytes.set(first, at);
      bytes[at + 40] = 0x20;
    }
    const startedAt = performance.now();
    expect(find(bytes)).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

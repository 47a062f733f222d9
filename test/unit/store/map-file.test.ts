import { expect, it } from 'vitest';
import { Instant } from '../../../core/job/job.ts';
import { ContentReader, decodeContent, EMPTY, encodeContent } from '../../../core/store/map-file.ts';

const exportOf = (lastSeq: number): Uint8Array =>
  encodeContent({ ...EMPTY, meta: { lastSeq, lastAt: Instant(lastSeq), forgottenSeq: 0 } });

it('an export is read as it is decoded, the first time and again', () => {
  const reader = new ContentReader();
  const bytes = exportOf(7);
  const first = reader.read(bytes);
  expect(first).toEqual(decodeContent(bytes));
  expect(reader.read(bytes.slice())).toBe(first);
});

it('an export of equal length is told from one that was read before', () => {
  const reader = new ContentReader();
  reader.read(exportOf(7));
  expect(reader.read(exportOf(8))).toEqual(decodeContent(exportOf(8)));
});

it('bytes that are written over are read anew', () => {
  const reader = new ContentReader();
  const bytes = exportOf(7);
  reader.read(bytes);
  bytes.set(exportOf(8));
  expect(reader.read(bytes)).toEqual(decodeContent(exportOf(8)));
});

it('what is no export is refused each time', () => {
  const reader = new ContentReader();
  for (const _ of [1, 2]) expect(() => reader.read(new Uint8Array(4))).toThrow('not an export of map tables');
});

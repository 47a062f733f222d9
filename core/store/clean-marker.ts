// The clean marker: the file `clean`, left by an orderly shutdown when all else is durable. One line (line.ts):
//
//   {"format":1,"directory":"<id>","segment":3,"bytes":5120,"record":40,"crc":"89abcdef"}
//
// The journal ends with this segment, which is so long and ends with this record, whose line has this checksum. A journal
// that ends anywhere else was cut or changed since, even if it is whole to its last byte.
//
// Rule 1: it is written beside and renamed, so that it is never torn: an unreadable one is damage.
// Rule 2: it is removed, and the directory synced, before the next start writes anything. Where it is, the segment was
//         synced after its last byte was written, and nothing has been written since.

import { crcOfText, crcText } from './crc32.ts';
import { DamageError, FormatError } from './damage.ts';
import { read, writeBeside } from './disk.ts';
import type { DiskProgram } from './disk.ts';
import { encodeLine, isCount, lineAt, objectOf } from './line.ts';
import type { Place } from './segment.ts';
import { MARKER_FILE } from './survey.ts';

const MARKER_FORMAT = 1;

export type CleanMarker = { readonly segment: number; readonly bytes: number; readonly place: Place };

export function* writeMarker({ segment, bytes, place }: CleanMarker): DiskProgram<void> {
  const { directoryId: directory, record } = place;
  const marker = { format: MARKER_FORMAT, directory, segment, bytes, record, crc: crcText(place.crc) };
  yield* writeBeside(MARKER_FILE, encodeLine(JSON.stringify(marker)).bytes);
  yield { kind: 'syncDirectory' };
}

/** @throws {DamageError | FormatError} if the marker cannot be read. */
export function* readMarker(): DiskProgram<CleanMarker> {
  const bytes = yield* read(MARKER_FILE);
  const line = lineAt(bytes, 0);
  const value = line?.end === bytes.length ? objectOf(line) : undefined;
  const { format, directory, segment, bytes: length, record } = value ?? {};
  if (isCount(format) && format > MARKER_FORMAT) {
    throw new FormatError({ file: MARKER_FILE, found: format, newestKnown: MARKER_FORMAT });
  }
  const crc = crcOfText(value?.['crc']);
  const isWhole = typeof directory === 'string' && isCount(segment) && isCount(length) && isCount(record);
  if (format !== MARKER_FORMAT || !isWhole || crc === undefined) {
    const reason = 'the file that an orderly shutdown left is not valid';
    throw new DamageError({ file: MARKER_FILE, offset: 0, record: null, reason });
  }
  return { segment, bytes: length, place: { directoryId: directory, record, crc } };
}

export function* removeMarker(): DiskProgram<void> {
  yield { kind: 'remove', file: MARKER_FILE };
  yield { kind: 'syncDirectory' };
}

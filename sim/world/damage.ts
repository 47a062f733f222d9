// Damage that no crash can do: bits that rot, blocks that stray, files that are missing, stale or foreign, syncs that lied.
//
// Everything here works on the image of a disk: names and bytes. The promise does not cover such damage; it covers that
// perdure never takes it for something else. What must be noticed, and what cannot be, is said beside each.

import { crcText } from '../../core/store/crc32.ts';
import { encodeLine, lineAt, objectOf } from '../../core/store/line.ts';
import type { Line } from '../../core/store/line.ts';
import { headerOf } from '../../core/store/segment.ts';
import type { Stream } from './tape.ts';

export type Image = ReadonlyMap<string, Uint8Array>;

export type Damaged = {
  readonly image: Image;
  /** What was done, for the trace. */
  readonly what: string;
  /**
   * The image that a start may find instead of the one before: as if the damaged end had never been written. Null where
   * something that is still there proves that it had been.
   */
  readonly unproven: Image | null;
};

export type DamageCode = 'D9' | 'D12' | 'D13' | 'D14' | 'D16';

/** Null where there is nothing that could be damaged so. */
export function damage(code: DamageCode, image: Image, stream: Stream): Damaged | null {
  switch (code) {
    case 'D9':
      return loseSyncs(image, stream);
    case 'D12':
      return corrupt(
        image,
        stream,
        pickFile(image, stream, () => true),
      );
    case 'D13':
      return corruptTail(image, stream);
    case 'D14':
      return stray(image, stream);
    case 'D16':
      return mismatch(image, stream);
  }
}

const BLOCK_BYTES = 512;

const isSegment = (name: string): boolean => /^journal-\d{10}\.log$/.test(name);
const isSnapshot = (name: string): boolean => /^snapshot-\d{10}\.(sqlite|json)$/.test(name);

/** The files that count, in the order of their names, so that a draw means the same in each run. */
const filesOf = (image: Image, counts: (name: string) => boolean): string[] =>
  [...image.keys()].filter((name) => counts(name) && (image.get(name)?.length ?? 0) > 0).sort();

function pickFile(image: Image, stream: Stream, counts: (name: string) => boolean): string | null {
  const files = filesOf(image, (name) => counts(name) && (isSegment(name) || isSnapshot(name) || name === 'clean'));
  return files.length === 0 ? null : stream.pick('file', files);
}

/** It has a header of its own: a stale line of another file may stand where one did not reach the disk. */
const isBegun = (image: Image, name: string): boolean =>
  isSegment(name) && headerOf(name, image.get(name) ?? new Uint8Array(0))?.segment === numberOf(name);

/** The last segment that was begun: one without its header tells nothing of those before it. */
const lastSegmentOf = (image: Image): string | undefined => filesOf(image, (name) => isBegun(image, name)).at(-1);

const changed = (image: Image, name: string, bytes: Uint8Array | null): Image => {
  const copy = new Map(image);
  if (bytes === null) copy.delete(name);
  else copy.set(name, bytes);
  return copy;
};

/**
 * Where the lines of a segment begin; the last number is the end of the last valid one. Each names the one before it: an
 * older line that a power loss has left behind the end is none of them.
 */
function linesOf(bytes: Uint8Array): number[] {
  const starts = [0];
  let before: Line | null = null;
  for (let line = lineAt(bytes, 0); line !== undefined; line = lineAt(bytes, line.end)) {
    if (before !== null && objectOf(line)?.['prev'] !== crcText(before.crc)) break;
    starts.push(line.end);
    before = line;
  }
  return starts;
}

/**
 * Damaged last records are torn ones, unless something proves that they had been durable: a later record, a later segment,
 * the marker of an orderly shutdown.
 */
function withoutTail(
  image: Image,
  name: string,
  damaged: { readonly from: number; readonly to: number },
): Image | null {
  if (name !== lastSegmentOf(image) || image.has('clean')) return null;
  const bytes = image.get(name) ?? new Uint8Array(0);
  const starts = linesOf(bytes);
  const end = starts.at(-1) ?? 0;
  const first = starts.findLast((start) => start <= damaged.from && start < end) ?? 0;
  const last = starts.at(-2) ?? 0;
  // The first line is the header: what has one line more than it was begun.
  return first === 0 || damaged.to <= last ? null : changed(image, name, bytes.subarray(0, first));
}

/** A bit, or a block that reads as NULs or as noise. */
function corrupt(image: Image, stream: Stream, name: string | null): Damaged | null {
  const bytes = name === null ? undefined : image.get(name);
  return name === null || bytes === undefined
    ? null
    : corruptAt(image, stream, { name, at: stream.choose('where', bytes.length) });
}

function corruptAt(image: Image, stream: Stream, place: { name: string; at: number }): Damaged {
  const { name, at } = place;
  const bytes = image.get(name)?.slice() ?? new Uint8Array(0);
  const kind = stream.pick('corruption', ['bit', 'NULs', 'noise'] as const);
  const from = kind === 'bit' ? at : at - (at % BLOCK_BYTES);
  if (kind === 'bit') bytes[at] = (bytes[at] ?? 0) ^ (1 << stream.choose('bit', 8));
  else if (kind === 'NULs') bytes.fill(0, from, from + BLOCK_BYTES);
  else
    for (let index = from; index < Math.min(from + BLOCK_BYTES, bytes.length); index += 1) bytes[index] = noise(index);
  const what = `${kind} at byte ${from} of ${name}`;
  const to = kind === 'bit' ? from + 1 : from + BLOCK_BYTES;
  return { image: changed(image, name, bytes), what, unproven: withoutTail(image, name, { from, to }) };
}

/** Bytes that are nobody's. */
const noise = (index: number): number => (Math.imul(index + 1, 0x9e3779b1) >>> 24) & 0xff;

/** In the last three lines of the journal: the border between what is torn and what is damaged. */
function corruptTail(image: Image, stream: Stream): Damaged | null {
  const name = lastSegmentOf(image);
  const bytes = name === undefined ? undefined : image.get(name);
  if (name === undefined || bytes === undefined) return null;
  const starts = linesOf(bytes);
  const from = starts.at(-2 - stream.choose('record from the end', 3)) ?? 0;
  return from >= bytes.length
    ? null
    : corruptAt(image, stream, { name, at: from + stream.choose('where', bytes.length - from) });
}

/** The end of a file was never written, though every sync of it said yes. */
function loseSyncs(image: Image, stream: Stream): Damaged | null {
  const name = pickFile(image, stream, isSegment);
  const bytes = name === null ? undefined : image.get(name);
  if (name === null || bytes === undefined) return null;
  const starts = linesOf(bytes);
  const cut = stream.pick('cut', starts);
  const short = bytes.subarray(0, cut);
  const asZeros = bytes.slice().fill(0, cut);
  const isZeros = stream.choose('size kept', 2) === 1;
  // Where the journal simply ends earlier nothing is left that could tell. NULs instead of a header can tell.
  const isLast = name === lastSegmentOf(image) && !image.has('clean') && (cut > 0 || !isZeros);
  return {
    image: changed(image, name, isZeros ? asZeros : short),
    what: `${name} ends at byte ${cut}${isZeros ? ', NULs behind it' : ''}`,
    unproven: isLast ? changed(image, name, short) : null,
  };
}

/** A block or a file stands where another one belongs. */
function stray(image: Image, stream: Stream): Damaged | null {
  const name = pickFile(image, stream, () => true);
  const other = pickFile(image, stream, () => true);
  const bytes = name === null ? undefined : image.get(name);
  const others = other === null ? undefined : image.get(other);
  if (name === null || other === null || bytes === undefined || others === undefined) return null;
  switch (stream.pick('stray', ['block', 'file', 'missing', 'foreign'] as const)) {
    case 'block': {
      const to = stream.choose('to', Math.ceil(bytes.length / BLOCK_BYTES)) * BLOCK_BYTES;
      const from = stream.choose('from', Math.ceil(others.length / BLOCK_BYTES)) * BLOCK_BYTES;
      const block = others.subarray(from, from + Math.min(BLOCK_BYTES, bytes.length - to));
      const copy = bytes.slice();
      copy.set(block, to);
      const what = `the block at ${from} of ${other} stands at ${to} of ${name}`;
      const damaged = { from: to, to: to + BLOCK_BYTES };
      return { image: changed(image, name, copy), what, unproven: withoutTail(image, name, damaged) };
    }
    case 'file':
      if (name === other) return null;
      return {
        image: changed(image, name, others),
        what: `${name} is what ${other} is`,
        unproven: unprovenWithout(image, name),
      };
    case 'missing': {
      // The only segment of a directory, and all that was in it: nothing is left that could tell.
      const isAll = isSegment(name) && filesOf(image, () => true).every((file) => file === name || !tells(file));
      if (isAll) return null;
      return { image: changed(image, name, null), what: `${name} is missing`, unproven: unprovenWithout(image, name) };
    }
    case 'foreign': {
      // Alone it would be what it says: the beginning of a directory. A segment without a header tells nothing against it.
      if (!isSegment(name) || filesOf(image, (file) => isBegun(image, file) || isSnapshot(file)).length === 1)
        return null;
      const copy = foreign(bytes);
      return copy === null ? null : { image: changed(image, name, copy), what: `${name} is another's`, unproven: null };
    }
  }
}

const tells = (name: string): boolean =>
  isSegment(name) || isSnapshot(name) || name === 'clean' || name.includes('torn');

/** A last segment that is gone as a whole may never have been made, if the one before it is complete; so may a marker. */
function unprovenWithout(image: Image, name: string): Image | null {
  if (name === 'clean') return changed(image, name, null);
  return name === lastSegmentOf(image) && !image.has('clean') ? changed(image, name, null) : null;
}

/** The segment of that number as another data directory would begin it: valid, and not ours. */
function foreign(bytes: Uint8Array): Uint8Array | null {
  const header = lineAt(bytes, 0);
  if (header === undefined) return null;
  const text = new TextDecoder().decode(header.json);
  return encodeLine(text.replace(/"directory":"[^"]*"/, `"directory":"${'f'.repeat(32)}"`)).bytes;
}

/** The set of snapshots and the set of segments are not of one time, or not of one directory. */
function mismatch(image: Image, stream: Stream): Damaged | null {
  const snapshots = filesOf(image, isSnapshot);
  const newest = snapshots.at(-1)?.replace(/\.\w+$/, '');
  const files = filesOf(image, (name) => isSegment(name) || (newest !== undefined && name.startsWith(newest)));
  if (files.length < 2) return null;
  const kept = files.filter(() => stream.choose('kept', 2) === 0);
  if (kept.length === files.length || kept.length === 0) return null;
  const gone = files.filter((name) => !kept.includes(name));
  const rest = new Map([...image].filter(([name]) => !gone.includes(name)));
  const what = `${gone.join(', ')} ${gone.length === 1 ? 'is' : 'are'} missing`;
  return { image: rest, what, unproven: unprovenTail(rest, gone) };
}

/** Of what is missing only the newest segments may never have been there, and only if no snapshot is left that needs one. */
function unprovenTail(rest: Image, gone: readonly string[]): Image | null {
  if (rest.has('clean')) return null;
  const last = numberOf(lastSegmentOf(rest) ?? '');
  const covered = Math.max(-1, ...filesOf(rest, isSnapshot).map(numberOf));
  const needed = gone
    .filter(isSegment)
    .map(numberOf)
    .filter((number) => number > covered);
  return needed.length > 0 && needed.every((number) => number > last) && covered < last ? rest : null;
}

const numberOf = (name: string): number => Number(/\d{10}/.exec(name)?.[0] ?? 0);

// What lies in a data directory, by name. Names that are not in this list belong to others and are left alone.
//
//   journal-0000000003.log          a segment of the journal (segment.ts)
//   journal-0000000003.torn-4711    the tail that recovery cut from that segment at byte 4711: never acknowledged
//   snapshot-0000000002.sqlite      the tables as the segments up to 2 made them (snapshot-file.ts)
//   snapshot-0000000002.json        what that file must be; without it there is no snapshot
//   clean                           an orderly shutdown (clean-marker.ts)
//   reserve                         bytes to give up when the disk is full (../engine/reserve.ts); it is made after a segment
//   any of them and `.tmp`          half-made; removed at the next start

import type { FileEntry } from './disk.ts';

export type Survey = {
  /** Bytes of each segment, by ascending number. */
  readonly segments: ReadonlyMap<number, number>;
  /** Numbers of the segments that a snapshot says it covers, descending: newest first. */
  readonly snapshots: readonly number[];
  /** The same of all databases, those without a description too. */
  readonly databases: readonly number[];
  readonly hasMarker: boolean;
  readonly hasReserve: boolean;
  /** Oldest first. */
  readonly tornTails: readonly TornTail[];
  readonly temporaries: readonly string[];
};

export type TornTail = { readonly file: string; readonly segment: number; readonly offset: number };

export const MARKER_FILE = 'clean';
export const RESERVE_FILE = 'reserve';

export function survey(entries: readonly FileEntry[]): Survey {
  const segments: { readonly number: number; readonly bytes: number }[] = [];
  const snapshots: number[] = [];
  const databases: number[] = [];
  const tornTails: TornTail[] = [];
  const temporaries: string[] = [];
  let hasMarker = false;
  let hasReserve = false;

  for (const { file, bytes } of entries) {
    const name = nameOf(file);
    switch (name?.kind) {
      case 'log':
        segments.push({ number: name.number, bytes });
        break;
      case 'json':
        snapshots.push(name.number);
        break;
      case 'sqlite':
        databases.push(name.number);
        break;
      case 'torn':
        tornTails.push({ file, segment: name.number, offset: name.offset });
        break;
      case 'marker':
        hasMarker = true;
        break;
      case 'reserve':
        hasReserve = true;
        break;
      case 'temporary':
        temporaries.push(file);
        break;
      case undefined:
        break;
    }
  }
  const inOrder = segments.sort((left, right) => left.number - right.number);
  tornTails.sort((left, right) => left.segment - right.segment || left.offset - right.offset);
  return {
    segments: new Map(inOrder.map(({ number, bytes }) => [number, bytes])),
    snapshots: snapshots.sort((left, right) => right - left),
    databases: databases.sort((left, right) => right - left),
    hasMarker,
    hasReserve,
    tornTails,
    temporaries: temporaries.sort(),
  };
}

/**
 * The latest segment of which names other than its own prove that its header was on the disk; 0 if none do. A snapshot is
 * begun only when the segment behind those that it covers is there, and a tail that is not cut at byte 0 had a header
 * before it. A tail cut at byte 0 is that of a segment without a header: what it proves is the one before. A reserve is made
 * when the first segment is there.
 */
export function begunSegment({ snapshots, databases, tornTails, hasReserve }: Survey): number {
  const begun = tornTails.map(({ segment, offset }) => (offset === 0 ? segment - 1 : segment));
  return Math.max(hasReserve ? 1 : 0, ...begun, ...[...snapshots, ...databases].map((covered) => covered + 1));
}

type Name =
  | { readonly kind: 'log' | 'json' | 'sqlite'; readonly number: number }
  | { readonly kind: 'torn'; readonly number: number; readonly offset: number }
  | { readonly kind: 'marker' | 'reserve' | 'temporary' };

function nameOf(file: string): Name | undefined {
  if (file === MARKER_FILE) return { kind: 'marker' };
  if (file === RESERVE_FILE) return { kind: 'reserve' };
  if (file.endsWith('.tmp'))
    return nameOf(file.slice(0, -'.tmp'.length)) === undefined ? undefined : { kind: 'temporary' };
  const found = /^(?:journal-(\d{10})\.(?:log|torn-(\d{1,10}))|snapshot-(\d{10})\.(sqlite|json))$/.exec(file);
  if (found === null) return undefined;
  const kind = found[4];
  if (kind === 'sqlite' || kind === 'json') return { kind, number: Number(found[3]) };
  const number = Number(found[1]);
  return found[2] === undefined ? { kind: 'log', number } : { kind: 'torn', number, offset: Number(found[2]) };
}

// The journal's writer: one record, one append, one sync. The formats are in segment.ts and record.ts.
//
// Invariant 1: a record is appended only after the sync of the record before it returned; `durable` in it says so.
// Invariant 2: after a failed write that was not taken back, and after any failed sync, `broken` is set and the file is
//              never touched again: a second sync would say yes to bytes that the kernel has dropped.
// Invariant 3: a full disk breaks nothing while its bytes can be cut off again, and the cut be synced.
// Invariant 4: the next segment is durable, header and name, before the current one is let go; if it cannot be made, its
//              name is durably gone before the current one goes on: a segment with a later one behind it is a closed one.
//
// What a crash leaves at each step is listed in core/README.md; recovery.ts undoes it.

import { assert } from '../job/assert.ts';
import type { Event } from '../job/event.ts';
import { writeMarker } from './clean-marker.ts';
import { DiskError } from './disk.ts';
import type { DiskOperation, DiskProgram } from './disk.ts';
import { encodeRecord } from './record.ts';
import type { RecordBody } from './record.ts';
import { encodeHeader, segmentFile } from './segment.ts';
import type { Place } from './segment.ts';
import type { SnapshotResult } from './snapshot.ts';

/**
 * Bytes that a segment counts for at least: what a file takes on the disk. So a process that only starts and dies, and
 * leaves an empty segment each time, comes to its snapshot too, and the segments go.
 */
const SEGMENT_BYTES_MIN = 4_096;

/** What a new segment follows. */
export type JournalStart = {
  /** Number of the segment to create. */
  readonly segment: number;
  readonly place: Place;
  /** Bytes of the segments before it that the newest snapshot does not cover, by number. */
  readonly earlier: ReadonlyMap<number, number>;
  readonly snapshotBytes: number;
};

export class Journal {
  #segment: number;
  /** The latest durable record, and the latest durable line. */
  #place: Place;
  /** Length of the current segment up to its latest durable line. */
  #bytes: number;
  /** Length of the current segment's header. */
  #headerBytes: number;
  #sealed = true;
  #broken = false;
  #closed = false;
  readonly #earlier: Map<number, number>;
  #earlierBytes = 0;
  #snapshotBytes: number;

  private constructor(start: JournalStart, header: { bytes: number; crc: number }) {
    this.#segment = start.segment;
    this.#place = { ...start.place, crc: header.crc };
    this.#bytes = header.bytes;
    this.#headerBytes = header.bytes;
    this.#earlier = new Map(start.earlier);
    this.#snapshotBytes = start.snapshotBytes;
    this.#recount();
  }

  /** Begins a segment behind what recovery found. @throws {DiskError} and then nothing is known but what is on the disk. */
  static *begin(start: JournalStart): DiskProgram<Journal> {
    const { bytes, crc } = encodeHeader({ segment: start.segment, after: start.place });
    const file = segmentFile(start.segment);
    yield { kind: 'create', file };
    yield { kind: 'append', file, bytes };
    yield { kind: 'sync', file };
    yield { kind: 'syncDirectory' };
    return new Journal(start, { bytes: bytes.length, crc });
  }

  /** Bytes of the current segment. */
  get segmentBytes(): number {
    return this.#bytes;
  }

  /** Number of the latest closed segment; 0 if the current one is the first. */
  get closedSegment(): number {
    return this.#segment - 1;
  }

  /** The current segment holds no record. */
  get isEmpty(): boolean {
    return this.#bytes === this.#headerBytes;
  }

  /** Bytes of all segments that the newest snapshot does not cover, the current one included if it holds a record. */
  get bytesSinceSnapshot(): number {
    return this.#earlierBytes + (this.isEmpty ? 0 : charged(this.#bytes));
  }

  /** Bytes of the newest snapshot; 0 if there is none. */
  get snapshotBytes(): number {
    return this.#snapshotBytes;
  }

  /** Nothing is unproven: the latest batch is followed by something durable that says so, or there is none. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** The process must end: what the disk holds is not known. */
  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Appends the events as one record; durable when it returns.
   * @throws {DiskError} `no-space` with `broken` false: the record was cut off again, and it may be tried later.
   *   With `broken` true it may be on the disk or not.
   */
  *append(events: readonly Event[]): DiskProgram<void> {
    assert(events.length > 0, 'a batch has events');
    yield* this.#write({ kind: 'batch', events });
    this.#sealed = false;
  }

  /** Proves the latest batch durable. Fails as `append` does. */
  *seal(): DiskProgram<void> {
    yield* this.#write({ kind: 'seal' });
    this.#sealed = true;
  }

  /**
   * Goes on in a new segment. Returns the number of the one that was closed.
   * @throws {DiskError} with `broken` false: the journal goes on in the current segment.
   */
  *rotate(): DiskProgram<number> {
    this.#assertUsable();
    const closed = this.#segment;
    const next = closed + 1;
    const { bytes, crc } = encodeHeader({ segment: next, after: this.#place });
    yield* this.#create(next, bytes);
    this.#earlier.set(closed, this.#bytes);
    this.#segment = next;
    this.#place = { ...this.#place, crc };
    this.#bytes = bytes.length;
    this.#headerBytes = bytes.length;
    this.#sealed = true;
    this.#recount();
    yield* this.#orBreak({ kind: 'close', file: segmentFile(closed) });
    return closed;
  }

  /** Ends an orderly shutdown. @throws {DiskError} as `append`; the next start then recovers as from a crash. */
  *close(): DiskProgram<void> {
    yield* this.#write({ kind: 'clean' });
    this.#closed = true;
    yield* this.#orBreak({ kind: 'close', file: segmentFile(this.#segment) });
    yield* writeMarker({ segment: this.#segment, bytes: this.#bytes, place: this.#place });
  }

  /** A snapshot covers the segments up to one of the closed ones. */
  compacted({ throughSegment, bytes }: SnapshotResult): void {
    assert(throughSegment < this.#segment, 'a snapshot covers closed segments only');
    for (const number of this.#earlier.keys()) if (number <= throughSegment) this.#earlier.delete(number);
    this.#snapshotBytes = bytes;
    this.#recount();
  }

  *#write(body: RecordBody): DiskProgram<void> {
    this.#assertUsable();
    const file = segmentFile(this.#segment);
    const { directoryId, record, crc: prev } = this.#place;
    const line = encodeRecord({ n: record + 1, segment: this.#segment, durable: record, prev }, body);
    try {
      yield { kind: 'append', file, bytes: line.bytes };
    } catch (error) {
      yield* this.#takeBack(file, error);
      throw error;
    }
    yield* this.#orBreak({ kind: 'sync', file });
    this.#place = { directoryId, record: record + 1, crc: line.crc };
    this.#bytes += line.bytes.length;
  }

  /** Returns if nothing of the append is left. */
  *#takeBack(file: string, error: unknown): DiskProgram<void> {
    if (!(error instanceof DiskError) || error.code !== 'no-space') {
      this.#broken = true;
      throw error;
    }
    yield* this.#orBreak({ kind: 'truncate', file, length: this.#bytes });
    yield* this.#orBreak({ kind: 'sync', file });
  }

  /** Creates the next segment, or leaves nothing of it. */
  *#create(number: number, header: Uint8Array): DiskProgram<void> {
    const file = segmentFile(number);
    try {
      yield { kind: 'create', file };
    } catch (error) {
      // The name may have been made even so. One that was there before is not ours to remove.
      if (!(error instanceof DiskError && error.code === 'exists')) yield* this.#forget(file);
      throw error;
    }
    try {
      yield { kind: 'append', file, bytes: header };
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'no-space') this.#broken = true;
      else yield* this.#forget(file);
      throw error;
    }
    yield* this.#orBreak({ kind: 'sync', file });
    yield* this.#orBreak({ kind: 'syncDirectory' });
  }

  *#forget(file: string): DiskProgram<void> {
    yield* this.#orBreak({ kind: 'remove', file });
    yield* this.#orBreak({ kind: 'syncDirectory' });
  }

  *#orBreak(operation: DiskOperation): DiskProgram<void> {
    try {
      yield operation;
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }

  #assertUsable(): void {
    assert(!this.#broken, 'a broken journal is never touched again');
    assert(!this.#closed, 'a closed journal is not written');
  }

  #recount(): void {
    this.#earlierBytes = 0;
    for (const bytes of this.#earlier.values()) this.#earlierBytes += charged(bytes);
  }
}

const charged = (bytes: number): number => Math.max(bytes, SEGMENT_BYTES_MIN);

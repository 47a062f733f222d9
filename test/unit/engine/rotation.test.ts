// When the engine begins a new segment, and when that leads to a snapshot.

import { describe, expect, it } from 'vitest';
import { ENGINE_LIMITS } from '../../../core/engine/limits.ts';
import type { EngineLimits } from '../../../core/engine/limits.ts';
import { Engine } from '../../../core/engine/engine.ts';
import type { Turn } from '../../../core/engine/engine.ts';
import { Instant } from '../../../core/job/job.ts';
import { SEAL_AFTER_MS, SNAPSHOT_RETRY_MS } from '../../../core/job/limits.ts';
import { mapTables } from '../../../core/store/map.ts';
import type { RunOptions } from '../../../runtime/testing/memory-disk.ts';
import { MemoryDisk } from '../../../runtime/testing/memory-disk.ts';
import { pendingOf, snapshot, start } from '../../support/data-directory.ts';
import { SETTINGS, submission } from '../../support/queue.ts';

const SMALL: EngineLimits = { ...ENGINE_LIMITS, reserveBytes: 1, snapshotAfterBytes: 2 ** 30, segmentBytes: 2_000 };

class TestEngine {
  readonly disk: MemoryDisk;
  readonly engine: Engine;
  /** What the first turn asked for. */
  readonly first: Turn;
  at = 1_000_000;
  submitted = 0;

  constructor(limits: EngineLimits, disk = new MemoryDisk()) {
    this.disk = disk;
    const settings = { ...SETTINGS, workerCount: 0, depthLimit: 10_000, bytesLimit: 2 ** 30 };
    const program = Engine.open({
      tables: mapTables(),
      directoryId: 'directory-1',
      settings,
      now: this.#now(),
      limits,
    });
    this.engine = this.disk.run(program).engine;
    this.first = this.turn();
  }

  submit(options: RunOptions = {}): Turn {
    this.submitted += 1;
    this.engine.offer({ requestId: 1, command: { kind: 'submit', submissions: [submission()] } });
    return this.turn(options);
  }

  turn(options: RunOptions = {}): Turn {
    return this.disk.run(this.engine.turn(this.#now()), options);
  }

  done(result: Parameters<Engine['snapshotDone']>[0]): void {
    this.engine.snapshotDone(result, this.#now());
  }

  get segments(): { readonly file: string; readonly bytes: number }[] {
    return [...this.disk.image()]
      .filter(([file]) => file.endsWith('.log'))
      .map(([file, { length: bytes }]) => ({ file, bytes }));
  }

  #now() {
    return { at: Instant(this.at), wallAheadMs: 0, seed: 1 };
  }
}

describe('a segment', () => {
  it('is bounded where no snapshot is due', () => {
    const engine = new TestEngine(SMALL);
    for (let count = 0; count < 40; count += 1) expect(engine.submit().snapshot).toBeNull();
    expect(engine.segments.length).toBeGreaterThan(3);
    for (const { bytes } of engine.segments) expect(bytes).toBeLessThan(SMALL.segmentBytes + 1_000);
  });

  it('is bounded while a snapshot runs, however long that takes, and the snapshot is not disturbed', () => {
    const engine = new TestEngine({ ...SMALL, snapshotAfterBytes: 1 });
    expect(engine.submit().snapshot).toBe(1);
    for (let count = 0; count < 40; count += 1) expect(engine.submit().snapshot).toBeNull();
    expect(engine.segments.length).toBeGreaterThan(3);
    for (const { bytes } of engine.segments) expect(bytes).toBeLessThan(SMALL.segmentBytes + 1_000);
    engine.done(engine.disk.run(snapshot(1)));
    expect(engine.submit().snapshot).not.toBeNull();
  });

  it('is bounded after a snapshot has failed', () => {
    const engine = new TestEngine({ ...SMALL, snapshotAfterBytes: 1 });
    expect(engine.submit().snapshot).toBe(1);
    engine.done(null);
    for (let count = 0; count < 40; count += 1) expect(engine.submit().snapshot).toBeNull();
    for (const { bytes } of engine.segments) expect(bytes).toBeLessThan(SMALL.segmentBytes + 1_000);
    engine.at += SNAPSHOT_RETRY_MS;
    expect(engine.submit().snapshot).toBeGreaterThan(3);
  });

  it('that cannot be begun is tried again later, and the journal goes on in the old one', () => {
    const engine = new TestEngine(SMALL);
    // The third operation of a turn, after the append and the sync of its record, is the creation of a segment.
    const creationFails: RunOptions = { fail: { at: 3, code: 'io' } };
    const begun = (operations: readonly { kind: string }[]): number =>
      operations.filter(({ kind }) => kind === 'create').length;
    const before = begun(engine.disk.operations);
    while (begun(engine.disk.operations) === before) expect(engine.submit(creationFails).failure).toBeNull();
    expect(engine.segments).toHaveLength(1);
    for (let count = 0; count < 5; count += 1) engine.submit();
    expect(engine.segments).toHaveLength(1);
    engine.at += SNAPSHOT_RETRY_MS;
    engine.submit();
    expect(engine.segments).toHaveLength(2);
  });
});

describe('an engine with nothing to do', () => {
  it('writes nothing, however often it is woken and however small its limits are', () => {
    const engine = new TestEngine({ ...SMALL, snapshotAfterBytes: 1, segmentBytes: 1 });
    engine.submit();
    engine.at += SEAL_AFTER_MS;
    engine.turn();
    const before = engine.disk.operations.length;
    for (let count = 0; count < 10; count += 1) {
      engine.at += SNAPSHOT_RETRY_MS;
      engine.turn();
    }
    expect(engine.disk.operations).toHaveLength(before);
  });

  it('comes to its snapshot too if all that each process did was to start and to die', () => {
    let disk = new TestEngine(SMALL).disk;
    const asked: (number | null)[] = [];
    for (let starts = 0; starts < 4; starts += 1) {
      const engine = new TestEngine({ ...SMALL, snapshotAfterBytes: 3 * 4_096 }, disk.kill());
      asked.push(engine.first.snapshot);
      disk = engine.disk;
    }
    expect(asked).toEqual([null, null, 3, 4]);
  });
});

it('what many segments hold is what a start finds', () => {
  const engine = new TestEngine(SMALL);
  for (let count = 0; count < 40; count += 1) engine.submit();
  expect(pendingOf(engine.disk.kill().run(start()).tables)).toHaveLength(engine.submitted);
});

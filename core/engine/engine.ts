// The engine: the queue on its journal. The one write path, and what happens when the disk says no.
//
//   1. offer    inputs gather while the turn before them is at the disk
//   2. step     the queue decides all that wait: events, effects (tables: in a transaction)
//   3. append   the events as one record                             a crash here: nothing happened
//   4. sync     the record is durable                                a crash here: it happened, nobody was told
//   5. commit   the tables keep it
//   6. effects  replies, starts, aborts, feed                        a crash here: clients ask again, attempts crashed
//
// Invariant 1: an effect is returned only after the record of its step, and every record before it, is durable.
// Invariant 2: record k+1 is appended only after the sync of record k returned: turns never overlap.
// Invariant 3: after a failed sync, or a failed write that could not be taken back, nothing is written any more: `failure`
//              is set and the process must end. The next one recovers from what the disk really holds.
// Invariant 4: a full disk refuses clients; what ends an attempt is never refused, only held back until there is room.

import { assert } from '../job/assert.ts';
import { Instant, earliest } from '../job/job.ts';
import { SEAL_AFTER_MS, SNAPSHOT_RETRY_MS, SPACE_RETRY_MS } from '../job/limits.ts';
import type { Input, Now } from '../queue/command.ts';
import type { Effect } from '../queue/effect.ts';
import { Queue } from '../queue/queue.ts';
import type { QueueSettings } from '../queue/settings.ts';
import { DiskError } from '../store/disk.ts';
import type { DiskProgram } from '../store/disk.ts';
import type { Journal } from '../store/journal.ts';
import type { RecoveryReport } from '../store/recovery.ts';
import type { SnapshotResult } from '../store/snapshot.ts';
import type { TablesFactory } from '../store/tables.ts';
import { Backlog, isClientCommand } from './backlog.ts';
import { refusalOfFailure, refusalOfOverload } from './refusal.ts';
import { ENGINE_LIMITS } from './limits.ts';
import type { EngineLimits } from './limits.ts';
import { giveUpReserve, keepReserve, recoverInRoom } from './reserve.ts';

export type Turn = {
  /** May leave now: everything they depend on is durable. */
  readonly effects: readonly Effect[];
  /** Offer a `tick` and take a turn at this instant, if nothing comes in before; null: only an input can change anything. */
  readonly wakeAt: Instant | null;
  /** Run `compact` through this segment beside the engine and tell `snapshotDone`; null: not now. */
  readonly snapshot: number | null;
  /** The disk failed: perform the effects (refusals), then end the process. */
  readonly failure: DiskError | null;
};

export class Engine {
  readonly #queue: Queue;
  readonly #journal: Journal;
  readonly #backlog: Backlog;
  readonly #limits: EngineLimits;
  #isWritable: boolean;
  /** Inputs that the full disk has no room for, in order. */
  #held: Input[] = [];
  #spaceRetryAt: Instant;
  /** Even the room of the reserve is used up: until the next search for space nothing that is due need be tried again. */
  #isOutOfRoom = false;
  #sealAt: Instant | null = null;
  #isSnapshotRunning = false;
  #snapshotRetryAt: Instant;
  #rotateRetryAt: Instant;
  #isClosing = false;
  #hasEnded = false;

  private constructor(options: {
    queue: Queue;
    journal: Journal;
    isWritable: boolean;
    now: Now;
    limits: EngineLimits;
  }) {
    this.#limits = options.limits;
    this.#backlog = new Backlog(options.limits);
    this.#queue = options.queue;
    this.#journal = options.journal;
    this.#isWritable = options.isWritable;
    this.#spaceRetryAt = options.now.at;
    this.#snapshotRetryAt = options.now.at;
    this.#rotateRetryAt = options.now.at;
    this.#backlog.offer({ requestId: null, command: { kind: 'recover' } });
  }

  /**
   * Recovers the directory. The first turn marks what was running as crashed: take it before anything is served.
   * @throws {DamageError | FormatError} if the directory must not be touched; nothing was changed.
   * @throws {DiskError} if the disk failed.
   */
  static *open(options: {
    tables: TablesFactory;
    directoryId: string;
    settings: QueueSettings;
    now: Now;
    limits?: EngineLimits;
  }): DiskProgram<{ engine: Engine; report: RecoveryReport; lastAt: Instant }> {
    const { limits = ENGINE_LIMITS } = options;
    const { tables, journal, report } = yield* recoverInRoom(options);
    const isWritable = yield* keepReserve(limits);
    const queue = new Queue({ tables, settings: options.settings });
    const engine = new Engine({ queue, journal, isWritable, now: options.now, limits });
    return { engine, report, lastAt: tables.meta().lastAt };
  }

  /** Whether inputs wait for a turn. */
  get hasWork(): boolean {
    return this.#backlog.size > 0;
  }

  /** Whether submissions can be stored; false while the disk is full. */
  get isWritable(): boolean {
    return this.#isWritable;
  }

  get running(): number {
    return this.#queue.running;
  }

  get abandoned(): number {
    return this.#queue.abandoned;
  }

  /** Inputs that wait for room on the disk. */
  get held(): number {
    return this.#held.length;
  }

  /** Takes the input for the next turn; a client's may be refused at once, by the effects that are returned. */
  offer(input: Input): readonly Effect[] {
    assert(!this.#hasEnded, 'nothing is offered to an engine that has ended');
    return this.#backlog.offer(input) ? [] : refusalOfOverload(input);
  }

  *turn(now: Now): DiskProgram<Turn> {
    assert(!this.#hasEnded, 'an engine that has ended takes no turn');
    if (this.#isWritable || now.at < this.#spaceRetryAt) return yield* this.#write(this.#backlog.take(), now);
    this.#backlog.giveBack(this.#held);
    this.#held = [];
    // Taken before the search, which can last: what comes in meanwhile came after `now`, and waits for its own turn.
    const inputs = this.#backlog.take();
    try {
      this.#spaceRetryAt = Instant(now.at + SPACE_RETRY_MS);
      this.#isOutOfRoom = false;
      this.#isWritable = yield* keepReserve(this.#limits);
    } catch (error) {
      this.#backlog.giveBack(inputs);
      return this.#fail([], error);
    }
    return yield* this.#write(inputs, now);
  }

  /**
   * Ends an orderly shutdown: what a full disk held back is tried once more, whatever still waits is refused, then the
   * journal is closed. With a `failure` the next start recovers as from a crash.
   */
  *close(now: Now): DiskProgram<Turn> {
    assert(!this.#hasEnded, 'an engine is closed once');
    this.#isClosing = true;
    const effects: Effect[] = [];
    // It ended attempts: unwritten, they would count as crashes at the next start.
    if (this.#held.length > 0) {
      this.#spaceRetryAt = now.at;
      do {
        const turn = yield* this.turn(now);
        effects.push(...turn.effects);
        if (turn.failure !== null) return { ...turn, effects };
      } while (this.hasWork);
    }
    effects.push(...refusalOfFailure(this.#backlog.takeAll(), 'draining'));
    this.#hasEnded = true;
    try {
      yield* this.#journal.close();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return { effects, wakeAt: null, snapshot: null, failure: error };
    }
    return { effects, wakeAt: null, snapshot: null, failure: null };
  }

  /** A snapshot ended; null if it failed: the journal is kept and it is tried again later. */
  snapshotDone(result: SnapshotResult | null, now: Now): void {
    assert(this.#isSnapshotRunning, 'only a running snapshot ends');
    this.#isSnapshotRunning = false;
    if (result === null) this.#snapshotRetryAt = Instant(now.at + SNAPSHOT_RETRY_MS);
    else this.#journal.compacted(result);
  }

  *#write(inputs: readonly Input[], now: Now): DiskProgram<Turn> {
    const decided = this.#queue.step(inputs, { now, isWritable: this.#isWritable });
    try {
      if (decided.events.length > 0) {
        yield* this.#journal.append(decided.events);
        this.#sealAt = Instant(now.at + SEAL_AFTER_MS);
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#queue.rollback();
      return this.#journal.broken ? this.#fail(inputs, error) : yield* this.#writeWithoutSpace(inputs, now, error);
    }
    this.#queue.commit();

    const effects: Effect[] = [...decided.effects];
    if (decided.rows.length > 0) effects.push({ kind: 'publish', rows: decided.rows });
    return yield* this.#tend({ effects, wakeAt: decided.wakeAt, isIdle: decided.events.length === 0 }, now);
  }

  /** The record found no room and was cut off again: nothing of the step has happened. */
  *#writeWithoutSpace(inputs: readonly Input[], now: Now, full: DiskError): DiskProgram<Turn> {
    if (this.#isWritable) {
      this.#isWritable = false;
      this.#spaceRetryAt = Instant(now.at + SPACE_RETRY_MS);
      try {
        yield* giveUpReserve();
      } catch (error) {
        return this.#fail(inputs, error);
      }
      return yield* this.#write(inputs, now);
    }
    // A start that cannot store what crashed does not begin; an end that cannot store what ended is not an orderly one.
    const isStart = inputs.some(({ command }) => command.kind === 'recover');
    if (isStart || this.#isClosing) return this.#fail(inputs, full);
    this.#isOutOfRoom = true;
    // A step of clients alone writes nothing while the disk is full.
    this.#held.push(...inputs.filter(({ command }) => !isClientCommand(command) && command.kind !== 'tick'));
    return yield* this.#write(
      inputs.filter(({ command }) => isClientCommand(command)),
      now,
    );
  }

  /** What the journal needs beside records: a seal when it is quiet, a new segment when it has outgrown the snapshot. */
  *#tend(done: { effects: readonly Effect[]; wakeAt: Instant | null; isIdle: boolean }, now: Now): DiskProgram<Turn> {
    let snapshot: number | null = null;
    let failure: DiskError | null = null;
    try {
      if (done.isIdle) yield* this.#sealIfDue(now);
      snapshot = yield* this.#rotateIfDue(now);
    } catch (error) {
      if (!(error instanceof DiskError) || !this.#journal.broken) throw error;
      this.#hasEnded = true;
      failure = error;
    }
    const effects = failure === null ? done.effects : [...done.effects, ...this.#refuseBacklog()];
    const spaceAt = this.#isWritable ? null : this.#spaceRetryAt;
    const wakeAt = this.#isOutOfRoom ? spaceAt : earliest(done.wakeAt, this.#sealAt, spaceAt);
    return { effects, wakeAt, snapshot, failure };
  }

  *#sealIfDue(now: Now): DiskProgram<void> {
    if (this.#sealAt === null || now.at < this.#sealAt) return;
    this.#sealAt = null;
    if (this.#journal.sealed) return;
    try {
      yield* this.#journal.seal();
    } catch (error) {
      if (!(error instanceof DiskError) || this.#journal.broken) throw error;
      this.#sealAt = Instant(now.at + SPACE_RETRY_MS);
    }
  }

  /** A snapshot needs a closed segment; one that has grown long is closed in any case, an empty one never. */
  *#rotateIfDue(now: Now): DiskProgram<number | null> {
    const { segmentBytes, bytesSinceSnapshot, snapshotBytes, isEmpty } = this.#journal;
    const isOutgrown = bytesSinceSnapshot >= Math.max(this.#limits.snapshotAfterBytes, snapshotBytes);
    const isSnapshotDue = isOutgrown && !this.#isSnapshotRunning && now.at >= this.#snapshotRetryAt;
    const isSegmentFull = segmentBytes >= this.#limits.segmentBytes && now.at >= this.#rotateRetryAt;
    if (!this.#isWritable) return null;
    try {
      if (!isEmpty && (isSnapshotDue || isSegmentFull)) yield* this.#journal.rotate();
    } catch (error) {
      if (!(error instanceof DiskError) || this.#journal.broken) throw error;
      this.#rotateRetryAt = Instant(now.at + SNAPSHOT_RETRY_MS);
      this.#snapshotRetryAt = this.#rotateRetryAt;
      return null;
    }
    if (!isSnapshotDue) return null;
    this.#isSnapshotRunning = true;
    return this.#journal.closedSegment;
  }

  /** The outcome of these inputs is unknown; what waits behind them was never written. */
  #fail(inputs: readonly Input[], error: unknown): Turn {
    if (!(error instanceof DiskError)) throw error;
    this.#hasEnded = true;
    const effects = [...refusalOfFailure(inputs, 'outcome-unknown'), ...this.#refuseBacklog()];
    return { effects, wakeAt: null, snapshot: null, failure: error };
  }

  #refuseBacklog(): Effect[] {
    return refusalOfFailure([...this.#backlog.takeAll(), ...this.#held], 'disk-failed');
  }
}

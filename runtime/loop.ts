// The one loop: inputs gather while a turn is at the disk; when it returns, its effects leave and the next turn begins.
//
// Rule 1: turns never overlap, and no effect is performed but those a turn has returned.
// Rule 2: nothing polls. A turn is taken because an input came in or because the one armed timer fired.
// Rule 3: when the process was paused (stopped, suspended), the timer is late; the handlers' own answers are heard first,
//         and only then are leases judged.

import { setImmediate } from 'node:timers';
import { Instant } from '../core/job/job.ts';
import type { Engine, Turn } from '../core/engine/engine.ts';
import type { ClientCommand, Command, RequestId, WorkerCommand } from '../core/queue/command.ts';
import type { Effect, Reply } from '../core/queue/effect.ts';
import { unreachable } from '../core/job/assert.ts';
import type { DiskError } from '../core/store/disk.ts';
import type { EventRow } from '../core/store/tables.ts';
import type { QueueClock } from './clock.ts';
import type { NodeDisk } from './disk/node-disk.ts';
import type { Snapshotter } from './snapshotter.ts';
import type { WorkerPool } from './worker/pool.ts';

/** Longer delays overflow Node's timers, which then fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** A timer later than this tells of a pause. */
const PAUSE_MS_MIN = 1_000;

/** What handlers get to answer after a pause before their leases are judged. */
const AFTER_PAUSE_MS = 500;

type Listener = (rows: readonly EventRow[]) => void;

export type LoopEnd = { readonly failure: DiskError } | { readonly defect: unknown };

export class Loop {
  readonly #engine: Engine;
  readonly #disk: NodeDisk;
  readonly #clock: QueueClock;
  readonly #pool: () => WorkerPool;
  readonly #snapshotter: Snapshotter;
  readonly #onEnd: (end: LoopEnd) => void;

  readonly #waiting = new Map<RequestId, (reply: Reply) => void>();
  readonly #listeners = new Set<Listener>();
  #lastRequestId = 0;
  #turn: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** After a pause: no lease is judged before this instant. */
  #judgeAt = Instant(0);
  /** What whoever still asks is told; null while the loop lives. */
  #ended: Reply | null = null;
  #end: LoopEnd | null = null;

  constructor(options: {
    engine: Engine;
    disk: NodeDisk;
    clock: QueueClock;
    pool: () => WorkerPool;
    snapshotter: Snapshotter;
    /** Called once, after the last effects, when the process must end. */
    onEnd: (end: LoopEnd) => void;
  }) {
    this.#engine = options.engine;
    this.#disk = options.disk;
    this.#clock = options.clock;
    this.#pool = options.pool;
    this.#snapshotter = options.snapshotter;
    this.#onEnd = options.onEnd;
  }

  /** Resolves when what the reply tells is durable. Never rejects. */
  ask(command: ClientCommand | WorkerCommand): Promise<Reply> {
    if (this.#ended !== null) return Promise.resolve(this.#ended);
    return new Promise((resolve) => {
      const requestId = (this.#lastRequestId += 1);
      this.#waiting.set(requestId, resolve);
      this.#offer(requestId, command);
    });
  }

  tell(command: Command): void {
    if (this.#ended === null) this.#offer(null, command);
  }

  /** Calls the listener with each batch of events once it is durable. Returns the way to stop. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when no input waits and no turn is under way. */
  async settle(): Promise<void> {
    while (this.#turn !== null) await this.#turn;
  }

  /** Ends an orderly shutdown. Resolves with what went wrong instead, then or before; null if all is durable. */
  async close(): Promise<LoopEnd | null> {
    await this.settle();
    clearTimeout(this.#timer);
    if (this.#ended !== null) return this.#end;
    this.#ended = { kind: 'refused', refusals: [{ reason: 'draining' }] };
    try {
      const turn = await this.#disk.run(this.#engine.close(this.#clock.now()));
      for (const effect of turn.effects) this.#perform(effect);
      if (turn.failure !== null) this.#end = { failure: turn.failure };
    } catch (defect) {
      this.#end = { defect };
    }
    return this.#end;
  }

  #offer(requestId: RequestId | null, command: Command): void {
    for (const effect of this.#engine.offer({ requestId, command })) this.#perform(effect);
    this.#wake();
  }

  /** One turn of the event loop later, so that whatever else has arrived by then shares the record. */
  #wake(): void {
    this.#turn ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#run());
  }

  async #run(): Promise<void> {
    try {
      do {
        const turn = await this.#disk.run(this.#engine.turn(this.#clock.now()));
        this.#finish(turn);
      } while (this.#ended === null && this.#engine.hasWork);
    } catch (defect) {
      this.#stop({ defect }, { kind: 'refused', refusals: [{ reason: 'outcome-unknown' }] });
    } finally {
      this.#turn = null;
    }
  }

  #finish(turn: Turn): void {
    if (turn.failure !== null) {
      // What is about to die is not begun: its attempt counts as crashed either way.
      for (const effect of turn.effects) if (effect.kind !== 'start') this.#perform(effect);
      this.#stop({ failure: turn.failure }, { kind: 'refused', refusals: [{ reason: 'disk-failed' }] });
      return;
    }
    for (const effect of turn.effects) this.#perform(effect);
    if (turn.snapshot !== null) void this.#snapshot(turn.snapshot);
    this.#arm(turn.wakeAt);
  }

  #stop(end: LoopEnd, reply: Reply): void {
    this.#ended = reply;
    this.#end = end;
    clearTimeout(this.#timer);
    for (const resolve of this.#waiting.values()) resolve(reply);
    this.#waiting.clear();
    this.#onEnd(end);
  }

  #arm(wakeAt: Instant | null): void {
    clearTimeout(this.#timer);
    if (wakeAt === null) return;
    const delayMs = Math.max(wakeAt, this.#judgeAt) - this.#clock.at();
    this.#timer = setTimeout(() => this.#due(wakeAt), Math.min(Math.max(delayMs, 1), TIMER_MS_MAX));
  }

  #due(wakeAt: Instant): void {
    const at = this.#clock.at();
    if (at - wakeAt >= PAUSE_MS_MIN && this.#judgeAt < wakeAt) {
      // Fixed once for all that fell due in the pause: turns that come in meanwhile arm the timer anew, and must not put
      // the judgement off for ever.
      this.#judgeAt = Instant(at + AFTER_PAUSE_MS);
      this.#arm(wakeAt);
      return;
    }
    setImmediate(() => this.tell({ kind: 'tick' }));
  }

  async #snapshot(throughSegment: number): Promise<void> {
    const result = await this.#snapshotter.take(throughSegment);
    if (this.#ended !== null) return;
    this.#engine.snapshotDone(result, this.#clock.now());
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'reply': {
        const resolve = this.#waiting.get(effect.requestId);
        this.#waiting.delete(effect.requestId);
        return resolve?.(effect.reply);
      }
      case 'start':
        return this.#pool().start(effect.job);
      case 'abort':
        return this.#pool().abort(effect.jobId, effect.attempt, effect.reason);
      case 'publish':
        for (const listener of this.#listeners) tell(listener, effect.rows);
        return;
      default:
        return unreachable(effect);
    }
  }
}

/** What a listener throws is its own affair: neither the turn nor the other listeners suffer, and it is not swallowed. */
function tell(listener: Listener, rows: readonly EventRow[]): void {
  try {
    listener(rows);
  } catch (thrown) {
    setImmediate(() => {
      throw thrown;
    });
  }
}

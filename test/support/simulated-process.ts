// One process of the queue on a simulated disk: the production engine, driven turn by turn, with time in the test's hand.
//
// Rule 1: nothing happens by itself. `turn` decides what was offered; `rest` turns until only what lies far ahead is left.
// Rule 2: what a handler answers waits until `hear`, so a test decides what is decided before it.
// Rule 3: it may die before a disk operation, or wherever a callback throws `Died`. Whoever drives it then lets the disk
//         forget what a kill or a power loss takes, and makes another one.

import { Engine } from '../../core/engine/engine.ts';
import { ENGINE_LIMITS } from '../../core/engine/limits.ts';
import type { EngineLimits } from '../../core/engine/limits.ts';
import { Instant } from '../../core/job/job.ts';
import type { RunningJob } from '../../core/job/job.ts';
import type { ClientCommand, Now, WorkerCommand } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { DiskProgram } from '../../core/store/disk.ts';
import type { RecoveryReport } from '../../core/store/recovery.ts';
import { compact } from '../../core/store/snapshot.ts';
import type { EventRow, Tables, TablesFactory } from '../../core/store/tables.ts';
import { Descriptors } from '../../sim/world/disk.ts';
import type { Disk } from '../../sim/world/disk.ts';

/** The process is gone. */
export class Died extends Error {
  override readonly name = 'Died';
}

export type ProcessOptions = {
  readonly disk: Disk;
  readonly tables: TablesFactory;
  readonly settings: QueueSettings;
  readonly limits?: EngineLimits;
  /** The queue's clock when the process starts. */
  readonly startAt: number;
  readonly wallAheadMs?: number;
  readonly directoryId?: string;
  /** What the handler of a started job says when it is heard; null: it never answers. */
  readonly handle: (job: RunningJob) => WorkerCommand | null;
};

/** What is due later than this does not keep a process from rest. */
const REST_WITHIN_MS = 3_600_000;
/** More turns than any workload needs until it rests. */
const TURNS_MAX = 10_000;
const TURN_MS = 1;

export class SimulatedProcess {
  readonly descriptors = new Descriptors();
  readonly tables: Tables;
  readonly report: RecoveryReport;
  at: number;
  /** Disk operations after which it dies; null: it does not. */
  operationsLeft: number | null = null;
  readonly #options: ProcessOptions;
  readonly #engine: Engine;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #listeners = new Set<(rows: readonly EventRow[]) => void>();
  #answers: WorkerCommand[] = [];
  #requests = 0;
  #wakeAt: Instant | null = null;

  /** Recovers the disk; nothing is decided before the first turn. */
  constructor(options: ProcessOptions) {
    this.#options = options;
    this.at = options.startAt;
    let opened: Tables | undefined;
    const keep = (tables: Tables): Tables => (opened = tables);
    const { tables: factory, settings, directoryId = '0'.repeat(32), limits = ENGINE_LIMITS } = options;
    const tables = { create: () => keep(factory.create()), load: (bytes: Uint8Array) => keep(factory.load(bytes)) };
    const program = Engine.open({ tables, directoryId, settings, limits, now: this.#now() });
    const { engine, report, lastAt } = this.#run(program);
    if (opened === undefined) throw new Error('a recovery makes tables');
    this.tables = opened;
    this.report = report;
    this.#engine = engine;
    this.at = Math.max(this.at, lastAt);
  }

  offer(command: ClientCommand, replied: (reply: Reply) => void): void {
    this.#requests += 1;
    this.#waiting.set(this.#requests, replied);
    for (const effect of this.#engine.offer({ requestId: this.#requests, command })) {
      if (effect.kind === 'reply') this.#reply(effect.requestId, effect.reply);
    }
  }

  subscribe(listener: (rows: readonly EventRow[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Offers what the handlers have said since. */
  hear(): void {
    const said = this.#answers;
    this.#answers = [];
    for (const command of said) this.#engine.offer({ requestId: null, command });
  }

  turn(): void {
    this.at += TURN_MS;
    const turn = this.#run(this.#engine.turn(this.#now()));
    if (turn.failure !== null) throw turn.failure;
    this.#wakeAt = turn.wakeAt;
    for (const effect of turn.effects) {
      switch (effect.kind) {
        case 'reply':
          this.#reply(effect.requestId, effect.reply);
          break;
        case 'start': {
          const answer = this.#options.handle(effect.job);
          if (answer !== null) this.#answers.push(answer);
          break;
        }
        case 'abort': {
          const { jobId, attempt } = effect;
          this.#answers = this.#answers.filter((one) => one.jobId !== jobId || one.attempt !== attempt);
          this.#answers.push({ kind: 'ended', jobId, attempt });
          break;
        }
        case 'publish':
          for (const listener of this.#listeners) listener(effect.rows);
          break;
      }
    }
    if (turn.snapshot !== null) {
      const taken = this.#run(compact({ tables: this.#options.tables, throughSegment: turn.snapshot }));
      this.#engine.snapshotDone(taken, this.#now());
    }
  }

  /** Turns while inputs wait; what handlers say is not heard. */
  decide(): void {
    for (let turns = 0; this.#engine.hasWork; turns += 1) {
      if (turns > TURNS_MAX) throw new Error('inputs without end');
      this.turn();
    }
  }

  /** Turns, hears the handlers and lets time pass, until what is left is due in more than an hour. */
  rest(): void {
    const restAt = this.at + REST_WITHIN_MS;
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      this.hear();
      if (!this.#engine.hasWork) {
        if (this.#wakeAt === null || this.#wakeAt > restAt) return;
        this.at = Math.max(this.at, this.#wakeAt);
        this.#engine.offer({ requestId: null, command: { kind: 'tick' } });
      }
      this.turn();
    }
    throw new Error('it never comes to rest');
  }

  /** An orderly end. */
  close(): void {
    this.#run(this.#engine.close(this.#now()));
  }

  #reply(requestId: number, reply: Reply): void {
    const replied = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    replied?.(reply);
  }

  #now(): Now {
    return { at: Instant(this.at), wallAheadMs: this.#options.wallAheadMs ?? 0, seed: 1 };
  }

  #run<Result>(program: DiskProgram<Result>): Result {
    let next = program.next();
    while (next.done !== true) {
      if (this.operationsLeft !== null) {
        if (this.operationsLeft === 0) throw new Died();
        this.operationsLeft -= 1;
      }
      next = program.next(this.#options.disk.perform(this.descriptors, next.value));
    }
    return next.value;
  }
}

// One process of a queue under test: the production engine and workers, on the disk in memory and in virtual time.
//
// Rule 1: as in runtime/loop.ts, a turn is taken one round of the event loop after its first input, and its effects leave
//         when it is durable. The disk answers at once, so that a turn is never seen half done.
// Rule 2: a process that was killed says nothing any more: no effect leaves, and what its handlers do reaches nobody.
// Rule 3: what has come in when it is killed is on its way to the disk: written, and not synced.

import { Engine } from '../../core/engine/engine.ts';
import type { Turn } from '../../core/engine/engine.ts';
import { assert, unreachable } from '../../core/job/assert.ts';
import { earliest } from '../../core/job/job.ts';
import type { Instant } from '../../core/job/job.ts';
import type { ClientCommand, Command, Now, RequestId, WorkerCommand } from '../../core/queue/command.ts';
import type { Effect, Reply } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import { mapTables } from '../../core/store/map.ts';
import { compact } from '../../core/store/snapshot.ts';
import type { EventRow, Tables, TablesFactory } from '../../core/store/tables.ts';
import type { Log } from '../log.ts';
import { WorkerPool } from '../worker/pool.ts';
import type { HandlerRegistry } from '../worker/registry.ts';
import { Stopped } from './memory-disk.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { nextRound, outside } from './rounds.ts';

export type ProcessParts = {
  readonly disk: MemoryDisk;
  readonly handlers: HandlerRegistry;
  readonly settings: QueueSettings;
  readonly log: Log;
  readonly now: () => Now;
  readonly directoryId: string;
  readonly publish: (rows: readonly EventRow[]) => void;
  /** An invariant broke. */
  readonly failed: (defect: unknown) => void;
};

type Asker = { readonly isInside: boolean; readonly answer: (reply: Reply) => void };

const OUTCOME_UNKNOWN: Reply = { kind: 'refused', refusals: [{ reason: 'outcome-unknown' }] };

/** What a power cut takes that may be taken. */
const WORST = { bytes: 'lost', names: 'lost' } as const;

export class TestProcess {
  readonly #parts: ProcessParts;
  readonly #engine: Engine;
  readonly #pool: WorkerPool;
  readonly #asking = new Map<RequestId, Asker>();
  #tables: Tables | null = null;
  #lastRequestId = 0;
  #isTurnDue = false;
  #isDead = false;
  #wakeAt: Instant | null = null;
  #steps = 0;

  /** Recovers the disk and takes the first turn. @throws as `Engine.open`. */
  constructor(parts: ProcessParts) {
    this.#parts = parts;
    const { disk, settings, now, directoryId, handlers, log } = parts;
    const report = (command: WorkerCommand): void => this.tell(command);
    const ask = (command: WorkerCommand): Promise<Reply> => this.ask(command, { isInside: true });
    this.#pool = new WorkerPool({ handlers, log, report, ask });
    this.#engine = disk.run(Engine.open({ tables: this.#captured(), directoryId, settings, now: now() })).engine;
    this.#takeTurns();
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Whether inputs wait for their turn. */
  get isTurnDue(): boolean {
    return this.#isTurnDue;
  }

  /** When to call `tick`, if nothing comes in before. */
  get wakeAt(): Instant | null {
    return this.#wakeAt;
  }

  /** Handlers that have not ended. */
  get handling(): number {
    return this.#pool.size;
  }

  /** Grows with everything that comes in. */
  get steps(): number {
    return this.#steps;
  }

  /** Jobs that are not over. */
  get depth(): number {
    return this.#jobs().length;
  }

  /** When the next job may start or must end; null if no passing of time will bring that about. */
  nextJobAt(at: Instant): Instant | null {
    const dueAt = this.#jobs().map((job): Instant | null => {
      if (job.state === 'running') return job.leaseUntil;
      return job.state === 'pending' && job.runAt > at ? job.runAt : null;
    });
    return dueAt.reduce((first, next) => earliest(first, next), null);
  }

  /** `isInside`: one of its own handlers asks, and dies with it. */
  ask(command: ClientCommand | WorkerCommand, { isInside }: { isInside: boolean }): Promise<Reply> {
    return new Promise((resolve) => {
      if (this.#isDead) return isInside ? undefined : resolve(OUTCOME_UNKNOWN);
      const requestId = (this.#lastRequestId += 1);
      this.#asking.set(requestId, { isInside, answer: resolve });
      this.#offer(requestId, command);
    });
  }

  tell(command: Command): void {
    if (!this.#isDead) this.#offer(null, command);
  }

  /** Lets leases end whose time is over. */
  tick(): void {
    this.tell({ kind: 'tick' });
  }

  /** The disk as the next process finds it. */
  kill({ powerLoss }: { powerLoss: boolean }): MemoryDisk {
    assert(!this.#isDead, 'a process dies once');
    this.#isDead = true;
    const { disk } = this.#parts;
    if (this.#engine.hasWork) this.#writeHalf();
    for (const { isInside, answer } of this.#asking.values()) if (!isInside) answer(OUTCOME_UNKNOWN);
    this.#asking.clear();
    return powerLoss ? disk.losePower(WORST) : disk.kill();
  }

  /** An orderly shutdown without grace: signals are aborted, and what does not end at once is given back. */
  async shutDown(): Promise<MemoryDisk> {
    this.tell({ kind: 'drain' });
    await this.#pool.shutdown({ graceMs: 0 });
    while (this.#isTurnDue) await nextRound();
    this.#isDead = true;
    const { disk } = this.#parts;
    const { failure } = disk.run(this.#engine.close(this.#parts.now()));
    assert(failure === null, 'the disk in memory does not fail');
    return disk.kill();
  }

  #jobs() {
    assert(this.#tables !== null, 'a recovery makes tables');
    return [...this.#tables.jobsIn('pending'), ...this.#tables.jobsIn('running')];
  }

  #offer(requestId: RequestId | null, command: Command): void {
    this.#steps += 1;
    for (const effect of this.#engine.offer({ requestId, command })) this.#perform(effect);
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    void nextRound().then(() => {
      this.#isTurnDue = false;
      outside(() => this.#takeTurns());
    });
  }

  #takeTurns(): void {
    try {
      while (!this.#isDead && this.#engine.hasWork) {
        this.#finish(this.#parts.disk.run(this.#engine.turn(this.#parts.now())));
      }
    } catch (defect) {
      this.#parts.failed(defect);
    }
  }

  #finish({ failure, effects, snapshot, wakeAt }: Turn): void {
    assert(failure === null, 'the disk in memory does not fail');
    this.#wakeAt = wakeAt;
    for (const effect of effects) this.#perform(effect);
    if (snapshot === null || this.#isDead) return;
    const { disk, now } = this.#parts;
    this.#engine.snapshotDone(disk.run(compact({ tables: mapTables(), throughSegment: snapshot })), now());
  }

  #perform(effect: Effect): void {
    if (this.#isDead) return; // a listener has killed it
    switch (effect.kind) {
      case 'reply': {
        const asker = this.#asking.get(effect.requestId);
        this.#asking.delete(effect.requestId);
        return asker?.answer(effect.reply);
      }
      case 'start':
        return this.#pool.start(effect.job);
      case 'abort':
        return this.#pool.abort(effect.jobId, effect.attempt, effect.reason);
      case 'publish':
        return this.#parts.publish(effect.rows);
      default:
        return unreachable(effect);
    }
  }

  #writeHalf(): void {
    try {
      this.#parts.disk.run(this.#engine.turn(this.#parts.now()), {
        before: (_, { kind }) => {
          if (kind === 'sync') throw new Stopped('before the record was synced');
        },
      });
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }

  /** The factory, and a note of the tables it made last: those that a recovery ends with. */
  #captured(): TablesFactory {
    const factory = mapTables();
    const keep = (tables: Tables): Tables => (this.#tables = tables);
    return { create: () => keep(factory.create()), load: (bytes) => keep(factory.load(bytes)) };
  }
}

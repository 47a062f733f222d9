// One process of the server, from its recovery to its end: the production engine, driven as the runtime drives it.
//
// Rule 1: all that a process does hangs on its life; when that ends, no event of it runs any more, and no generator of it
//         is ever resumed.
// Rule 2: every disk operation and every released effect is an event of its own, so that a kill fits between any two.

import { Engine } from '../../core/engine/engine.ts';
import type { Turn } from '../../core/engine/engine.ts';
import { RESERVE_FILE } from '../../core/store/survey.ts';
import type { Input, RequestId, WorkerCommand } from '../../core/queue/command.ts';
import type { Effect } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { Instant } from '../../core/job/job.ts';
import { DamageError } from '../../core/store/damage.ts';
import { DiskError } from '../../core/store/disk.ts';
import { compact } from '../../core/store/snapshot.ts';
import type { EventRow, Tables, TablesFactory } from '../../core/store/tables.ts';
import { broken } from '../checks/rules.ts';
import type { OwnRule } from '../checks/rules.ts';
import type { AppendedRange, ProcessUse } from '../checks/check.ts';
import type { Exchange } from '../ledger.ts';
import type { Planted } from '../mutants/mutant.ts';
import type { Witness } from '../witness.ts';
import { newLife } from '../world/clock.ts';
import type { Life, Timer } from '../world/clock.ts';
import { Descriptors, DisciplineError } from '../world/disk.ts';
import { OutOfMemory, scarce } from '../world/scarce-memory.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import { withCallbacks } from './callbacks.ts';
import { drive } from './driver.ts';
import type { Drive } from './driver.ts';
import { describeNews, describeReply } from './exchange.ts';
import { Handlers } from './handlers.ts';
import type { Message } from './exchange.ts';
import { ProcessClock } from './process-clock.ts';

export type ProcessOptions = {
  readonly world: World;
  readonly witness: Witness;
  readonly tables: TablesFactory;
  readonly planted: Planted;
  readonly settings: QueueSettings;
  /** It has recovered, and was looked at; nothing of it has run. It may die of this. */
  readonly recovered: () => void;
  /** Something takes the process down. */
  readonly crash: () => void;
  /** The process ends of itself; `failedSync` if that is why. */
  readonly exited: (failedSync: boolean) => void;
  /** A handler is a client too. */
  readonly ask: (message: Message) => void;
};

/** Reads the live feed. */
export type Subscriber = (rows: readonly EventRow[]) => void;

/** An exchange, and the way to break its connection. */
export type OpenExchange = Exchange & { readonly refused: () => void };

export class ServerProcess {
  readonly life: Life = newLife();
  readonly descriptors = new Descriptors();
  readonly settings: QueueSettings;
  readonly exchanges = new Map<RequestId, OpenExchange>();
  readonly handlers: Handlers;
  readonly clock: ProcessClock;
  /** Whoever follows the feed; each is told of every row that is published. */
  readonly subscribers = new Set<Subscriber>();
  readonly #options: ProcessOptions;
  /** As the engine has them: with the callbacks of the user. */
  readonly #settings: QueueSettings;
  #engine: Engine | null = null;
  #tables: Tables | null = null;
  #isBusy = true;
  #isDraining = false;
  #isEnding = false;
  #timer: Timer | null = null;

  constructor(options: ProcessOptions) {
    const { world, witness, settings, crash, ask } = options;
    this.#options = options;
    this.settings = settings;
    this.#settings = withCallbacks(settings, world);
    this.clock = new ProcessClock(world);
    const say = (command: WorkerCommand): void => {
      witness.ledger.heard(command, world.clock.nowUs);
      this.offer({ requestId: null, command });
    };
    const { clock, life } = this;
    this.handlers = new Handlers({ world, ledger: witness.ledger, life, clock, say, crash, ask });
    witness.began(this);
    this.#open();
  }

  get isRecovering(): boolean {
    return this.#engine === null;
  }

  /** It takes requests, though it may refuse them. */
  get isListening(): boolean {
    return this.#engine !== null && !this.#isEnding;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** The tables while nothing is under way, else null. */
  get restingTables(): Tables | null {
    return this.#isBusy || this.#engine === null || this.#engine.hasWork ? null : this.#tables;
  }

  /** What the engine keeps beside the tables; null before it has recovered. */
  get load(): ProcessUse['load'] {
    return this.#engine;
  }

  offer(input: Input): void {
    if (this.#engine === null || this.#isEnding) return;
    const { input: twist } = this.#options.planted;
    const real = twist === undefined ? input : twist(input);
    if (real === null) return;
    for (const effect of this.#engine.offer(real)) this.#release(effect);
    this.#pump();
  }

  /** `SIGTERM`: drain, wait for the grace, abort, give back, close, exit. */
  shutdown(): void {
    if (this.#engine === null || this.#isDraining) return;
    const { clock, plan } = this.#options.world;
    note(this.#options.world, 'server', 'shutdown begins', 'P11');
    this.#isDraining = true;
    this.#options.witness.ledger.shutdown = 'begun';
    this.offer({ requestId: null, command: { kind: 'drain' } });
    const graceUs = plan.shutdownGraceMs * 1000;
    clock.after(graceUs, this.life, () => this.handlers.abortAll());
    clock.after(graceUs + 100_000, this.life, () => {
      this.handlers.releaseAll();
      this.#closeWhenDone();
    });
    this.#closeWhenDone();
  }

  #open(): void {
    const { world } = this.#options;
    const id = world.tape.stream('directory').choose('id', 2 ** 32);
    const directoryId = id.toString(16).padStart(32, '0');
    const settings = this.#options.planted.settings?.(this.#settings) ?? this.#settings;
    const { limits } = world.plan;
    this.#drive(Engine.open({ tables: this.#captured(), directoryId, settings, now: this.clock.now(), limits }), {
      done: ({ engine, lastAt }) => this.#opened(engine, lastAt),
      failed: (error) => {
        if (error instanceof OutOfMemory) return this.#options.crash();
        if (!(error instanceof DiskError)) throw fault(error instanceof DamageError ? 'D13' : 'S30', error);
        if (isForWantOfRoom(error) && world.disk.lengthOf(RESERVE_FILE) > 0) throw fault('D11', error);
        note(world, 'server', `does not start: ${error.message}`);
        this.#options.exited(error.operation === 'sync');
      },
    });
  }

  #opened(engine: Engine, lastAt: Instant): void {
    const { world, witness, recovered } = this.#options;
    if (this.#tables === null) throw new Error('a recovery makes tables');
    note(world, 'server', `recovered ${this.#tables.meta().lastSeq} events`);
    this.clock.startAfter(lastAt);
    this.#engine = engine;
    witness.recovered(this.#tables, this.#settings);
    witness.ledger.shutdown = 'none';
    this.#isBusy = false;
    recovered();
    if (!this.life.alive) return;
    this.#pump();
  }

  /** Takes a turn soon, unless one is under way: what comes in until then is decided with it. */
  #pump(): void {
    if (this.#isBusy || this.#isEnding || this.#engine?.hasWork !== true) return;
    this.#isBusy = true;
    const { clock, faults, tape } = this.#options.world;
    const stream = tape.stream('server');
    const waitUs = faults.strikesAt('B1', 'before a turn') ? stream.between('wait', 1, 50_000) : 0;
    clock.after(stream.choose('gather', 100) + waitUs, this.life, () => this.#turn());
  }

  #turn(): void {
    if (this.#engine === null) return;
    const appended: AppendedRange[] = [];
    this.#options.witness.ledger.turnBeganUs = this.#options.world.clock.nowUs;
    this.#drive(this.#engine.turn(this.clock.now()), {
      appended: (range) => appended.push(range),
      done: (turn) => this.#turned(this.#options.planted.turn?.(turn) ?? turn, appended),
      failed: (error) => {
        if (error instanceof OutOfMemory) return this.#options.crash();
        throw fault('S30', error);
      },
    });
  }

  #turned(turn: Turn, appended: readonly AppendedRange[]): void {
    const { failure, effects, snapshot } = turn;
    this.#witnessed(turn, appended);
    if (failure !== null) this.#isEnding = true;
    if (snapshot !== null) this.#snapshot(snapshot);
    this.#releaseAll(effects, 0, () => this.#settled(turn));
  }

  #witnessed(turn: Turn, appended: readonly AppendedRange[]): void {
    if (this.#tables === null) return;
    const rows: EventRow[] = [];
    for (const effect of turn.effects) if (effect.kind === 'publish') rows.push(...effect.rows);
    const effects = turn.effects.length;
    const kept = claimed(appended, turn, rows.length > 0);
    this.#options.witness.turned({ appended: kept, rows, effects, tables: this.#tables });
  }

  /** One effect an event: the process may die between any two. */
  #releaseAll(effects: readonly Effect[], index: number, then: () => void): void {
    const effect = effects[index];
    if (effect === undefined) return then();
    const { clock, faults, tape } = this.#options.world;
    const isWaiting = faults.strikesAt('B1', `before a ${effect.kind}`);
    clock.after(isWaiting ? tape.stream('server').between('wait', 1, 50_000) : 1, this.life, () => {
      this.#release(effect);
      this.#releaseAll(effects, index + 1, then);
    });
  }

  #release(effect: Effect): void {
    const { world, witness } = this.#options;
    const exchange = effect.kind === 'reply' ? this.exchanges.get(effect.requestId) : undefined;
    witness.released(effect, exchange);
    switch (effect.kind) {
      case 'reply':
        this.exchanges.delete(effect.requestId);
        note(world, 'server', () => `replies ${describeReply(effect.reply)} to ${exchange?.client ?? 'nobody'}`);
        exchange?.answer(effect.reply);
        break;
      case 'start':
        this.handlers.start(effect.job);
        break;
      case 'abort':
        this.handlers.abort(effect.jobId, effect.attempt);
        break;
      case 'publish':
        for (const subscriber of this.subscribers) subscriber(effect.rows);
        for (const row of effect.rows) note(world, 'feed', () => describeNews(row));
        break;
    }
  }

  #settled({ failure, wakeAt }: Turn): void {
    this.#isBusy = false;
    if (failure !== null) {
      note(this.#options.world, 'server', `ends: ${failure.message}`);
      return this.#options.exited(failure.operation === 'sync');
    }
    this.#arm(wakeAt);
    this.#closeWhenDone();
    this.#pump();
  }

  #arm(wakeAt: Instant | null): void {
    if (this.#timer !== null) this.#timer.cancelled = true;
    this.#timer = null;
    if (wakeAt === null) return;
    this.#timer = this.clock.arm(wakeAt, this.life, () => this.offer({ requestId: null, command: { kind: 'tick' } }));
  }

  #snapshot(throughSegment: number): void {
    const { world } = this.#options;
    const tables = scarce(this.#options.tables, world.faults);
    note(world, 'server', `snapshot through segment ${throughSegment}`);
    this.#drive(compact({ tables, throughSegment }), {
      killedBy: 'P7',
      done: (result) => this.#engine?.snapshotDone(result, this.clock.now()),
      failed: (error) => {
        if (!(error instanceof DiskError || error instanceof OutOfMemory)) throw fault('S30', error);
        note(world, 'server', `snapshot failed: ${error.message}`);
        this.#engine?.snapshotDone(null, this.clock.now());
      },
    });
  }

  #closeWhenDone(): void {
    const { world, witness, exited } = this.#options;
    if (!this.#isDraining || this.#isBusy || this.#isEnding || this.#engine === null) return;
    if (this.#engine.hasWork || this.handlers.size > 0) return;
    this.#isEnding = true;
    const appended: AppendedRange[] = [];
    this.#drive(this.#engine.close(this.clock.now()), {
      appended: (range) => appended.push(range),
      done: (turn) => {
        const { effects, failure } = turn;
        this.#witnessed(turn, appended);
        this.#releaseAll(effects, 0, () => {
          if (failure === null) witness.ledger.shutdown = 'done';
          note(world, 'server', failure === null ? 'orderly exit' : `ends: ${failure.message}`);
          exited(failure?.operation === 'sync');
        });
      },
      failed: (error) => {
        if (error instanceof OutOfMemory) return this.#options.crash();
        throw fault('S30', error);
      },
    });
  }

  #drive<Result>(
    program: Drive<Result>['program'],
    ends: Pick<Drive<Result>, 'done' | 'failed'> & Partial<Pick<Drive<Result>, 'appended' | 'killedBy'>>,
  ): void {
    const { life, descriptors } = this;
    const { planted, world, crash } = this.#options;
    const quiet = { appended: () => undefined, killedBy: null };
    drive(world, { program, life, descriptors, planted, kill: crash, ...quiet, ...ends });
  }

  /** The factory, and a note of the tables it made last: those that a recovery ends with. */
  #captured(): TablesFactory {
    const factory = scarce(this.#options.tables, this.#options.world.faults);
    const keep = (tables: Tables): Tables => {
      this.#tables = tables;
      return tables;
    };
    return { create: () => keep(factory.create()), load: (bytes) => keep(factory.load(bytes)) };
  }
}

/** The bytes that the turn's effects depend on. A turn that failed claims its record alone, and only if it has one. */
function claimed(appended: readonly AppendedRange[], { failure }: Turn, hasRecord: boolean): readonly AppendedRange[] {
  if (failure === null) return appended;
  const record = hasRecord ? appended[0]?.file : undefined;
  return appended.filter(({ file }) => file === record && file !== failure.file);
}

/** A sync that fails for lack of room is a failed sync, and no room helps. */
const isForWantOfRoom = ({ code, operation }: DiskError): boolean =>
  code === 'no-space' && operation !== 'sync' && operation !== 'syncDirectory';

function fault(rule: OwnRule, error: unknown): Error {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const violation = broken(error instanceof DisciplineError ? 'DISK' : rule, detail);
  violation.cause = error;
  return violation;
}

// One process of the server, from its recovery to its end: the production engine, driven as the runtime drives it.
//
// Rule 1: all that a process does hangs on its life; when that ends, no event of it runs any more, and no generator of it
//         is ever resumed.
// Rule 2: every disk operation and every released effect is an event of its own, so that a kill fits between any two.

import { Engine } from '../../core/engine/engine.ts';
import type { Turn } from '../../core/engine/engine.ts';
import { Instant } from '../../core/job/job.ts';
import type { Input, Now, RequestId } from '../../core/queue/command.ts';
import type { Effect } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import { DamageError } from '../../core/store/damage.ts';
import { DiskError } from '../../core/store/disk.ts';
import { compact } from '../../core/store/snapshot.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import { broken } from '../checks/rules.ts';
import type { OwnRule } from '../checks/rules.ts';
import type { AppendedRange } from '../checks/check.ts';
import type { Exchange } from '../ledger.ts';
import type { Planted } from '../mutants/mutant.ts';
import type { Witness } from '../witness.ts';
import { newLife } from '../world/clock.ts';
import type { Life, Timer } from '../world/clock.ts';
import { Descriptors, DisciplineError } from '../world/disk.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import { drive } from './driver.ts';
import type { Drive } from './driver.ts';
import { describeReply } from './exchange.ts';
import { Handlers } from './handlers.ts';

export type ProcessOptions = {
  readonly world: World;
  readonly witness: Witness;
  readonly tables: TablesFactory;
  readonly planted: Planted;
  readonly settings: QueueSettings;
  readonly recovered: () => void;
  /** A handler takes the process down. */
  readonly crash: () => void;
  /** The process ends of itself. */
  readonly exited: () => void;
};

/** An exchange, and the way to break its connection. */
export type OpenExchange = Exchange & { readonly refused: () => void };

export class ServerProcess {
  readonly life: Life = newLife();
  readonly descriptors = new Descriptors();
  readonly settings: QueueSettings;
  readonly exchanges = new Map<RequestId, OpenExchange>();
  readonly handlers: Handlers;
  readonly #options: ProcessOptions;
  readonly #startedAtMs: number;
  /** The queue's clock when the process began. */
  #baseAt: number;
  #engine: Engine | null = null;
  #tables: Tables | null = null;
  #isBusy = true;
  #isDraining = false;
  #isEnding = false;
  #timer: Timer | null = null;

  constructor(options: ProcessOptions) {
    const { world, witness, settings, crash } = options;
    this.#options = options;
    this.settings = settings;
    this.#startedAtMs = world.clock.monotonicMs;
    this.#baseAt = world.clock.wallMs;
    const say: (command: Input['command']) => void = (command) => this.offer({ requestId: null, command });
    this.handlers = new Handlers({ world, ledger: witness.ledger, life: this.life, say, crash });
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
    const settings = this.#options.planted.settings?.(this.settings) ?? this.settings;
    const { limits } = world.plan;
    this.#drive(Engine.open({ tables: this.#captured(), directoryId, settings, now: this.#now(), limits }), {
      done: ({ engine, lastAt }) => this.#opened(engine, lastAt),
      failed: (error) => {
        if (!(error instanceof DiskError)) throw fault(error instanceof DamageError ? 'D13' : 'S30', error);
        note(world, 'server', `does not start: ${error.message}`);
        this.#options.exited();
      },
    });
  }

  #opened(engine: Engine, lastAt: Instant): void {
    const { world, witness, recovered } = this.#options;
    if (this.#tables === null) throw new Error('a recovery makes tables');
    note(world, 'server', `recovered ${this.#tables.meta().lastSeq} events`);
    recovered();
    this.#baseAt = Math.max(this.#baseAt, lastAt);
    this.#engine = engine;
    witness.recovered(this.#tables, this.settings);
    this.#isBusy = false;
    this.#pump();
  }

  /** Takes a turn soon, unless one is under way: what comes in until then is decided with it. */
  #pump(): void {
    if (this.#isBusy || this.#isEnding || this.#engine?.hasWork !== true) return;
    this.#isBusy = true;
    const { clock, tape } = this.#options.world;
    clock.after(tape.stream('server').choose('gather', 100), this.life, () => this.#turn());
  }

  #turn(): void {
    if (this.#engine === null) return;
    const appended: AppendedRange[] = [];
    this.#drive(this.#engine.turn(this.#now()), {
      appended: (range) => appended.push(range),
      done: (turn) => this.#turned(this.#options.planted.turn?.(turn) ?? turn, appended),
      failed: (error) => {
        throw fault('S30', error);
      },
    });
  }

  #turned(turn: Turn, appended: readonly AppendedRange[]): void {
    const tables = this.#tables;
    if (tables === null) return;
    const { failure, effects, snapshot } = turn;
    const rows = effects.flatMap((effect) => (effect.kind === 'publish' ? effect.rows : []));
    this.#options.witness.turned({ appended: claimed(appended, turn, rows.length > 0), rows, tables });
    if (failure !== null) this.#isEnding = true;
    if (snapshot !== null) this.#snapshot(snapshot);
    this.#releaseAll(effects, 0, () => this.#settled(turn));
  }

  /** One effect an event: the process may die between any two. */
  #releaseAll(effects: readonly Effect[], index: number, then: () => void): void {
    const effect = effects[index];
    if (effect === undefined) return then();
    this.#options.world.clock.after(1, this.life, () => {
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
        note(world, 'server', `replies ${describeReply(effect.reply)} to ${exchange?.client ?? 'nobody'}`);
        exchange?.answer(effect.reply);
        break;
      case 'start':
        this.handlers.start(effect.job);
        break;
      case 'abort':
        this.handlers.abort(effect.jobId, effect.attempt);
        break;
      case 'publish':
        for (const { seq, kind, jobId, attempt } of effect.rows) {
          note(world, 'feed', `${seq} ${kind} ${jobId ?? ''}${attempt === null ? '' : `#${attempt}`}`);
        }
        break;
    }
  }

  #settled({ failure, wakeAt }: Turn): void {
    this.#isBusy = false;
    if (failure !== null) {
      note(this.#options.world, 'server', `ends: ${failure.message}`);
      return this.#options.exited();
    }
    this.#arm(wakeAt);
    this.#closeWhenDone();
    this.#pump();
  }

  #arm(wakeAt: Instant | null): void {
    if (this.#timer !== null) this.#timer.cancelled = true;
    this.#timer = null;
    if (wakeAt === null) return;
    const { clock, faults, tape } = this.#options.world;
    const stream = tape.stream('timers');
    const at = this.#baseAt + clock.monotonicMs - this.#startedAtMs;
    let delayMs = Math.min(Math.max(wakeAt - at, 0), 2 ** 31 - 1);
    if (faults.strikes('C7')) delayMs += stream.logarithmic('late', 1, 60_000);
    const fire = (): void => this.offer({ requestId: null, command: { kind: 'tick' } });
    this.#timer = clock.after(delayMs * 1000, this.life, fire);
    if (faults.isOn('C7') && stream.choose('twice', 8) === 1) clock.after(delayMs * 1000, this.life, fire);
  }

  #snapshot(throughSegment: number): void {
    const { world, tables } = this.#options;
    note(world, 'server', `snapshot through segment ${throughSegment}`);
    this.#drive(compact({ tables, throughSegment }), {
      done: (result) => this.#engine?.snapshotDone(result, this.#now()),
      failed: (error) => {
        if (!(error instanceof DiskError)) throw fault('S30', error);
        note(world, 'server', `snapshot failed: ${error.message}`);
        this.#engine?.snapshotDone(null, this.#now());
      },
    });
  }

  #closeWhenDone(): void {
    const { world, exited } = this.#options;
    if (!this.#isDraining || this.#isBusy || this.#isEnding || this.#engine === null) return;
    if (this.#engine.hasWork || this.handlers.size > 0) return;
    this.#isEnding = true;
    this.#drive(this.#engine.close(), {
      done: ({ effects, failure }) => {
        this.#releaseAll(effects, 0, () => {
          note(world, 'server', failure === null ? 'orderly exit' : `ends: ${failure.message}`);
          exited();
        });
      },
      failed: (error) => {
        throw fault('S30', error);
      },
    });
  }

  #drive<Result>(
    program: Drive<Result>['program'],
    ends: Pick<Drive<Result>, 'done' | 'failed'> & Partial<Pick<Drive<Result>, 'appended'>>,
  ): void {
    const { life, descriptors } = this;
    const { planted, world } = this.#options;
    drive(world, { program, life, descriptors, planted, appended: () => undefined, ...ends });
  }

  #now(): Now {
    const { clock, tape } = this.#options.world;
    const at = this.#baseAt + clock.monotonicMs - this.#startedAtMs;
    const aheadMs = clock.wallMs - at;
    const seed = tape.stream('core').choose('seed', 2 ** 32);
    return { at: Instant(at), wallAheadMs: Math.abs(aheadMs) < 1_000 ? 0 : aheadMs, seed };
  }

  /** The factory, and a note of the tables it made last: those that a recovery ends with. */
  #captured(): TablesFactory {
    const { tables: factory } = this.#options;
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

function fault(rule: OwnRule, error: unknown): Error {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const violation = broken(error instanceof DisciplineError ? 'DISK' : rule, detail);
  violation.cause = error;
  return violation;
}

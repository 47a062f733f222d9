// The server: one process after another on one disk. Each drives the production engine as the runtime does.
//
// Rule 1: all that a process does hangs on its life; when that ends, no event of it runs any more, and no generator of it
//         is ever resumed.
// Rule 2: every disk operation and every released effect is an event of its own, so that a kill fits between any two.

import { Engine } from '../../core/engine/engine.ts';
import type { Turn } from '../../core/engine/engine.ts';
import { Instant } from '../../core/job/job.ts';
import type { JobId } from '../../core/job/job.ts';
import type { ClientCommand, Input, Now, RequestId } from '../../core/queue/command.ts';
import type { Effect, Reply } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import { DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_MS } from '../../core/queue/settings.ts';
import { DiskError } from '../../core/store/disk.ts';
import { compact } from '../../core/store/snapshot.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import { Violation } from '../checks/check.ts';
import type { AppendedRange } from '../checks/check.ts';
import { sentenceOf } from '../checks/rules.ts';
import type { OwnRule } from '../checks/rules.ts';
import type { Exchange, Offer } from '../ledger.ts';
import type { Planted } from '../mutants/mutant.ts';
import { otherSettings } from '../plan.ts';
import type { Witness } from '../witness.ts';
import { newLife } from '../world/clock.ts';
import type { Life, Timer } from '../world/clock.ts';
import { Descriptors, DisciplineError } from '../world/disk.ts';
import { chanceOf, note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import { drive } from './driver.ts';
import { Handlers } from './handlers.ts';

/** A request as it arrives: the command is made anew for each arrival, as the server gives out the job ids. */
export type Message = {
  readonly client: string;
  readonly command: (newJobId: () => JobId) => ClientCommand;
  readonly shownSeq: number;
  readonly answer: (reply: Reply) => void;
  /** Nobody listens, or the connection broke. */
  readonly refused: () => void;
};

type Process = {
  readonly number: number;
  readonly life: Life;
  readonly descriptors: Descriptors;
  readonly settings: QueueSettings;
  readonly startedAtMs: number;
  readonly exchanges: Map<RequestId, Exchange & { readonly refused: () => void }>;
  readonly handlers: Handlers;
  /** The queue's clock when the process began. */
  baseAt: number;
  engine: Engine | null;
  tables: Tables | null;
  isBusy: boolean;
  isDraining: boolean;
  isEnding: boolean;
  timer: Timer | null;
};

export type ServerOptions = {
  readonly world: World;
  readonly witness: Witness;
  readonly tables: TablesFactory;
  readonly planted: Planted;
};

export class Server {
  readonly #world: World;
  readonly #witness: Witness;
  readonly #factory: TablesFactory;
  readonly #planted: Planted;
  #process: Process | null = null;
  #processes = 0;
  #requests = 0;
  #jobs = 0;
  crashes = 0;
  recoveries = 0;

  constructor(options: ServerOptions) {
    this.#world = options.world;
    this.#witness = options.witness;
    this.#planted = options.planted;
    this.#factory = options.planted.tables?.(options.tables) ?? options.tables;
  }

  /** Whether a process has recovered and takes requests. */
  get isServing(): boolean {
    return this.#process !== null && this.#process.engine !== null && !this.#process.isDraining;
  }

  get isRecovering(): boolean {
    return this.#process !== null && this.#process.engine === null;
  }

  /** The tables of the serving process while nothing is under way, else null. */
  get restingTables(): Tables | null {
    const process = this.#process;
    if (process === null || process.isBusy || process.engine === null || process.engine.hasWork) return null;
    return process.tables;
  }

  /** The settings of the serving process are those of the plan. */
  get hasPlannedSettings(): boolean {
    return this.#process?.settings === this.#world.plan.settings;
  }

  start(): void {
    if (this.#process !== null) return;
    const world = this.#world;
    this.#processes += 1;
    const number = this.#processes;
    const changes = number > 1 && world.faults.strikes('P12');
    const settings = changes ? otherSettings(world.plan.settings, world.tape.stream('settings')) : world.plan.settings;
    const life = newLife();
    const process: Process = {
      number,
      life,
      descriptors: new Descriptors(),
      settings,
      startedAtMs: world.clock.monotonicMs,
      exchanges: new Map(),
      handlers: new Handlers({
        world,
        ledger: this.#witness.ledger,
        life,
        say: (command) => this.#offer(process, { requestId: null, command }),
        crash: (fault) => {
          note(world, 'handler', 'takes the process down', fault);
          if (fault === 'W3') world.faults.note('W3');
          this.kill();
        },
      }),
      baseAt: world.clock.wallMs,
      engine: null,
      tables: null,
      isBusy: true,
      isDraining: false,
      isEnding: false,
      timer: null,
    };
    this.#process = process;
    note(world, 'server', `process ${number} starts`, changes ? 'P12' : null);
    const tables = this.#captured(process);
    const directoryId = world.tape.stream('directory').choose('id', 2 ** 32).toString(16).padStart(32, '0');
    this.#drive(process, Engine.open({ tables, directoryId, settings, now: this.#now(process), limits: world.plan.limits }), {
      done: ({ engine, lastAt }) => this.#opened(process, engine, lastAt),
      failed: (error) => {
        if (!(error instanceof DiskError)) throw this.#broken(error instanceof DisciplineError ? 'DISK' : 'D13', error);
        note(world, 'server', `does not start: ${error.message}`);
        this.#exit(process);
      },
    });
  }

  /** `kill -9`, or the power goes; another process starts after a while. */
  kill(): void {
    const process = this.#process;
    if (process === null) return;
    const isPowerLoss = this.#world.faults.strikes('P3');
    note(this.#world, 'nature', isPowerLoss ? 'power loss' : 'process killed', isPowerLoss ? 'P3' : 'P1');
    this.crashes += 1;
    process.life.alive = false;
    if (isPowerLoss) this.#world.disk.powerLoss(process.descriptors, chanceOf(this.#world));
    this.#exit(process);
  }

  /** The power goes, whatever the switches say. */
  cutPower(): void {
    const process = this.#process;
    if (process === null) return;
    note(this.#world, 'nature', 'power loss', 'P3');
    process.life.alive = false;
    this.#world.disk.powerLoss(process.descriptors, chanceOf(this.#world));
    this.#exit(process);
  }

  /** The process stands still; its timers wait, the network goes on. */
  freeze(forUs: number): void {
    if (this.#process !== null) this.#process.life.frozenUntilUs = this.#world.clock.nowUs + forUs;
  }

  /** `SIGTERM`: drain, wait for the grace, abort, give back, close, exit; then another process starts. */
  shutdown(): void {
    const process = this.#process;
    if (process === null || process.engine === null || process.isDraining) return;
    const { clock, plan } = this.#world;
    note(this.#world, 'server', 'shutdown begins', 'P11');
    process.isDraining = true;
    this.#offer(process, { requestId: null, command: { kind: 'drain' } });
    const graceUs = plan.shutdownGraceMs * 1000;
    clock.after(graceUs, process.life, () => process.handlers.abortAll());
    clock.after(graceUs + 100_000, process.life, () => {
      process.handlers.releaseAll();
      this.#closeWhenDone(process);
    });
    this.#closeWhenDone(process);
  }

  receive(message: Message): void {
    const process = this.#process;
    if (process === null || process.engine === null || process.isEnding) return message.refused();
    const command = message.command(() => this.#newJobId());
    this.#requests += 1;
    const exchange = {
      requestId: this.#requests,
      client: message.client,
      command,
      offers: command.kind === 'submit' ? command.submissions.map((one) => this.#offerOf(process, one)) : [],
      shownSeq: message.shownSeq,
      answer: message.answer,
      refused: message.refused,
    };
    process.exchanges.set(exchange.requestId, exchange);
    this.#witness.offered(exchange);
    this.#offer(process, { requestId: exchange.requestId, command });
  }

  heal(): void {
    this.#process?.handlers.heal();
  }

  #opened(process: Process, engine: Engine, lastAt: Instant): void {
    if (process.tables === null) throw new Error('a recovery makes tables');
    this.recoveries += 1;
    note(this.#world, 'server', `process ${process.number} recovered ${process.tables.meta().lastSeq} events`);
    process.baseAt = Math.max(process.baseAt, lastAt);
    process.engine = engine;
    this.#witness.recovered(process.tables, process.settings);
    process.isBusy = false;
    this.#pump(process);
  }

  #offer(process: Process, input: Input): void {
    const { engine, isEnding } = process;
    if (engine === null || isEnding) return;
    const real = this.#planted.input === undefined ? input : this.#planted.input(input);
    if (real === null) return;
    for (const effect of engine.offer(real)) this.#release(process, effect);
    this.#pump(process);
  }

  /** Takes a turn soon, unless one is under way: what comes in until then is decided with it. */
  #pump(process: Process): void {
    if (process.isBusy || process.isEnding || process.engine?.hasWork !== true) return;
    process.isBusy = true;
    const gatherUs = this.#world.tape.stream('server').choose('gather', 100);
    this.#world.clock.after(gatherUs, process.life, () => this.#turn(process));
  }

  #turn(process: Process): void {
    if (process.engine === null) return;
    const appended: AppendedRange[] = [];
    this.#drive(process, process.engine.turn(this.#now(process)), {
      appended: (range) => appended.push(range),
      done: (turn) => this.#turned(process, this.#planted.turn?.(turn) ?? turn, appended),
      failed: (error) => {
        throw this.#broken(error instanceof DisciplineError ? 'DISK' : 'S30', error);
      },
    });
  }

  #turned(process: Process, turn: Turn, appended: readonly AppendedRange[]): void {
    const { tables } = process;
    if (tables === null) return;
    const { failure } = turn;
    const rows = turn.effects.flatMap((effect) => (effect.kind === 'publish' ? effect.rows : []));
    // What the turn wrote first is its record; what failed came after it, or was that very file.
    const record = appended[0]?.file;
    const claimed = failure === null ? appended : appended.filter(({ file }) => file === record && file !== failure.file);
    this.#witness.turned({ appended: claimed, rows, tables });
    if (failure !== null) process.isEnding = true;
    if (turn.snapshot !== null) this.#snapshot(process, tables, turn.snapshot);
    this.#releaseAll(process, turn.effects, 0, () => this.#settled(process, turn));
  }

  /** One effect an event: the process may die between any two. */
  #releaseAll(process: Process, effects: readonly Effect[], index: number, then: () => void): void {
    const effect = effects[index];
    if (effect === undefined) return then();
    this.#world.clock.after(1, process.life, () => {
      this.#release(process, effect);
      this.#releaseAll(process, effects, index + 1, then);
    });
  }

  #release(process: Process, effect: Effect): void {
    const exchange = effect.kind === 'reply' ? process.exchanges.get(effect.requestId) : undefined;
    this.#witness.released(effect, exchange);
    switch (effect.kind) {
      case 'reply':
        process.exchanges.delete(effect.requestId);
        note(this.#world, 'server', `replies ${describeReply(effect.reply)} to ${exchange?.client ?? 'nobody'}`);
        exchange?.answer(effect.reply);
        break;
      case 'start':
        process.handlers.start(effect.job);
        break;
      case 'abort':
        process.handlers.abort(effect.jobId, effect.attempt);
        break;
      case 'publish':
        for (const { seq, kind, jobId, attempt } of effect.rows) {
          note(this.#world, 'feed', `${seq} ${kind} ${jobId ?? ''}${attempt === null ? '' : `#${attempt}`}`);
        }
        break;
    }
  }

  #settled(process: Process, turn: Turn): void {
    process.isBusy = false;
    if (turn.failure !== null) {
      note(this.#world, 'server', `ends: ${turn.failure.message}`);
      return this.#exit(process);
    }
    this.#arm(process, turn.wakeAt);
    this.#closeWhenDone(process);
    this.#pump(process);
  }

  #arm(process: Process, wakeAt: Instant | null): void {
    if (process.timer !== null) process.timer.cancelled = true;
    process.timer = null;
    if (wakeAt === null) return;
    const { clock, faults, tape } = this.#world;
    const stream = tape.stream('timers');
    let delayMs = Math.min(Math.max(wakeAt - this.#now(process).at, 0), 2 ** 31 - 1);
    if (faults.strikes('C7')) delayMs += stream.logarithmic('late', 1, 60_000);
    const fire = (): void => this.#offer(process, { requestId: null, command: { kind: 'tick' } });
    process.timer = clock.after(delayMs * 1000, process.life, fire);
    if (faults.isOn('C7') && stream.choose('twice', 8) === 1) clock.after(delayMs * 1000, process.life, fire);
  }

  #snapshot(process: Process, tables: Tables, throughSegment: number): void {
    note(this.#world, 'server', `snapshot through segment ${throughSegment}`);
    void tables;
    this.#drive(process, compact({ tables: this.#factory, throughSegment }), {
      done: (result) => process.engine?.snapshotDone(result, this.#now(process)),
      failed: (error) => {
        if (!(error instanceof DiskError)) throw this.#broken(error instanceof DisciplineError ? 'DISK' : 'S30', error);
        note(this.#world, 'server', `snapshot failed: ${error.message}`);
        process.engine?.snapshotDone(null, this.#now(process));
      },
    });
  }

  #closeWhenDone(process: Process): void {
    const { engine, isDraining, isBusy, isEnding, handlers } = process;
    if (!isDraining || isBusy || isEnding || engine === null || engine.hasWork || handlers.size > 0) return;
    process.isEnding = true;
    this.#drive(process, engine.close(), {
      done: (turn) => {
        this.#releaseAll(process, turn.effects, 0, () => {
          note(this.#world, 'server', turn.failure === null ? 'orderly exit' : `ends: ${turn.failure.message}`);
          this.#exit(process);
        });
      },
      failed: (error) => {
        throw this.#broken(error instanceof DisciplineError ? 'DISK' : 'S30', error);
      },
    });
  }

  /** The process is gone, whatever the reason; its connections break, and another one starts after a while. */
  #exit(process: Process): void {
    const { clock, disk, faults, plan, tape } = this.#world;
    process.life.alive = false;
    disk.processKill(process.descriptors);
    this.#process = null;
    for (const { refused } of process.exchanges.values()) {
      if (faults.strikes('N7')) continue;
      clock.after(plan.networkUsMax, null, refused);
    }
    clock.after(tape.stream('server').between('restart', 1, plan.restartMsMax) * 1000, null, () => this.start());
  }

  #drive<Result>(
    process: Process,
    program: Parameters<typeof drive<Result>>[1]['program'],
    ends: {
      readonly done: (result: Result) => void;
      readonly failed: (error: unknown) => void;
      readonly appended?: (range: AppendedRange) => void;
    },
  ): void {
    const { life, descriptors } = process;
    drive(this.#world, { program, life, descriptors, planted: this.#planted, appended: () => undefined, ...ends });
  }

  #now(process: Process): Now {
    const { clock, tape } = this.#world;
    const at = process.baseAt + clock.monotonicMs - process.startedAtMs;
    const aheadMs = clock.wallMs - at;
    const seed = tape.stream('core').choose('seed', 2 ** 32);
    return { at: Instant(at), wallAheadMs: Math.abs(aheadMs) < 1_000 ? 0 : aheadMs, seed };
  }

  #newJobId(): JobId {
    this.#jobs += 1;
    return `j${this.#jobs}` as JobId;
  }

  #offerOf(process: Process, submission: Offer['submission']): Offer {
    const type = process.settings.types.get(submission.type);
    return {
      submission,
      maxRetries: submission.maxRetries ?? type?.maxRetries ?? DEFAULT_MAX_RETRIES,
      timeoutMs: submission.timeoutMs ?? type?.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      monotonicMs: this.#world.clock.monotonicMs,
    };
  }

  /** The factory, and a note of the tables it made last: those that a recovery ends with. */
  #captured(process: Process): TablesFactory {
    const keep = (tables: Tables): Tables => {
      process.tables = tables;
      return tables;
    };
    return {
      create: () => keep(this.#factory.create()),
      load: (bytes) => keep(this.#factory.load(bytes)),
    };
  }

  #broken(rule: OwnRule, error: unknown): Violation {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const violation = new Violation({ rule, sentence: sentenceOf(rule) ?? rule, detail });
    violation.cause = error;
    return violation;
  }
}

function describeReply(reply: Reply): string {
  switch (reply.kind) {
    case 'submitted':
      return reply.outcomes.map(({ job, replayed }) => `${replayed ? 'replayed' : 'created'} ${job.id}`).join(', ');
    case 'job':
      return `${reply.job.id} ${reply.job.state}`;
    case 'refused':
      return `refused ${reply.refusals.map(({ reason }) => reason).join(', ')}`;
    default:
      return reply.kind;
  }
}

// The server as its clients and its operator know it: one process after another on one disk.

import { JobId } from '../../core/job/job.ts';
import type { Submission } from '../../core/queue/command.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import { DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_MS } from '../../core/queue/settings.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import type { Offer } from '../ledger.ts';
import type { Planted } from '../mutants/mutant.ts';
import { otherSettings } from '../plan.ts';
import type { Witness } from '../witness.ts';
import { Descriptors } from '../world/disk.ts';
import { chanceOf, note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import type { Message } from './exchange.ts';
import { ServerProcess } from './process.ts';
import { judged } from './schemas.ts';
import type { OpenExchange, Subscriber } from './process.ts';
import { Vandal } from './vandal.ts';

const DAY_MS = 86_400_000;
/** How much rarer it is that a living process sees a connection break than that a dead one's says nothing. */
const RESET_WEIGHT = 1 / 10;
/** What a recovery takes, more or less. */
const RECOVERY_MS = 30;
/** How long the supervisor waits at most before it starts again what did not come up. */
const RESTART_BACKOFF_MS_MAX = 5_000;
/** Recoveries that may be cut off one after the other. */
const FAILED_STARTS_MAX = 3;

export type ServerOptions = {
  readonly world: World;
  readonly witness: Witness;
  readonly tables: TablesFactory;
  readonly planted: Planted;
};

export class Server {
  readonly #options: ServerOptions;
  readonly #tables: TablesFactory;
  #process: ServerProcess | null = null;
  #processes = 0;
  #requests = 0;
  #jobs = 0;
  /** Kills that are still to come in a loop of them. */
  #killsLeft = 0;
  #wasKilled = false;
  /** Recoveries in a row that did not come to their end. */
  #failedStarts = 0;
  /** The power goes soon after the next start. */
  #isDoomed = false;
  readonly #vandal: Vandal;
  /** Whoever waits to hear that the server is back. */
  readonly returned = new Set<() => void>();
  /** Whoever must hear that a process is gone. */
  readonly #broken = new Map<Subscriber, () => void>();
  /** Kills and power losses. */
  crashes = 0;
  recoveries = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#tables = options.planted.tables?.(options.tables) ?? options.tables;
    this.#vandal = new Vandal({ world: options.world, tables: this.#tables, planted: options.planted });
  }

  /** Whether a process has recovered and takes submissions. */
  get isServing(): boolean {
    return this.#process !== null && this.#process.isListening && !this.#process.isDraining;
  }

  get isRecovering(): boolean {
    return this.#process?.isRecovering === true;
  }

  /** It recovers, and has not been kept from it too often: a life in which nothing ever starts shows nothing. */
  get mayBeCutOff(): boolean {
    return this.isRecovering && this.#failedStarts < FAILED_STARTS_MAX;
  }

  /** It recovers from a kill: nothing that it has accepted is synced yet. */
  get isRecoveringFromKill(): boolean {
    return this.#wasKilled && this.mayBeCutOff;
  }

  /** The tables of the process while nothing is under way, else null. */
  get restingTables(): Tables | null {
    return this.#process?.restingTables ?? null;
  }

  /** The settings of the process are those of the plan. */
  get hasPlannedSettings(): boolean {
    return this.#process?.settings === this.#options.world.plan.settings;
  }

  start(): void {
    if (this.#process !== null) return;
    const { world, witness, planted } = this.#options;
    const { clock, faults, tape } = world;
    if (faults.strikes('C6')) {
      const byMs =
        tape.stream('operator').logarithmic('set', 1, DAY_MS) * (1 - 2 * tape.stream('operator').choose('back', 2));
      note(world, 'nature', `the wall clock is set by ${byMs} ms`, 'C6');
      clock.wallOffsetMs += byMs;
    }
    this.#vandal.visit();
    this.#processes += 1;
    const isChanged = this.#processes > 1 && world.faults.strikes('P12');
    const { settings } = world.plan;
    note(world, 'server', `process ${this.#processes} starts`, isChanged ? 'P12' : null);
    const process = new ServerProcess({
      world,
      witness,
      planted,
      tables: this.#tables,
      settings: isChanged ? otherSettings(settings, world.tape.stream('settings')) : settings,
      recovered: () => {
        this.recoveries += 1;
        this.#failedStarts = 0;
        if (this.#killsLeft > 0) return this.#killAgain();
        if (!faults.strikes('N12')) return;
        note(world, 'net', 'all clients come back at once', 'N12');
        for (const client of [...this.returned]) client();
      },
      crash: () => this.kill(),
      exited: (failedSync) => {
        this.#isDoomed = failedSync && faults.strikes('D18');
        this.#exited();
      },
      ask: (message) => this.receive(message),
    });
    this.#process = process;
    if (!this.#isDoomed) return;
    this.#isDoomed = false;
    // While it makes its own what it found, or when it has built upon it.
    const stream = tape.stream('server');
    const untilMs = stream.between('doomed', 1, stream.pick('doomed while', [3_000, RECOVERY_MS]));
    clock.after(untilMs * 1000, process.life, () => {
      if (!faults.isHealed) this.cutPower();
    });
  }

  /** `kill -9`, or the power goes; another process starts after a while. */
  kill(): void {
    const isPowerLoss = this.#options.world.faults.strikes('P3');
    if (this.#process === null) return;
    const { faults, tape } = this.#options.world;
    if (faults.strikes('P6')) this.#killsLeft = tape.stream('server').between('kills', 1, 6);
    if (isPowerLoss) return this.cutPower();
    note(this.#options.world, 'nature', 'process killed', 'P1');
    this.#wasKilled = true;
    this.crashes += 1;
    this.#exited();
  }

  /** It has recovered, and done nothing. */
  #killAgain(): void {
    this.#killsLeft -= 1;
    note(this.#options.world, 'nature', 'process killed again', 'P6');
    this.crashes += 1;
    this.#exited();
  }

  /** The power goes, whatever the switches say, and whether a process runs or not. */
  cutPower(): void {
    const { world } = this.#options;
    note(world, 'nature', 'power loss', 'P3');
    this.#wasKilled = false;
    this.crashes += 1;
    world.disk.powerLoss(this.#process?.descriptors ?? new Descriptors(), chanceOf(world));
    this.#exited();
  }

  /** The process stands still; its timers wait, the network goes on. */
  freeze(forUs: number): void {
    if (this.#process !== null) this.#process.life.frozenUntilUs = this.#options.world.clock.nowUs + forUs;
  }

  /** The clock of the process stands still, and later shows true time at once. */
  stopClock(forMs: number): void {
    this.#process?.clock.stop(forMs);
  }

  /** Follows the feed of the process that serves now; says when that is over. */
  subscribe({ rows, broken }: { rows: Subscriber; broken: () => void }): () => void {
    const process = this.#process;
    if (process === null) {
      broken();
      return () => undefined;
    }
    process.subscribers.add(rows);
    this.#broken.set(rows, broken);
    return () => {
      process.subscribers.delete(rows);
      this.#broken.delete(rows);
    };
  }

  shutdown(): void {
    this.#process?.shutdown();
  }

  /** All faults stop: handlers that hang come to their senses. */
  heal(): void {
    this.#killsLeft = 0;
    this.#process?.clock.goOn();
    this.#process?.handlers.heal();
  }

  receive(message: Message): void {
    const process = this.#process;
    if (process === null || !process.isListening) return message.refused();
    const { clock } = this.#options.world;
    const { frozenUntilUs } = process.life;
    // The kernel accepts what a process that stands still will read afterwards, if it lives.
    if (frozenUntilUs > clock.nowUs) {
      const read = (): void => (process === this.#process ? this.receive(message) : this.#break(message.refused));
      return void clock.after(frozenUntilUs - clock.nowUs, null, read);
    }
    const exchange = this.#open(message, process);
    const { requestId, command } = exchange;
    this.#options.planted.begun?.(command);
    process.exchanges.set(requestId, exchange);
    this.#options.witness.offered(exchange);
    process.offer({ requestId, command });
    if (!this.#options.world.faults.strikes('N7', RESET_WEIGHT)) return;
    const untilUs = this.#options.world.tape.stream('network').choose('breaks', this.#options.world.plan.syncUsMax);
    clock.after(untilUs, process.life, () => this.#reset(process, exchange));
  }

  /** Only the head of a request comes: whoever sent it will wait in vain, and the queue hears nothing. */
  receiveHead(message: Message): void {
    if (this.#process?.isListening === true) this.#options.planted.begun?.(this.#open(message, this.#process).command);
  }

  /** A request that cannot be read, and is answered so: the queue hears nothing of it, and nothing of it may be stored. */
  receiveGarbled(message: Message): void {
    const process = this.#process;
    if (process?.isListening !== true) return;
    const { planted, witness } = this.#options;
    const { command, offers } = this.#open(message, process);
    witness.unread(offers);
    const taken = planted.garbled?.(command) ?? null;
    if (taken !== null) process.offer({ requestId: null, command: taken });
  }

  #open(message: Message, process: ServerProcess): OpenExchange {
    const schemas = process.settings === this.#options.world.plan.settings ? 'as planned' : 'tightened';
    const command = judged(
      message.command(() => this.#newJobId()),
      schemas,
    );
    this.#requests += 1;
    let isBroken = false;
    return {
      requestId: this.#requests,
      client: message.client,
      command,
      offers: command.kind === 'submit' ? command.submissions.map((one) => this.#offerOf(one, process.settings)) : [],
      shownSeq: message.shownSeq,
      answer: (reply) => {
        if (!isBroken) message.answer(reply);
      },
      refused: () => {
        if (!isBroken) message.refused();
        isBroken = true;
      },
    };
  }

  /** The connection breaks while the queue has the request: it goes on, and its answer reaches nobody. */
  #reset(process: ServerProcess, exchange: OpenExchange): void {
    if (process.exchanges.get(exchange.requestId) !== exchange) return;
    note(this.#options.world, 'net', () => `the connection of ${exchange.client} breaks`, 'N7');
    this.#options.planted.reset?.(exchange.requestId);
    exchange.refused();
  }

  /** A connection of a process that is gone: whoever waits at it is told, or not. */
  #break(refused: () => void): void {
    const { clock, faults, plan } = this.#options.world;
    if (!faults.strikes('N7')) clock.after(plan.networkUsMax, null, refused);
  }

  /** The process is gone, whatever the reason; its connections break, and another one starts after a while. */
  #exited(): void {
    const process = this.#process;
    if (process === null) return;
    const { clock, disk, plan, tape } = this.#options.world;
    process.life.alive = false;
    if (process.isRecovering) this.#failedStarts += 1;
    disk.processKill(process.descriptors);
    this.#process = null;
    const broken = [...this.#broken.values()];
    this.#broken.clear();
    for (const tell of broken) tell();
    for (const { refused } of process.exchanges.values()) this.#break(refused);
    const restartMs = tape.stream('server').between('restart', 1, plan.restartMsMax);
    // After each start that failed its supervisor waits longer.
    const backoffMs = Math.min(restartMs * 2 ** this.#failedStarts, RESTART_BACKOFF_MS_MAX);
    clock.after(Math.max(restartMs, backoffMs) * 1000, null, () => this.start());
  }

  #newJobId(): JobId {
    this.#jobs += 1;
    return JobId(`j${this.#jobs}`);
  }

  #offerOf(submission: Submission, settings: QueueSettings): Offer {
    const type = settings.types.get(submission.type);
    return {
      submission,
      maxRetries: submission.maxRetries ?? type?.maxRetries ?? DEFAULT_MAX_RETRIES,
      timeoutMs: submission.timeoutMs ?? type?.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      monotonicMs: this.#options.world.clock.monotonicMs,
    };
  }
}

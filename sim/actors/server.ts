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
import { chanceOf, note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import type { Message } from './exchange.ts';
import { ServerProcess } from './process.ts';
import type { OpenExchange } from './process.ts';

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
  /** Kills and power losses. */
  crashes = 0;
  recoveries = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#tables = options.planted.tables?.(options.tables) ?? options.tables;
  }

  /** Whether a process has recovered and takes submissions. */
  get isServing(): boolean {
    return this.#process !== null && this.#process.isListening && !this.#process.isDraining;
  }

  get isRecovering(): boolean {
    return this.#process?.isRecovering === true;
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
    this.#processes += 1;
    const isChanged = this.#processes > 1 && world.faults.strikes('P12');
    const { settings } = world.plan;
    note(world, 'server', `process ${this.#processes} starts`, isChanged ? 'P12' : null);
    this.#process = new ServerProcess({
      world,
      witness,
      planted,
      tables: this.#tables,
      settings: isChanged ? otherSettings(settings, world.tape.stream('settings')) : settings,
      recovered: () => {
        this.recoveries += 1;
      },
      crash: () => this.kill(),
      exited: () => this.#exited(),
    });
  }

  /** `kill -9`, or the power goes; another process starts after a while. */
  kill(): void {
    const isPowerLoss = this.#options.world.faults.strikes('P3');
    if (this.#process === null) return;
    if (isPowerLoss) return this.cutPower();
    note(this.#options.world, 'nature', 'process killed', 'P1');
    this.crashes += 1;
    this.#exited();
  }

  /** The power goes, whatever the switches say. */
  cutPower(): void {
    if (this.#process === null) return;
    const { world } = this.#options;
    note(world, 'nature', 'power loss', 'P3');
    this.crashes += 1;
    world.disk.powerLoss(this.#process.descriptors, chanceOf(world));
    this.#exited();
  }

  /** The process stands still; its timers wait, the network goes on. */
  freeze(forUs: number): void {
    if (this.#process !== null) this.#process.life.frozenUntilUs = this.#options.world.clock.nowUs + forUs;
  }

  shutdown(): void {
    this.#process?.shutdown();
  }

  /** All faults stop: handlers that hang come to their senses. */
  heal(): void {
    this.#process?.handlers.heal();
  }

  receive(message: Message): void {
    const process = this.#process;
    if (process === null || !process.isListening) return message.refused();
    const command = message.command(() => this.#newJobId());
    this.#requests += 1;
    const exchange: OpenExchange = {
      requestId: this.#requests,
      client: message.client,
      command,
      offers: command.kind === 'submit' ? command.submissions.map((one) => this.#offerOf(one, process.settings)) : [],
      shownSeq: message.shownSeq,
      answer: message.answer,
      refused: message.refused,
    };
    process.exchanges.set(exchange.requestId, exchange);
    this.#options.witness.offered(exchange);
    process.offer({ requestId: exchange.requestId, command });
  }

  /** The process is gone, whatever the reason; its connections break, and another one starts after a while. */
  #exited(): void {
    const process = this.#process;
    if (process === null) return;
    const { clock, disk, faults, plan, tape } = this.#options.world;
    process.life.alive = false;
    disk.processKill(process.descriptors);
    this.#process = null;
    for (const { refused } of process.exchanges.values()) {
      if (!faults.strikes('N7')) clock.after(plan.networkUsMax, null, refused);
    }
    clock.after(tape.stream('server').between('restart', 1, plan.restartMsMax) * 1000, null, () => this.start());
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

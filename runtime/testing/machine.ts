// The machine under a queue under test: a disk, a clock, and one process after the other.
//
// Rule 1: what happened inside a process dies with it: its handlers' sleeps, and what they asked.
// Rule 2: nothing is drawn but from the seed: the same test lives the same life.

import { V7Generator } from 'uuidv7';
import { Instant, JobId } from '../../core/job/job.ts';
import { draws } from '../../core/job/retry.ts';
import type { ClientCommand, Now } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { EventRow } from '../../core/store/tables.ts';
import type { Log } from '../log.ts';
import type { QueuePort, Readiness } from '../queue-port.ts';
import type { HandlerContext } from '../worker/handler.ts';
import { settingsOf } from '../worker/registry.ts';
import type { HandlerRegistry, RegisteredHandler } from '../worker/registry.ts';
import { Ledger } from './ledger.ts';
import { MemoryDisk } from './memory-disk.ts';
import { Passage } from './passage.ts';
import type { World } from './passage.ts';
import { TestProcess } from './process.ts';
import { currentCall, inside, never, outside } from './rounds.ts';
import type { Call } from './rounds.ts';
import { VirtualTime } from './virtual-time.ts';

export type MachineOptions = Omit<QueueSettings, 'types'> & {
  readonly handlers: HandlerRegistry;
  readonly log: Log;
  readonly startAt: Instant;
  readonly seed: number;
  /** Real milliseconds for which a handler may be silent before virtual time passes over it. */
  readonly patienceMs: number;
};

export type Crash = {
  /** What was not synced is lost. */
  readonly powerLoss: boolean;
  /** Virtual milliseconds until the next process starts. */
  readonly downMs: number;
};

export type CrashMoment = 'before-handler' | 'after-handler';

type PlannedCrash = Crash & { readonly moment: CrashMoment; timesLeft: number };

export class Machine implements QueuePort, World {
  readonly types: QueuePort['types'];
  readonly newJobId: () => JobId;
  readonly time: VirtualTime;
  readonly ledger = new Ledger();
  readonly calls: ReadonlySet<Call>;
  readonly passage: Passage;
  readonly #options: MachineOptions;
  readonly #draw: () => number;
  readonly #calls = new Set<Call>();
  readonly #listeners = new Set<(rows: readonly EventRow[]) => void>();
  readonly #planned = new Map<string, PlannedCrash>();
  #process: TestProcess;
  #deaths = 0;
  #defect: World['defect'] = null;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.types = options.handlers;
    this.time = new VirtualTime(options.startAt);
    this.calls = this.#calls;
    this.passage = new Passage({ world: this, patienceMs: options.patienceMs });
    this.#draw = draws(options.seed);
    const generator = new V7Generator({ nextUint32: () => this.#word() });
    this.newJobId = () => JobId(generator.generateOrResetCore(this.time.at, 0).toString());
    this.#process = this.#start(new MemoryDisk());
  }

  get process(): TestProcess {
    return this.#process;
  }

  get deaths(): number {
    return this.#deaths;
  }

  get defect(): World['defect'] {
    return this.#defect;
  }

  ask(command: ClientCommand): Promise<Reply> {
    const call = currentCall();
    if (call?.process.isDead === true) return never();
    return this.#process.ask(command, { isInside: call !== undefined });
  }

  subscribe(listener: (rows: readonly EventRow[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readiness(): Readiness {
    return { refusing: null, warnings: [] };
  }

  uptimeMs(): number {
    return this.time.at - this.#options.startAt;
  }

  /** The process dies here and now, and the next one recovers. For the handler that asks for it, time ends. */
  crash({ powerLoss, downMs }: Crash): Promise<void> {
    const call = currentCall();
    if (call?.process.isDead === true) return never();
    const disk = this.#process.kill({ powerLoss });
    this.#bury(this.#process);
    this.time.moveTo(Instant(this.time.at + downMs));
    this.#process = outside(() => this.#start(disk));
    return call === undefined ? Promise.resolve() : never();
  }

  /** The next attempts of the type take the process down. */
  planCrash(
    type: string,
    { times, ...planned }: Crash & { readonly moment: CrashMoment; readonly times: number },
  ): void {
    this.#planned.set(type, { ...planned, timesLeft: times });
  }

  /** An orderly shutdown, and the next process. */
  async restart(): Promise<void> {
    const disk = await this.#process.shutDown();
    this.#bury(this.#process);
    this.#process = outside(() => this.#start(disk));
  }

  /** Resolves when so much virtual time has passed; never, if the process of the handler that sleeps has died. */
  sleep(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
    const call = currentCall();
    if (call?.process.isDead === true) return never();
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      if (call !== undefined) call.sleeps += 1;
      const end = (settle: () => void): void => {
        takeBack();
        signal?.removeEventListener('abort', onAbort);
        if (call !== undefined) call.sleeps -= 1;
        settle();
      };
      const onAbort = (): void => end(() => reject(signal?.reason as Error));
      const takeBack = this.time.callAfter(durationMs, { owner: call?.process, wake: () => end(resolve) });
      signal?.addEventListener('abort', onAbort);
    });
  }

  #start(disk: MemoryDisk): TestProcess {
    const { handlers, log } = this.#options;
    const ofProcess = (): TestProcess => process;
    const process: TestProcess = new TestProcess({
      disk,
      handlers: new Map([...handlers].map(([type, registered]) => [type, this.#watched(ofProcess, registered)])),
      settings: this.#settings(),
      log,
      now: (): Now => ({ at: this.time.at, wallAheadMs: 0, seed: this.#word() }),
      directoryId: Array.from({ length: 4 }, () => this.#word().toString(16).padStart(8, '0')).join(''),
      publish: (rows) => this.#publish(rows),
      failed: (thrown) => (this.#defect ??= { thrown }),
    });
    return process;
  }

  /** Nobody works while time stands still. */
  #settings(): QueueSettings {
    const workersNow = (): number => (this.passage.isMoving ? this.#options.workerCount : 0);
    return {
      ...this.#options,
      types: settingsOf(this.#options.handlers),
      get workerCount() {
        return workersNow();
      },
    };
  }

  /** The handler, each call of which is noted, and may be where the process dies. */
  #watched(ofProcess: () => TestProcess, registered: RegisteredHandler): RegisteredHandler {
    const handler = async (payload: unknown, context: HandlerContext): Promise<unknown> => {
      const process = ofProcess();
      if (process.isDead) return never();
      const crash = this.#nextCrash(context.type);
      if (crash?.moment === 'before-handler') return this.crash(crash);
      this.ledger.begin(context, this.time.at);
      const call: Call = { process, sleeps: 0, isSilent: false };
      this.#calls.add(call);
      try {
        return await inside(call, () => registered.handler(payload, context));
      } finally {
        this.#calls.delete(call);
        if (crash !== undefined && !process.isDead) void this.crash(crash);
      }
    };
    return { ...registered, handler };
  }

  #nextCrash(type: string): PlannedCrash | undefined {
    const planned = this.#planned.get(type);
    if (planned === undefined) return undefined;
    planned.timesLeft -= 1;
    if (planned.timesLeft <= 0) this.#planned.delete(type);
    return planned;
  }

  #bury(process: TestProcess): void {
    this.#deaths += 1;
    this.#calls.clear();
    this.time.forgetSleepers(process);
  }

  #publish(rows: readonly EventRow[]): void {
    this.ledger.note(rows);
    for (const listener of this.#listeners) tell(listener, rows);
  }

  #word(): number {
    return Math.floor(this.#draw() * 2 ** 32);
  }
}

/** As in production: what a listener throws is its own affair, and it is not swallowed. */
function tell(listener: (rows: readonly EventRow[]) => void, rows: readonly EventRow[]): void {
  try {
    listener(rows);
  } catch (thrown) {
    setImmediate(() => {
      throw thrown;
    });
  }
}

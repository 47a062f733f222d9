// The queue at work in this process: lock, disk, recovery, engine, loop and workers, opened in order and closed in the
// reverse. HTTP and the command line stand on it; it knows nothing of them.

import { randomUUID } from 'node:crypto';
import type { JobId } from '../core/job/job.ts';
import { Engine } from '../core/engine/engine.ts';
import type { ClientCommand } from '../core/queue/command.ts';
import type { Reply } from '../core/queue/effect.ts';
import type { QueueSettings } from '../core/queue/settings.ts';
import type { RecoveryReport } from '../core/store/recovery.ts';
import type { EventRow } from '../core/store/tables.ts';
import { QueueClock } from './clock.ts';
import { prepareDirectory } from './disk/directory.ts';
import { fileSystemWarning } from './disk/file-system.ts';
import { holdLock } from './disk/lock.ts';
import type { Lock } from './disk/lock.ts';
import { NodeDisk } from './disk/node-disk.ts';
import { newJobIds } from './job-ids.ts';
import type { Log } from './log.ts';
import { Loop } from './loop.ts';
import type { LoopEnd } from './loop.ts';
import type { QueuePort, Readiness } from './queue-port.ts';
import { Snapshotter } from './snapshotter.ts';
import { loadTables } from './sqlite.ts';
import { WorkerPool } from './worker/pool.ts';
import { settingsOf } from './worker/registry.ts';
import type { HandlerRegistry } from './worker/registry.ts';

export type ServiceOptions = Omit<QueueSettings, 'types'> & {
  readonly directory: string;
  readonly handlers: HandlerRegistry;
  readonly log: Log;
  /** How long each sync took, in milliseconds. */
  readonly onSync?: (durationMs: number) => void;
  /** The disk failed, or an invariant broke: nothing is stored any more and the process must end. */
  readonly onEnd: (end: LoopEnd) => void;
};

const SLOW_SYNC_MS = 1_000;
const STALLED_SYNC_MS = 5_000;

const DRAINING: Reply = { kind: 'refused', refusals: [{ reason: 'draining' }] };

export class Service implements QueuePort {
  readonly types: QueuePort['types'];
  readonly newJobId: () => JobId;
  readonly #options: ServiceOptions;
  readonly #lock: Lock;
  readonly #clock: QueueClock;
  readonly #engine: Engine;
  readonly #loop: Loop;
  readonly #pool: WorkerPool;
  readonly #snapshotter: Snapshotter;
  readonly #disk: NodeDisk;
  #hasStarted = false;
  #isDraining = false;
  #isStalled = false;
  #end: LoopEnd | null = null;
  #closing: Promise<LoopEnd | null> | null = null;

  /**
   * Opens the data directory, recovers it, and starts.
   * @throws as `recover` and `start`.
   */
  static async open(options: ServiceOptions): Promise<Service> {
    const service = await Service.recover(options);
    try {
      await service.start();
    } catch (error) {
      service.#lock.release();
      throw error;
    }
    return service;
  }

  /**
   * Opens the data directory and recovers it. Nothing is written for a job, and none is run, before `start`.
   * @throws {LockedError} if another process holds the directory.
   * @throws {DamageError | FormatError} if it must not be touched; nothing was changed.
   * @throws {DiskError} if the disk failed.
   */
  static async recover(options: ServiceOptions): Promise<Service> {
    const { directory, log } = options;
    const warnings = [prepareDirectory(directory), fileSystemWarning(directory)];
    for (const warning of warnings) if (warning !== null) log.warn({ directory }, warning);
    const lock = holdLock(directory);
    try {
      const disk = new NodeDisk(directory, { onSync: (file, durationMs) => onSync(options, file, durationMs) });
      const clock = new QueueClock();
      const settings: QueueSettings = { ...options, types: settingsOf(options.handlers) };
      const tables = await loadTables();
      const program = Engine.open({ tables, directoryId: randomUUID(), settings, now: clock.now() });
      const { engine, report, lastAt } = await disk.run(program);
      clock.raiseTo(lastAt);
      logReport(log, report);
      return new Service({ options, lock, clock, engine, disk });
    } catch (error) {
      lock.undo();
      throw error;
    }
  }

  private constructor(parts: {
    options: ServiceOptions;
    lock: Lock;
    clock: QueueClock;
    engine: Engine;
    disk: NodeDisk;
  }) {
    const { options, lock, clock, engine, disk } = parts;
    this.#options = options;
    this.#lock = lock;
    this.#clock = clock;
    this.#engine = engine;
    this.#disk = disk;
    this.types = options.handlers;
    this.newJobId = newJobIds(clock);
    this.#snapshotter = new Snapshotter({ directory: options.directory, log: options.log });
    this.#loop = new Loop({
      engine,
      disk,
      clock,
      pool: () => this.#pool,
      snapshotter: this.#snapshotter,
      onEnd: (end) => this.#onEnd(end),
    });
    this.#pool = new WorkerPool({
      handlers: options.handlers,
      report: (command) => this.#loop.tell(command),
      ask: (command) => this.#loop.ask(command),
      log: options.log,
    });
    this.#loop.subscribe(() => this.#logStall());
  }

  /**
   * Takes the first turn: what an earlier process left running is pending again, or dead, and workers run from here on.
   * @throws {DiskError} if that could not be stored.
   */
  async start(): Promise<void> {
    await this.#loop.ask({ kind: 'stats' });
    if (this.#end !== null) throw 'failure' in this.#end ? this.#end.failure : this.#end.defect;
    this.#hasStarted = true;
  }

  ask(command: ClientCommand): Promise<Reply> {
    if (this.#isDraining && command.kind === 'submit') return Promise.resolve(DRAINING);
    return this.#loop.ask(command);
  }

  subscribe(listener: (rows: readonly EventRow[]) => void): () => void {
    return this.#loop.subscribe(listener);
  }

  uptimeMs(): number {
    return this.#clock.uptimeMs();
  }

  readiness(): Readiness {
    return { refusing: this.#refusing(), warnings: this.#areWorkersStalled() ? [this.#stallWarning()] : [] };
  }

  /** Refuses submissions from now on, and starts nothing more. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#loop.tell({ kind: 'drain' });
  }

  /**
   * An orderly shutdown: running handlers get the grace, what does not finish is given back, and all is durable when this
   * resolves with null. Else it resolves with what went wrong, then or before: the next start recovers as from a crash.
   * Further calls share the first one's end: a lock that was let go may be another's by then.
   */
  close({ graceMs }: { graceMs: number }): Promise<LoopEnd | null> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<LoopEnd | null> {
    this.drain();
    await this.#pool.shutdown({ graceMs });
    await this.#loop.settle();
    await this.#snapshotter.close();
    const end = await this.#loop.close();
    this.#lock.release();
    return end;
  }

  #areWorkersStalled(): boolean {
    const { workerCount } = this.#options;
    return workerCount > 0 && this.#engine.abandoned >= workerCount;
  }

  #stallWarning(): string {
    return `${this.#engine.abandoned} abandoned handlers linger: nothing starts until one of them ends`;
  }

  /** Once when workers stall and once when they go on. Every change of it is followed by an event, at the latest a start. */
  #logStall(): void {
    if (this.#isStalled === this.#areWorkersStalled()) return;
    this.#isStalled = !this.#isStalled;
    if (this.#isStalled) this.#options.log.warn({ abandoned: this.#engine.abandoned }, this.#stallWarning());
    else this.#options.log.info({ abandoned: this.#engine.abandoned }, 'handlers can start again');
  }

  #refusing(): string | null {
    if (this.#end !== null) return 'the disk failed; the process is about to end';
    if (this.#isDraining) return 'shutting down';
    if (!this.#engine.isWritable) return 'the disk is full: nothing is stored until there is space again';
    if (this.#disk.syncingForMs() > STALLED_SYNC_MS) return 'the disk does not answer';
    return null;
  }

  #onEnd(end: LoopEnd): void {
    this.#end = end;
    if (this.#hasStarted) this.#options.onEnd(end); // else `start` throws it
  }
}

function onSync({ log, onSync: report }: ServiceOptions, file: string, durationMs: number): void {
  report?.(durationMs);
  if (durationMs > SLOW_SYNC_MS) log.warn({ file, durationMs: Math.round(durationMs) }, 'slow sync');
}

function logReport(log: Log, report: RecoveryReport): void {
  const { warnings, ...facts } = report;
  for (const warning of warnings) log.warn({}, warning);
  log.info(facts, report.isNew ? 'new data directory' : 'recovered');
}

// A queue for tests: the production queue, recovery included, on a disk in memory and in time that the test moves.
//
// Real are the engine, the journal, recovery, the workers and your handlers, which are awaited as always. Not real are
// the disk, the clock and the dice. Jobs start only while the test lets time pass, by `advance` or `drain`. The tables are plain maps and need no WASM: they decide alike, and the SQL of
// production is held against them.

import { ConfigError } from '../config.ts';
import { QueueCalls } from '../embed/calls.ts';
import type { TypeOf } from '../embed/calls.ts';
import { readOptions } from '../embed/options.ts';
import type { QueueOptions } from '../embed/options.ts';
import { Instant } from '../../core/job/job.ts';
import type { HandlerMap } from '../worker/handler.ts';
import { registerHandlers } from '../worker/registry.ts';
import type { Run } from './ledger.ts';
import { Machine } from './machine.ts';
import type { Crash, CrashMoment, MachineOptions } from './machine.ts';

export type TestQueueOptions<Handlers extends HandlerMap> = Omit<QueueOptions<Handlers>, 'directory' | 'onFailure'> & {
  /** Where virtual time begins; the real present if absent. */
  readonly now?: Date;
  /** Decides the jitter of retries and the ids of jobs: a whole number, 1 if absent. */
  readonly seed?: number;
  /**
   * Real milliseconds, 200 if absent, for which a handler may be silent before virtual time passes over it: it is taken to
   * hang. Raise it where handlers wait for something real, lower it where many hang. A handler that uses `sleep` of this
   * queue costs none of it.
   */
  readonly patienceMs?: number;
};

export type CrashOptions = {
  /** Not the process alone dies, but the machine: what was not synced is lost. False if absent. */
  readonly powerLoss?: boolean;
  /** Virtual milliseconds until the next process starts; 0 if absent. */
  readonly downMs?: number;
};

export type CrashNextOptions = CrashOptions & {
  /**
   * `after-handler`, if absent: the handler has done its work, and the process dies before the queue hears of it.
   * `before-handler`: the attempt was counted, and the handler is not called.
   */
  readonly moment?: CrashMoment;
  /** How many attempts of the type take the process down; 1 if absent. */
  readonly times?: number;
};

const RUNS_MAX = 10_000;

export class TestQueue<Handlers extends HandlerMap = HandlerMap> extends QueueCalls<Handlers> {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    super(machine);
    this.#machine = machine;
  }

  /** Virtual time. It stands still but for `advance`, `drain` and `crash({ downMs })`. */
  get now(): Date {
    return new Date(this.#machine.time.at);
  }

  /**
   * Starts what is ready, and lets virtual time pass: leases end, delays and retries come due and old jobs are forgotten, each at its own instant and
   * in order, and handlers run to their end in between. `advance(0)` runs what is ready now.
   */
  async advance(durationMs: number): Promise<void> {
    await this.#machine.passage.advance(milliseconds('advance', durationMs));
  }

  /**
   * Runs everything, leaping over the time in between, until no job is pending or running.
   * @throws {Error} if jobs are left that no passing of time will start, such as those of a paused queue, or after
   *   `runsMax` runs (10 000 if absent): a job that submits itself again would go on for ever.
   */
  async drain({ runsMax = RUNS_MAX }: { readonly runsMax?: number } = {}): Promise<void> {
    await this.#machine.passage.drain({ runsMax });
  }

  /**
   * `kill -9` or, with `powerLoss`, a power cut: memory is gone, and the next process recovers from the disk, by the code
   * that production recovers by. Running handlers are abandoned, and run again; what they still do reaches nobody, though
   * JavaScript cannot stop it. Calls that were not answered yet reject with `unavailable`: their outcome is unknown, as it
   * is to a client whose connection broke.
   *
   * Inside a handler it never resolves: its process is gone.
   */
  async crash({ powerLoss = false, downMs = 0 }: CrashOptions = {}): Promise<void> {
    await this.#machine.crash(crashOf({ powerLoss, downMs }));
  }

  /** The next attempt of the type, or the next so many, ends with a crash. */
  crashNext(type: TypeOf<Handlers>, options: CrashNextOptions = {}): void {
    const { moment = 'after-handler', times = 1, powerLoss = false, downMs = 0 } = options;
    if (!this.#machine.types.has(type)) throw new ConfigError(`there is no handler of type ${type}`);
    this.#machine.planCrash(type, { ...crashOf({ powerLoss, downMs }), moment, times });
  }

  /** A deployment: running handlers' signals are aborted, what does not end at once is given back, and all starts again. */
  async restart(): Promise<void> {
    await this.#machine.restart();
  }

  /**
   * Resolves when so much virtual time has passed; rejects with the signal's reason. For handlers under test that wait:
   * hand it to them in place of a timer.
   */
  sleep(durationMs: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#machine.sleep(milliseconds('sleep', durationMs), signal);
  }

  /** Every call of a handler so far, of one job or of all: why it was made, and what came of it. */
  runs(jobId?: string): readonly Run[] {
    return this.#machine.ledger.runs(jobId);
  }
}

/**
 * ```ts
 * const queue = await createTestQueue({ handlers });
 * const { job } = await queue.submit('charge', { order: 17 });
 * queue.crashNext('charge');
 * await queue.drain();
 * queue.runs(job.id); // two: the second because the first crashed
 * ```
 *
 * Fake timers of a test runner must leave `setImmediate` alone: handlers are called through it.
 *
 * @throws {ConfigError} for an option that breaks its rule, {HandlersError} for a handler that does.
 */
export async function createTestQueue<Handlers extends HandlerMap>(
  options: TestQueueOptions<Handlers>,
): Promise<TestQueue<Handlers>> {
  const { handlers, now = new Date(), seed = 1, patienceMs = 200 } = options;
  if (Number.isNaN(now.getTime())) throw new ConfigError('now must be a date');
  if (!Number.isInteger(seed)) throw new ConfigError(`seed is ${seed}: it must be a whole number`);
  const { directory: _, ...settings } = readOptions({ ...options, directory: 'in memory' });
  const machine: MachineOptions = {
    ...settings,
    handlers: registerHandlers(handlers),
    startAt: Instant(now.getTime()),
    seed,
    patienceMs: milliseconds('patienceMs', patienceMs),
  };
  return new TestQueue(new Machine(machine));
}

const crashOf = ({ powerLoss, downMs }: Crash): Crash => ({ powerLoss, downMs: milliseconds('downMs', downMs) });

function milliseconds(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new ConfigError(`${name} is ${value}: it must be a whole number of milliseconds, from 0`);
}

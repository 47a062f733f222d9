// A workload: a few commands, run through the production engine on a simulated disk, one disk operation at a time.
//
// What is collected is all that an enumeration of crashes needs: the disk before each operation, and the state of the
// tables after each turn.

import { Engine } from '../../core/engine/engine.ts';
import { Instant, JobId, JOB_STATES, JsonText } from '../../core/job/job.ts';
import type { Command } from '../../core/queue/command.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { DiskOperation, DiskProgram } from '../../core/store/disk.ts';
import { compact } from '../../core/store/snapshot.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import type { LifeTables } from '../depth.ts';
import type { Planted } from '../mutants/mutant.ts';
import { Descriptors, Disk } from '../world/disk.ts';

/** The alphabet: what one letter does. */
export const LETTERS = {
  s: 'submit a job',
  k: 'submit a job under the one key',
  d: 'the handler of the first running job is done',
  f: 'the handler of the first running job fails',
  c: 'cancel the first job that is not over',
  t: 'quiet: the timer fires',
  r: 'an orderly restart',
} as const;

export type Letter = keyof typeof LETTERS;

export const ALPHABET = Object.keys(LETTERS) as readonly Letter[];

const SETTINGS: QueueSettings = {
  types: new Map([
    ['email', { concurrency: null, maxRetries: 1, timeoutMs: 60_000, backoff: { baseMs: 0, maxMs: 0, factor: 1 } }],
  ]),
  workerCount: 1,
  depthLimit: 100,
  bytesLimit: 2 ** 30,
  crashesMax: 3,
  retentionMs: 0,
};

/** A place to crash: the disk just before an operation. */
export type CrashPoint = {
  readonly label: string;
  readonly disk: Disk;
  /** Number of the state that was last acknowledged; the turn under way may have led to the next one. */
  readonly state: number;
};

export type Course = { readonly points: readonly CrashPoint[]; readonly states: readonly string[] };

/** Everything that the tables hold, as one text. */
export function stateOf(tables: Tables): string {
  const jobs = JOB_STATES.flatMap((state) => [...tables.jobsIn(state)]).sort((a, b) => a.submittedSeq - b.submittedSeq);
  const inOrder = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return JSON.stringify([tables.meta(), jobs, tables.pausedQueues(), tables.eventsAfter(0, 10_000)], inOrder);
}

/** One process on a disk, without any fault. `before` is called ahead of each disk operation. */
export class Machine {
  readonly #disk: Disk;
  readonly #factory: TablesFactory;
  readonly #snapshotAfterBytes: number;
  readonly #before: (operation: DiskOperation) => void;
  readonly #planted: Planted;
  #process = new Descriptors();
  #engine: Engine | null = null;
  #tables: Tables | null = null;
  #at: number;
  #jobs = 0;

  constructor(options: {
    disk: Disk;
    tables: LifeTables;
    planted: Planted;
    snapshotAfterBytes: number;
    startAt: number;
    before?: (operation: DiskOperation) => void;
  }) {
    this.#disk = options.disk;
    this.#planted = options.planted;
    this.#snapshotAfterBytes = options.snapshotAfterBytes;
    this.#at = options.startAt;
    this.#before = options.before ?? (() => undefined);
    const keep = (tables: Tables): Tables => (this.#tables = tables);
    const { tables: factory } = options;
    this.#factory = { create: () => keep(factory.create()), load: (bytes) => keep(factory.load(bytes)) };
  }

  get state(): string {
    return this.#tables === null ? '' : stateOf(this.#tables);
  }

  /** Recovers; nothing is decided yet. */
  open(): void {
    this.#process = new Descriptors();
    const limits = {
      snapshotAfterBytes: this.#snapshotAfterBytes,
      segmentBytes: 2 ** 30,
      reserveBytes: 1,
      stepInputsMax: 10,
      stepTextMax: 1_000_000,
      waitingRequestsMax: 10,
      waitingTextMax: 1_000_000,
    };
    const program = Engine.open({
      tables: this.#factory,
      directoryId: '0'.repeat(32),
      settings: SETTINGS,
      now: this.#now(),
      limits,
    });
    this.#engine = this.#run(program).engine;
  }

  /** Takes a turn, with a command or with what waits. */
  turn(command: Command | null): void {
    const engine = this.#opened();
    if (command !== null) engine.offer({ requestId: 1, command });
    this.#at += 100;
    const turn = this.#run(engine.turn(this.#now()));
    if (turn.failure !== null) throw turn.failure;
    if (turn.snapshot === null) return;
    const { tables } = this;
    const snapshot = this.#run(compact({ tables: this.#factory, throughSegment: turn.snapshot }));
    this.#tables = tables;
    engine.snapshotDone(snapshot, this.#now());
  }

  close(): void {
    this.#run(this.#opened().close());
  }

  /** What the letter asks for, given what there is. */
  command(letter: Exclude<Letter, 'r'>): Command | null {
    const tables = this.tables;
    const running = [...tables.jobsIn('running')][0];
    switch (letter) {
      case 's':
      case 'k': {
        this.#jobs += 1;
        const submission = {
          id: JobId(`${this.#at}-${this.#jobs}`),
          type: 'email',
          queue: 'default',
          payload: JsonText('p'),
          priority: 0,
          maxRetries: null,
          timeoutMs: null,
          idempotencyKey: letter === 'k' ? 'key' : null,
          start: { kind: 'now' },
        } as const;
        return { kind: 'submit', submissions: [submission] };
      }
      case 'd':
        if (running === undefined) return null;
        return { kind: 'succeed', jobId: running.id, attempt: running.attempt, result: JsonText(1) };
      case 'f': {
        if (running === undefined) return null;
        const error = { name: 'Error', message: 'm', stack: null };
        return { kind: 'fail', jobId: running.id, attempt: running.attempt, error, retryable: true };
      }
      case 'c': {
        const job = running ?? [...tables.jobsIn('pending')][0];
        return job === undefined ? null : { kind: 'cancel', jobId: job.id };
      }
      case 't':
        return { kind: 'tick' };
    }
  }

  get tables(): Tables {
    if (this.#tables === null) throw new Error('the machine is open');
    return this.#tables;
  }

  #opened(): Engine {
    if (this.#engine === null) throw new Error('the machine is open');
    return this.#engine;
  }

  #now() {
    return { at: Instant(this.#at), wallAheadMs: 0, seed: 1 };
  }

  #run<Result>(program: DiskProgram<Result>): Result {
    let next = program.next();
    while (next.done !== true) {
      const { operation: twist } = this.#planted;
      const operation = twist === undefined ? next.value : twist(next.value);
      if (operation !== null) this.#before(operation);
      next = program.next(operation === null ? undefined : this.#disk.perform(this.#process, operation));
    }
    return next.value;
  }
}

/** Runs the letters, and keeps the disk before each operation. */
export function course(
  letters: readonly Letter[],
  options: { readonly tables: LifeTables; readonly planted: Planted; readonly snapshotAfterBytes: number },
): Course {
  const disk = new Disk();
  const points: CrashPoint[] = [];
  const states: string[] = [];
  let label = 'open';
  const before = (operation: DiskOperation): void => {
    const file = 'file' in operation ? ` ${operation.file}` : '';
    points.push({ label: `${label}, ${operation.kind}${file}`, disk: disk.copy(), state: states.length - 1 });
  };
  const machine = new Machine({ ...options, disk, startAt: 1_000, before });
  const settle = (): void => {
    if (states.at(-1) !== machine.state) states.push(machine.state);
  };
  const start = (): void => {
    machine.open();
    settle();
    machine.turn(null);
    settle();
  };
  start();
  for (const [index, letter] of letters.entries()) {
    label = `letter ${index + 1}`;
    if (letter === 'r') {
      machine.close();
      start();
    } else {
      machine.turn(machine.command(letter));
      settle();
    }
  }
  points.push({ label: 'the end', disk: disk.copy(), state: states.length - 1 });
  return { points, states };
}

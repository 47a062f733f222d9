// One process on a simulated disk, without any fault: the production engine, one disk operation at a time.
//
// Rule: it is a function of the disk and of what it is asked. Its clock goes on by the same step each turn, and the ids of
// jobs follow from it, so that equal beginnings leave equal bytes.

import { Engine } from '../../core/engine/engine.ts';
import { Instant, JobId, JsonText } from '../../core/job/job.ts';
import type { Command } from '../../core/queue/command.ts';
import type { Effect } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { DiskOperation, DiskProgram } from '../../core/store/disk.ts';
import { compact } from '../../core/store/snapshot.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import type { Planted } from '../mutants/mutant.ts';
import { Descriptors } from '../world/disk.ts';
import type { Disk } from '../world/disk.ts';
import { stateOf } from '../world/state.ts';

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

const TURN_MS = 100;

/** `before` is called ahead of each disk operation. */
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

  constructor(options: {
    disk: Disk;
    tables: TablesFactory;
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

  /** Takes a turn, with a command or with what waits, and makes the snapshot that it asks for. */
  turn(command: Command | null): readonly Effect[] {
    const engine = this.#opened();
    if (command !== null) engine.offer({ requestId: 1, command });
    this.#at += TURN_MS;
    const turn = this.#run(engine.turn(this.#now()));
    if (turn.failure !== null) throw turn.failure;
    if (turn.snapshot === null) return turn.effects;
    const { tables } = this;
    const snapshot = this.#run(compact({ tables: this.#factory, throughSegment: turn.snapshot }));
    this.#tables = tables;
    engine.snapshotDone(snapshot, this.#now());
    return turn.effects;
  }

  close(): void {
    this.#run(this.#opened().close(this.#now()));
  }

  /** What the letter asks for, given what there is. */
  command(letter: Exclude<Letter, 'r'>): Command | null {
    const tables = this.tables;
    const running = [...tables.jobsIn('running')][0];
    switch (letter) {
      case 's':
      case 'k': {
        const submission = {
          id: JobId(`job-${this.#at}`),
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

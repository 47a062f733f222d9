// The small world whose every order of events is explored (interleavings.ts): the production engine on a simulated disk,
// two clients, two workers, a timer, and one crash. Each client submits one job under a key, asks again if a crash took
// the answer, and may cancel its job once it was told of it. A handler answers once, whether or not it lost its lease.
//
// Rule 1: what happens is the caller's choice, a `Deed`, and nothing else decides: the same deeds give the same world.
// Rule 2: inputs gather until a turn is taken, as they do while the disk is busy. A crash comes before any operation of a
//         turn, with all or nothing of what was not synced, or after the last one, before anybody is told.
// Rule 3: time stands still but for the timer, which jumps to the instant that the engine asked for.

import { Engine } from '../../core/engine/engine.ts';
import { Instant, JobId, JsonText } from '../../core/job/job.ts';
import type { Command, Fence, Input } from '../../core/queue/command.ts';
import type { Effect } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { DiskProgram } from '../../core/store/disk.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import type { Planted } from '../mutants/mutant.ts';
import { Descriptors, Disk } from '../world/disk.ts';
import type { Chance } from '../world/disk.ts';
import { Tape } from '../world/tape.ts';
import { Safety } from './safety.ts';
import { stateOf } from '../world/state.ts';

export type Deed =
  | { readonly kind: 'submit' | 'cancel'; readonly client: number }
  | { readonly kind: 'answer'; readonly fence: Fence; readonly how: 'succeed' | 'fail' }
  | { readonly kind: 'timer' }
  | { readonly kind: 'turn'; readonly crash: Crash | null };

/** Before operation number `before` of the turn, from 0; the number of them all: after the last one. */
export type Crash = { readonly before: number; readonly kept: 'nothing' | 'everything' };

/** How small it is. */
export type Scope = {
  readonly clients: 1 | 2;
  readonly workers: 1 | 2;
  /** Inputs of one turn at most, until the crash: with two, any two meet in one turn, in both orders. Later, one. */
  readonly gathered: number;
};

export const WHOLE_SCOPE: Scope = { clients: 2, workers: 2, gathered: 2 };

const TURN: Deed = { kind: 'turn', crash: null };

const SETTINGS: Omit<QueueSettings, 'workerCount'> = {
  types: new Map([['email', { concurrency: null, maxRetries: 1, timeoutMs: 60, backoff: () => 0 }]]),
  depthLimit: 100,
  bytesLimit: 2 ** 30,
  crashesMax: 2,
  retentionMs: 0,
};

const LIMITS = {
  snapshotAfterBytes: 2 ** 30,
  segmentBytes: 2 ** 30,
  reserveBytes: 1,
  stepInputsMax: 10,
  stepTextMax: 1_000_000,
  waitingRequestsMax: 10,
  waitingTextMax: 1_000_000,
};

type Client = {
  /** `unsure`: it asked and a crash took the answer. */
  submission: 'new' | 'asked' | 'told' | 'unsure';
  cancellation: 'none' | 'asked' | 'over';
  asked: number;
  jobId: JobId | null;
};

/** The process is gone: nothing behind this runs. */
class PowerGone extends Error {
  override readonly name = 'PowerGone';
}

export class SmallWorld {
  readonly #disk = new Disk();
  readonly #factory: TablesFactory;
  readonly #planted: Planted;
  readonly #safety: Safety;
  readonly #scope: Scope;
  readonly #clients: readonly Client[];
  #process = new Descriptors();
  #engine: Engine | null = null;
  #tables: Tables | null = null;
  #handlers: { readonly fence: Fence }[] = [];
  /** What waits for the next turn, as it was offered. */
  #waiting: Input[] = [];
  #at = 1_000;
  #wakeAt: Instant | null = null;
  /** When the latest record was written, until something durable behind it proves it: the engine seals it later. */
  #unsealedAt: number | null = null;
  #hasCrashed = false;
  /** Operations of the latest turn that came to its end. */
  operations = 0;

  /** @throws {Violation} if the start breaks a rule, as `do` does. */
  constructor(options: { readonly tables: TablesFactory; readonly planted: Planted; readonly scope: Scope }) {
    const { tables, planted, scope } = options;
    this.#scope = scope;
    this.#planted = planted;
    this.#clients = Array.from({ length: scope.clients }, () => ({
      submission: 'new',
      cancellation: 'none',
      asked: 0,
      jobId: null,
    }));
    const factory = planted.tables?.(tables) ?? tables;
    const keep = (made: Tables): Tables => (this.#tables = made);
    this.#factory = { create: () => keep(factory.create()), load: (bytes) => keep(factory.load(bytes)) };
    this.#safety = new Safety(scope);
    this.#start();
  }

  /** What may happen next; the crashes of a turn are told by its `operations`. */
  get deeds(): readonly Deed[] {
    if (this.#waiting.length >= (this.#hasCrashed ? 1 : this.#scope.gathered)) return [TURN];
    const deeds: Deed[] = [];
    for (const [client, { submission, cancellation }] of this.#clients.entries()) {
      if (submission === 'new' || submission === 'unsure') deeds.push({ kind: 'submit', client });
      if (submission === 'told' && cancellation === 'none') deeds.push({ kind: 'cancel', client });
    }
    for (const { fence } of this.#handlers) {
      for (const how of ['succeed', 'fail'] as const) deeds.push({ kind: 'answer', fence, how });
    }
    const isRung = this.#waiting.some(({ command }) => command.kind === 'tick');
    if (this.#wakeAt !== null && !isRung) deeds.push({ kind: 'timer' });
    if (this.#waiting.length > 0) deeds.push(TURN);
    return deeds;
  }

  get mayCrash(): boolean {
    return !this.#hasCrashed;
  }

  /** @throws {Violation} if a rule is broken. */
  do(deed: Deed): void {
    switch (deed.kind) {
      case 'submit':
        return this.#submit(deed.client);
      case 'cancel':
        return this.#cancel(deed.client);
      case 'answer':
        return this.#answer(deed.fence, deed.how);
      case 'timer':
        this.#at = Math.max(this.#at, this.#wakeAt ?? this.#at);
        return this.#offer({ requestId: null, command: { kind: 'tick' } });
      case 'turn':
        return this.#turn(deed.crash);
    }
  }

  /**
   * Equal for worlds in which the same may happen from now on. Times are told from now; what is over is left out, and so
   * are ids and numbers of attempts, which matter by being equal to others alone; the clients are told apart by what they
   * have done, not by their number.
   */
  get key(): string {
    const keys = this.#clients.map((_, first) => this.#keyFrom(first));
    return keys.sort()[0] ?? '';
  }

  /** With one of the clients, and its job, told of as the first. */
  #keyFrom(first: number): string {
    const { tables } = this.#opened();
    const { clients: count } = this.#scope;
    const ownerOf = (jobId: JobId): number => (Number(jobId.split('-')[1]) + first) % count;
    const isCurrent = ({ jobId, attempt }: Fence): boolean => {
      const job = tables.job(jobId);
      return job?.state === 'running' && job.attempt === attempt;
    };
    const jobs = tables.list({ filter: {}, before: undefined, limit: 10 }).map((job) => {
      const owner = ownerOf(job.id);
      if (job.state !== 'pending' && job.state !== 'running') return [owner, job.state];
      const time = job.state === 'pending' ? Math.max(job.runAt - this.#at, 0) : job.leaseUntil - this.#at;
      return [owner, job.state, job.failures, job.crashes, job.suspect, time];
    });
    const waiting = this.#waiting.map(({ requestId, command }) => [
      requestId === null ? null : (requestId + first) % count,
      command.kind,
      'jobId' in command ? ownerOf(command.jobId) : null,
      'attempt' in command ? isCurrent(command) : null,
    ]);
    const clients = this.#clients.map((_, index) => {
      const { submission, cancellation } = this.#client((index + first) % count);
      return [submission, cancellation];
    });
    const handlers = this.#handlers.map(({ fence }) => `${ownerOf(fence.jobId)} ${isCurrent(fence)}`).sort();
    const times = [this.#wakeAt, this.#unsealedAt].map((at) => (at === null ? null : at - this.#at));
    return JSON.stringify([jobs, waiting, clients, handlers, times, this.#hasCrashed]);
  }

  #opened(): { readonly engine: Engine; readonly tables: Tables } {
    if (this.#engine === null || this.#tables === null) throw new Error('the world has begun');
    return { engine: this.#engine, tables: this.#tables };
  }

  #offer(input: Input): void {
    this.#waiting.push(input);
    const changed = this.#planted.input === undefined ? input : this.#planted.input(input);
    if (changed !== null) this.#opened().engine.offer(changed);
  }

  #submit(client: number): void {
    const state = this.#client(client);
    state.submission = 'asked';
    state.asked += 1;
    const submission = {
      id: JobId(`job-${client}-${state.asked}`),
      type: 'email',
      queue: 'default',
      payload: JsonText(client),
      priority: 0,
      maxRetries: null,
      timeoutMs: null,
      idempotencyKey: `key-${client}`,
      start: { kind: 'now' },
    } as const;
    this.#offer({ requestId: client, command: { kind: 'submit', submissions: [submission] } });
  }

  #cancel(client: number): void {
    const state = this.#client(client);
    state.cancellation = 'asked';
    if (state.jobId === null) throw new Error('a client cancels what it was told of');
    this.#offer({ requestId: this.#scope.clients + client, command: { kind: 'cancel', jobId: state.jobId } });
  }

  #answer(fence: Fence, how: 'succeed' | 'fail'): void {
    const { jobId, attempt } = fence;
    this.#handlers = this.#handlers.filter((handler) => !isSame(handler.fence, fence));
    const error = { name: 'Error', message: 'm', stack: null };
    const command: Command =
      how === 'succeed'
        ? { kind: 'succeed', jobId, attempt, result: JsonText(1) }
        : { kind: 'fail', jobId, attempt, error, retryable: true };
    this.#offer({ requestId: null, command });
  }

  #turn(crash: Crash | null): void {
    const { engine, tables } = this.#opened();
    const inputs = this.#waiting;
    this.#waiting = [];
    // Asked for only where it matters: a state is told at length.
    const before = crash === null ? '' : stateOf(tables);
    let decided = before;
    this.operations = 0;
    try {
      const turn = this.#run(engine.turn(this.#now()), () => {
        if (crash !== null && this.operations === 0) decided = stateOf(tables);
        if (crash?.before === this.operations) throw new PowerGone();
        this.operations += 1;
      });
      if (turn.failure !== null) throw turn.failure;
      if (crash !== null) throw new PowerGone();
      const { effects, wakeAt } = this.#planted.turn?.(turn) ?? turn;
      this.#safety.turned({ effects, inputs, tables });
      this.#release(effects, wakeAt);
    } catch (error) {
      if (!(error instanceof PowerGone) || crash === null) throw error;
      this.#crash(crash, [before, decided]);
    }
  }

  #release(effects: readonly Effect[], wakeAt: Instant | null): void {
    this.#wakeAt = wakeAt;
    if (effects.some(({ kind }) => kind === 'publish')) this.#unsealedAt = this.#at;
    else if (this.#safety.syncs > 0) this.#unsealedAt = null;
    for (const effect of effects) {
      if (effect.kind === 'start') {
        const { id: jobId, attempt } = effect.job;
        this.#handlers.push({ fence: { jobId, attempt } });
      } else if (effect.kind === 'reply') {
        const client = this.#client(effect.requestId % this.#scope.clients);
        if (effect.requestId >= this.#scope.clients) client.cancellation = 'over';
        else if (effect.reply.kind === 'submitted') {
          client.submission = 'told';
          client.jobId = effect.reply.outcomes[0]?.job.id ?? null;
        }
      }
    }
  }

  /** `possible`: the state before the turn, and the one that it was about to make durable. */
  #crash(crash: Crash, possible: readonly string[]): void {
    this.#hasCrashed = true;
    const kept = crash.kept === 'everything' ? EVERYTHING : NOTHING;
    this.#disk.powerLoss(this.#process, kept);
    this.#handlers = [];
    this.#waiting = [];
    for (const client of this.#clients) {
      if (client.submission === 'asked') client.submission = 'unsure';
      if (client.cancellation === 'asked') client.cancellation = 'over';
    }
    this.#unsealedAt = null;
    // The record was synced, or it was written and all that was written is kept; else there is none.
    const { appends, syncs } = this.#safety;
    const isDurable = syncs > 0 || (appends > 0 && crash.kept === 'everything');
    this.#start([possible[isDurable ? 1 : 0] ?? '']);
  }

  /** Recovers, and takes the first turn: what was running has crashed. */
  #start(expected?: readonly string[]): void {
    this.#process = new Descriptors();
    this.#tables = null;
    const given = { ...SETTINGS, workerCount: this.#scope.workers };
    const settings = this.#planted.settings?.(given) ?? given;
    const { engine } = this.#run(
      Engine.open({
        tables: this.#factory,
        directoryId: '0'.repeat(32),
        settings,
        now: this.#now(),
        limits: LIMITS,
      }),
      () => undefined,
    );
    this.#engine = engine;
    const { tables } = this.#opened();
    this.#safety.recovered(tables, expected);
    const turn = this.#run(engine.turn(this.#now()), () => undefined);
    if (turn.failure !== null) throw turn.failure;
    this.#safety.turned({ effects: turn.effects, inputs: [], tables });
    this.#release(turn.effects, turn.wakeAt);
  }

  #run<Result>(program: DiskProgram<Result>, before: () => void): Result {
    this.#safety.begin();
    let next = program.next();
    while (next.done !== true) {
      const twist = this.#planted.operation;
      const operation = twist === undefined ? next.value : twist(next.value);
      if (operation !== null) before();
      const result = operation === null ? undefined : this.#disk.perform(this.#process, operation);
      // What the program was told counts, not what was done.
      this.#safety.performed(next.value);
      next = program.next(result);
    }
    return next.value;
  }

  #client(index: number): Client {
    const client = this.#clients[index];
    if (client === undefined) throw new Error(`there is no client ${index}`);
    return client;
  }

  #now() {
    return { at: Instant(this.#at), wallAheadMs: 0, seed: 1 };
  }
}

const isSame = (a: Fence, b: Fence): boolean => a.jobId === b.jobId && a.attempt === b.attempt;

/** All that is not synced is lost. The share of writes and of names is the first answer: none. */
const NOTHING = {
  stream: new Tape({ draw: () => 0 }).stream('survival'),
  allows: () => true,
  fired: () => undefined,
};

/** All of it is kept. Where nothing but a prefix of the writes is allowed, the last answer is the longest: all. */
const EVERYTHING: Chance = {
  stream: new Tape({ draw: (_, n) => n - 1 }).stream('survival'),
  allows: (fault) => fault === 'D1',
  fired: () => undefined,
};

export function describeDeed(deed: Deed): string {
  switch (deed.kind) {
    case 'submit':
    case 'cancel':
      return `client ${deed.client} asks to ${deed.kind}`;
    case 'answer':
      return `the handler of ${deed.fence.jobId}, attempt ${deed.fence.attempt}, ${deed.how}s`;
    case 'timer':
      return 'the timer fires';
    case 'turn':
      if (deed.crash === null) return 'a turn is taken';
      return `a turn is taken, and the power goes before its operation ${deed.crash.before}; ${deed.crash.kept} un-synced is kept`;
  }
}

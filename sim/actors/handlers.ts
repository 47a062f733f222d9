// The handlers of one process: they return, throw, hang, extend, report, ignore their signal, answer twice, or take the
// process down.

import type { ClientCommand, Submission, Thrown, WorkerCommand } from '../../core/queue/command.ts';
import type { Job, JobId, RunningJob } from '../../core/job/job.ts';
import { Instant, JsonText } from '../../core/job/job.ts';
import { fenceOf } from '../ledger.ts';
import type { Ledger } from '../ledger.ts';
import type { Life, Timer } from '../world/clock.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import { askedWorkMs } from './burst.ts';
import type { Message } from './exchange.ts';
import type { ProcessClock } from './process-clock.ts';

type Run = {
  readonly job: RunningJob;
  /** What it will do next, if it has decided. */
  next: Timer | null;
  aborted: boolean;
  ignoresSignal: boolean;
  /** The attempt of its job at whose start it wakes up; null if it does not sleep. */
  wakesWith: number | null;
};

/** How many attempts later a handler may wake up. */
const LATER_ATTEMPTS_MAX = 3;

type LateAnswer = 'not' | 'succeeds' | 'fails' | 'asks for time';

const AWAKE: readonly LateAnswer[] = ['succeeds', 'fails', 'asks for time'];

export type HandlersOptions = {
  readonly world: World;
  readonly ledger: Ledger;
  readonly life: Life;
  /** The clock by which leases are judged. */
  readonly clock: ProcessClock;
  readonly say: (command: WorkerCommand) => void;
  /** The handler ends the process. */
  readonly crash: () => void;
  /** The handler asks the queue something, as any client may. */
  readonly ask: (message: Message) => void;
};

export class Handlers {
  readonly #options: HandlersOptions;
  readonly #runs = new Map<string, Run>();

  constructor(options: HandlersOptions) {
    this.#options = options;
  }

  /** Handlers that have not ended, with a lease or without. */
  get size(): number {
    return this.#runs.size;
  }

  start(job: RunningJob): void {
    const run: Run = { job, next: null, aborted: false, ignoresSignal: false, wakesWith: null };
    const { world } = this.#options;
    note(world, 'handler', () => `${label(job)} runs`);
    for (const older of this.#runs.values()) {
      if (older.job.id === job.id && older.wakesWith === job.attempt) this.#wake(older);
    }
    this.#runs.set(fenceOf(job.id, job.attempt), run);
    const { faults, plan } = world;
    if (isPoison(job) && faults.isOn('W3')) return this.#later(run, 0, () => this.#crash(run, 'W3'));
    if (faults.strikes('W1')) return this.#later(run, this.#drawUs(), () => this.#crash(run, 'W1'));
    if (faults.strikes('P9')) this.#block(job);
    if (faults.strikes('P15')) return this.#sleepwalk(run);
    if (faults.strikes('W6')) {
      note(world, 'handler', `${label(job)} hangs`, 'W6');
      run.ignoresSignal = this.#stream.choose('ignores its signal', 2) === 1;
      return;
    }
    if (faults.strikes('W4')) return this.#endWithLease(run);
    if (!faults.isHealed && this.#stream.chance('extends', plan.extending)) return this.#extend(run, 3);
    this.#work(run);
  }

  abort(jobId: JobId, attempt: number): void {
    const run = this.#runs.get(fenceOf(jobId, attempt));
    if (run !== undefined) this.#abort(run);
  }

  /** The grace of a shutdown is over. */
  abortAll(): void {
    for (const run of this.#runs.values()) this.#abort(run, 'release');
  }

  /** Gives back what does not answer. */
  releaseAll(): void {
    for (const run of [...this.#runs.values()]) this.#release(run);
  }

  /** All faults stop: what hangs comes to its senses. */
  heal(): void {
    for (const run of this.#runs.values()) if (run.next === null) this.#work(run);
  }

  #work(run: Run): void {
    const { world } = this.#options;
    const { plan, faults } = world;
    if (!faults.isHealed && this.#stream.chance('progresses', plan.progressing)) {
      this.#options.say({ ...fence(run), kind: 'progress', progress: JsonText(this.#stream.choose('percent', 100)) });
    }
    if (faults.strikes('W5')) this.#manage(run.job);
    const fails = !faults.isHealed && this.#stream.chance('fails', plan.failing);
    const askedMs = faults.isHealed ? askedWorkMs(run.job.payload) : null;
    this.#later(run, askedMs === null ? this.#drawUs() : askedMs * 1000, () => {
      if (fails) this.#fail(run, { isFinal: this.#stream.chance('final', plan.finalFailing) });
      else this.#succeed(run);
    });
  }

  /** A handler that computes without a pause: no timer of the process fires meanwhile. */
  #block(job: Job): void {
    const { world, life } = this.#options;
    const forMs = this.#stream.logarithmic('blocks', 1, 60_000);
    note(world, 'handler', `${label(job)} blocks the process for ${forMs} ms`, 'P9');
    life.frozenUntilUs = Math.max(life.frozenUntilUs, world.clock.nowUs + forMs * 1000);
  }

  /** It hears of nothing, and answers long after its lease: when time has passed, or when another attempt runs. */
  #sleepwalk(run: Run): void {
    const { world } = this.#options;
    run.ignoresSignal = true;
    const later = this.#stream.choose('wakes with another attempt', LATER_ATTEMPTS_MAX + 1);
    if (later > 0) {
      run.wakesWith = run.job.attempt + later;
      return note(world, 'handler', `${label(run.job)} will wake up with attempt ${run.wakesWith}`, 'P15');
    }
    const afterMs = run.job.timeoutMs + this.#stream.logarithmic('late by', 1, 30_000);
    note(world, 'handler', `${label(run.job)} will answer after ${afterMs} ms`, 'P15');
    this.#later(run, afterMs * 1000, () => this.#answerLate(run, AWAKE));
  }

  /** Another attempt runs now. */
  #wake(run: Run): void {
    run.wakesWith = null;
    this.#later(run, this.#drawUs(), () => this.#answerLate(run, AWAKE));
  }

  /** It ends when its lease does, or a millisecond earlier or later, by the clock of its process. */
  #endWithLease(run: Run): void {
    const offsetMs = this.#stream.pick('offset', [0, -1, 1]);
    const untilUs = this.#options.clock.untilUs(Instant(run.job.leaseUntil + offsetMs));
    note(this.#options.world, 'handler', `${label(run.job)} will end with its lease`, 'W4');
    this.#later(run, untilUs + this.#stream.choose('within the millisecond', 1000), () => this.#succeed(run));
  }

  /** It submits two jobs in one request, or cancels itself; the keys make a second run harmless. */
  #manage(job: Job): void {
    const isChild = job.payload.includes('"parent"');
    note(this.#options.world, 'handler', `${label(job)} ${isChild ? 'cancels itself' : 'submits two jobs'}`, 'W5');
    if (isChild) return this.#ask(() => ({ kind: 'cancel', jobId: job.id }));
    const child = (number: number): Omit<Submission, 'id'> => ({
      type: job.type,
      queue: job.queue,
      payload: JsonText({ parent: job.id, number }),
      priority: job.priority,
      maxRetries: null,
      timeoutMs: null,
      idempotencyKey: `child ${number} of ${job.id}`,
      start: { kind: 'now' },
    });
    this.#ask((newJobId) => ({ kind: 'submit', submissions: [1, 2].map((n) => ({ ...child(n), id: newJobId() })) }));
  }

  #ask(command: (newJobId: () => JobId) => ClientCommand): void {
    const silent = (): void => undefined;
    this.#options.ask({ client: 'handler', command, shownSeq: 0, answer: silent, refused: silent });
  }

  #extend(run: Run, times: number): void {
    const halfUs = Math.max(1, run.job.timeoutMs * 500);
    this.#later(run, halfUs, () => {
      const extendMs = this.#stream.pick('extension', [null, 1, 5_000]);
      this.#options.say({ ...fence(run), kind: 'extend', extendMs });
      if (times > 1 && this.#stream.choose('again', 2) === 1) this.#extend(run, times - 1);
      else this.#work(run);
    });
  }

  #abort(run: Run, then: 'end' | 'release' = 'end'): void {
    run.aborted = true;
    if (run.ignoresSignal) return;
    if (run.next !== null) run.next.cancelled = true;
    const delayUs = this.#stream.between('after abort', 1, 50_000);
    this.#later(run, delayUs, () => {
      if (then === 'release') this.#release(run);
      else this.#answerLate(run, ['not', 'succeeds', 'fails', 'asks for time']);
    });
  }

  /** Whatever it says now, its lease is gone. */
  #answerLate(run: Run, ways: readonly LateAnswer[]): void {
    switch (this.#stream.pick('answers late', ways)) {
      case 'not':
        return this.#end(run, { ...fence(run), kind: 'ended' });
      case 'succeeds':
        return this.#succeed(run);
      case 'fails':
        return this.#fail(run, { isFinal: this.#stream.chance('final', this.#options.world.plan.finalFailing) });
      case 'asks for time':
        this.#options.say({ ...fence(run), kind: 'extend', extendMs: null });
        this.#options.say({ ...fence(run), kind: 'progress', progress: JsonText('late') });
        return this.#later(run, this.#stream.between('goes on', 1, 50_000), () => this.#succeed(run));
    }
  }

  #crash(run: Run, code: 'W1' | 'W3'): void {
    note(this.#options.world, 'handler', `${label(run.job)} takes the process down`, code);
    this.#options.crash();
  }

  #succeed(run: Run): void {
    const result = JsonText({ job: run.job.id, attempt: run.job.attempt });
    this.#options.ledger.returned.set(fenceOf(run.job.id, run.job.attempt), result);
    this.#end(run, { ...fence(run), kind: 'succeed', result });
  }

  #fail(run: Run, { isFinal }: { isFinal: boolean }): void {
    const error: Thrown = { name: 'Error', message: `attempt ${run.job.attempt} fails`, stack: null };
    this.#options.ledger.threw.set(fenceOf(run.job.id, run.job.attempt), { isFinal });
    this.#end(run, { ...fence(run), kind: 'fail', error, retryable: !isFinal });
  }

  #release(run: Run): void {
    this.#options.ledger.released.add(fenceOf(run.job.id, run.job.attempt));
    this.#end(run, { ...fence(run), kind: 'release' });
  }

  #end(run: Run, command: WorkerCommand): void {
    if (run.next !== null) run.next.cancelled = true;
    this.#runs.delete(fenceOf(run.job.id, run.job.attempt));
    note(this.#options.world, 'handler', () => `${label(run.job)} ${command.kind}`);
    this.#options.say(command);
    if (command.kind === 'succeed' && this.#options.world.faults.strikes('W2')) {
      note(this.#options.world, 'handler', `${label(run.job)} answers twice`, 'W2');
      this.#options.say(command);
    }
  }

  #later(run: Run, delayUs: number, act: () => void): void {
    run.next = this.#options.world.clock.after(delayUs, this.#options.life, act);
  }

  #drawUs(): number {
    const { plan, faults } = this.#options.world;
    const limitMs = faults.isHealed ? Math.min(plan.handlerMsMax, 50) : plan.handlerMsMax;
    return this.#stream.choose('work', limitMs * 1000);
  }

  get #stream() {
    return this.#options.world.tape.stream('handlers');
  }
}

const fence = ({ job }: Run): { jobId: RunningJob['id']; attempt: number } => ({ jobId: job.id, attempt: job.attempt });
const label = (job: Job): string => `${job.id}#${job.attempt}`;

/** A job that always takes the process down says so in its payload. */
const isPoison = (job: Job): boolean => job.payload.includes('"poison":true');

// What a program may ask of the queue, whatever drives it: the same calls on a real queue and on one under test.
//
// Rule: nothing is validated here. A submission goes through the very parser that the HTTP API uses, so that a program
// and a client meet the same rules and the same words.

import { JobId } from '../../core/job/job.ts';
import type { JobState } from '../../core/job/job.ts';
import type { EventKind } from '../../core/job/event.ts';
import type { ClientCommand, Submission } from '../../core/queue/command.ts';
import type { QueueView, Reply, Stats } from '../../core/queue/effect.ts';
import { askToSubmit } from '../http/payload-schema.ts';
import { pointer } from '../http/problem.ts';
import { cursorText, listQuery } from '../http/query.ts';
import { refusalProblem } from '../http/refusal.ts';
import { parseSubmission } from '../http/submission.ts';
import type { QueuePort } from '../queue-port.ts';
import type { HandlerMap, PayloadOf } from '../worker/handler.ts';
import { viewEvent, viewHistory, viewJob } from './job-view.ts';
import type { EventView, JobView, JobWithHistory } from './job-view.ts';
import { QueueError } from './queue-error.ts';

export type TypeOf<Handlers> = keyof Handlers & string;

export type SubmitOptions = {
  /** The same key with the same type, queue and payload gives the same job. 1 to 255 UTF-16 units. */
  readonly idempotencyKey?: string;
  /** Failures forgiven, 0 to 100; the type's if absent. */
  readonly maxRetries?: number;
  readonly queue?: string;
  /** −1000 to 1000, smaller runs first. */
  readonly priority?: number;
  /** Not before this instant. Not together with `delayMs`. */
  readonly runAt?: Date;
  readonly delayMs?: number;
  /** How long an attempt may take, 100 to 86 400 000 ms; the type's if absent. */
  readonly timeoutMs?: number;
};

export type Submitted = {
  readonly job: JobView;
  /** The key came before with the same request: this is the job that it made. */
  readonly replayed: boolean;
};

export type SubmissionOf<Handlers> = {
  readonly [Type in TypeOf<Handlers>]: {
    readonly type: Type;
    readonly payload: PayloadOf<Handlers[Type]>;
    readonly options?: SubmitOptions;
  };
}[TypeOf<Handlers>];

export type ListOptions = {
  readonly state?: JobState;
  readonly type?: string;
  readonly queue?: string;
  /** Jobs of the page, 1 to 1000; 100 if absent. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
};

export type JobPage = { readonly jobs: readonly JobView[]; readonly nextCursor: string | null };

export class QueueCalls<Handlers extends HandlerMap> {
  readonly #port: QueuePort;

  constructor(port: QueuePort) {
    this.#port = port;
  }

  /**
   * Resolves when the job is durable: it survives a power cut from then on.
   * @throws {QueueError} `invalid-request` for a rule that is broken, `payload-mismatch`, `unknown-type`, `key-reused`,
   *   `queue-full`, `storage-full`, `overloaded` or `unavailable`.
   */
  async submit<Type extends TypeOf<Handlers>>(
    type: Type,
    payload: PayloadOf<Handlers[Type]>,
    options: SubmitOptions = {},
  ): Promise<Submitted> {
    const [submitted] = await this.#submit([this.#parse(type, payload, options, '')], () => '');
    if (submitted === undefined) throw new QueueError({ kind: 'internal', detail: 'The queue stored no job.' });
    return submitted;
  }

  /** All or nothing, in one record. @throws {QueueError} as `submit`; paths begin with the index of the submission. */
  async submitMany(submissions: readonly SubmissionOf<Handlers>[]): Promise<readonly Submitted[]> {
    if (submissions.length === 0) return [];
    const parsed = submissions.map(({ type, payload, options = {} }, index) =>
      this.#parse(type, payload, options, pointer(index)),
    );
    return this.#submit(parsed, (index) => pointer(index));
  }

  /** The job with its history; null if there is none. */
  async get(id: string): Promise<JobWithHistory | null> {
    const reply = await this.#port.ask({ kind: 'get', jobId: JobId(id) });
    if (reply.kind === 'refused' && reply.refusals[0]?.reason === 'not-found') return null;
    const { job, history } = expect(reply, 'job');
    return { ...viewJob(job), history: history.map(viewHistory) };
  }

  /** Newest first. */
  async list(options: ListOptions = {}): Promise<JobPage> {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const query = listQuery(new Map(given.map(([name, value]) => [name, String(value)])));
    if (!query.ok) throw new QueueError(query.problem);
    const { jobs, nextBefore } = expect(await this.#port.ask({ kind: 'list', ...query.value }), 'jobs');
    return { jobs: jobs.map(viewJob), nextCursor: cursorText(nextBefore) };
  }

  /** Pending or running → cancelled; a running handler's signal is aborted. @throws {QueueError} `not-found`, `wrong-state` */
  cancel(id: string): Promise<JobView> {
    return this.#change({ kind: 'cancel', jobId: JobId(id) });
  }

  /** Dead or cancelled → pending now, its counts back at 0. @throws {QueueError} `not-found`, `wrong-state` */
  retry(id: string): Promise<JobView> {
    return this.#change({ kind: 'retry', jobId: JobId(id) });
  }

  /** Forgets a job that is over, its key with it. @throws {QueueError} `not-found`, `wrong-state` */
  async delete(id: string): Promise<void> {
    expect(await this.#port.ask({ kind: 'delete', jobId: JobId(id) }), 'deleted');
  }

  /** The queue starts nothing until it is resumed, restarts included. */
  async pause(queue: string): Promise<QueueView> {
    return expect(await this.#port.ask({ kind: 'pause', queue }), 'queue').queue;
  }

  async resume(queue: string): Promise<QueueView> {
    return expect(await this.#port.ask({ kind: 'resume', queue }), 'queue').queue;
  }

  async stats(): Promise<Stats> {
    return expect(await this.#port.ask({ kind: 'stats' }), 'stats').stats;
  }

  /** Calls the listener for each event of the kind, once it is durable. Returns the way to stop. */
  on(kind: EventKind | 'event', listener: (event: EventView) => void): () => void {
    return this.#port.subscribe((rows) => {
      for (const row of rows) if (kind === 'event' || row.kind === kind) listener(viewEvent(row));
    });
  }

  #parse(type: string, payload: unknown, options: SubmitOptions, at: string): Submission {
    const { idempotencyKey, maxRetries, queue, priority, runAt, delayMs, timeoutMs } = options;
    const text = encode(
      {
        type,
        payload,
        idempotency_key: idempotencyKey,
        max_retries: sayable(maxRetries),
        queue,
        priority: sayable(priority),
        run_at: runAt?.toJSON() ?? sayable(runAt?.getTime()),
        delay_ms: sayable(delayMs),
        timeout_ms: sayable(timeoutMs),
      },
      at,
    );
    const parsed = parseSubmission(text, { keyLines: [], newJobId: () => this.#port.newJobId() });
    if (parsed.ok) return parsed.value;
    const errors = parsed.problem.errors?.map(({ path, message }) => ({ path: at + path, message }));
    throw new QueueError(errors === undefined ? parsed.problem : { ...parsed.problem, errors });
  }

  async #submit(submissions: readonly Submission[], prefix: (index: number) => string): Promise<readonly Submitted[]> {
    const { types } = this.#port;
    const reply = await askToSubmit(this.#port, submissions);
    if (reply.kind === 'refused') throw new QueueError(refusalProblem(reply.refusals, { types: types.keys(), prefix }));
    return expect(reply, 'submitted').outcomes.map(({ job, replayed }) => ({ job: viewJob(job), replayed }));
  }

  async #change(command: ClientCommand): Promise<JobView> {
    return viewJob(expect(await this.#port.ask(command), 'job').job);
  }
}

/** JSON text of the submission. @throws {QueueError} if the payload has none. */
function encode(submission: object, at: string): string {
  try {
    return JSON.stringify(submission, refuseNumbersBeyondJson);
  } catch (cause) {
    const message = `is not JSON: ${cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)}`;
    const path = `${at}/payload`;
    throw new QueueError({ kind: 'invalid-request', detail: `${path} ${message}.`, errors: [{ path, message }] });
  }
}

/** JSON has no NaN and no Infinity and would leave the field out; as a text it is refused by name. */
const sayable = (value: number | undefined): number | string | undefined =>
  value === undefined || Number.isFinite(value) ? value : String(value);

/** JSON.stringify would store NaN and Infinity as null: another value than the one that was submitted. */
function refuseNumbersBeyondJson(_: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} is no JSON number`);
  return value;
}

function expect<Kind extends Reply['kind']>(reply: Reply, kind: Kind): Extract<Reply, { kind: Kind }> {
  if (reply.kind === 'refused') throw new QueueError(refusalProblem(reply.refusals, { types: [], prefix: () => '' }));
  if (reply.kind !== kind) throw new QueueError({ kind: 'internal', detail: 'The queue answered another question.' });
  return reply as Extract<Reply, { kind: Kind }>;
}

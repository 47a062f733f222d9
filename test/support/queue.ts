// A queue on map tables with a clock in the test's hand. Each step is committed at once: what is tested is the decisions.

import { JobId, Instant, JsonText } from '../../core/job/job.ts';
import type { Job } from '../../core/job/job.ts';
import { DEFAULT_BACKOFF } from '../../core/job/retry.ts';
import type { ClientCommand, Command, Submission, WorkerCommand } from '../../core/queue/command.ts';
import type { Effect, Reply } from '../../core/queue/effect.ts';
import { Queue } from '../../core/queue/queue.ts';
import type { Decided } from '../../core/queue/queue.ts';
import type { QueueSettings, TypeSettings } from '../../core/queue/settings.ts';
import { mapTables } from '../../core/store/map.ts';
import type { Tables } from '../../core/store/tables.ts';

export const TYPE: TypeSettings = { concurrency: null, maxRetries: 3, timeoutMs: 30_000, backoff: DEFAULT_BACKOFF };

export const SETTINGS: QueueSettings = {
  types: new Map([
    ['email', TYPE],
    ['resize', { ...TYPE, concurrency: 1 }],
  ]),
  workerCount: 2,
  depthLimit: 100,
  bytesLimit: 1_000_000,
  crashesMax: 3,
  retentionMs: 0,
};

let lastId = 0;

export const submission = (overrides: Partial<Submission> = {}): Submission => ({
  id: JobId(`job-${(lastId += 1)}`),
  type: 'email',
  queue: 'default',
  payload: JsonText(null),
  priority: 0,
  maxRetries: null,
  timeoutMs: null,
  idempotencyKey: null,
  start: { kind: 'now' },
  ...overrides,
});

export class TestQueue {
  readonly tables: Tables;
  readonly queue: Queue;
  at = 1_000_000;
  wallAheadMs = 0;

  constructor(settings: Partial<QueueSettings> = {}, tables: Tables = mapTables().create()) {
    this.tables = tables;
    this.queue = new Queue({ tables, settings: { ...SETTINGS, ...settings } });
  }

  step(...commands: readonly Command[]): Decided {
    const decided = this.decide(commands, { isWritable: true });
    this.queue.commit();
    return decided;
  }

  decide(commands: readonly Command[], { isWritable }: { isWritable: boolean }): Decided {
    const inputs = commands.map((command, requestId) => ({ requestId, command }));
    const now = { at: Instant(this.at), wallAheadMs: this.wallAheadMs, seed: 7 };
    return this.queue.step(inputs, { now, isWritable });
  }

  /** The reply to one command, all else of the step aside. */
  ask(command: ClientCommand | WorkerCommand): Reply {
    const reply = this.step(command).effects.find((effect) => effect.kind === 'reply');
    if (reply?.kind !== 'reply') throw new Error(`${command.kind} got no reply`);
    return reply.reply;
  }

  submit(overrides: Partial<Submission> = {}): JobId {
    const one = submission(overrides);
    const reply = this.ask({ kind: 'submit', submissions: [one] });
    if (reply.kind !== 'submitted') throw new Error(`refused: ${JSON.stringify(reply)}`);
    return one.id;
  }

  job(id: JobId): Job {
    const job = this.tables.job(id);
    if (job === undefined) throw new Error(`no job ${id}`);
    return job;
  }

  fail(id: JobId, { retryable = true } = {}): Decided {
    const error = { name: 'Error', message: 'no', stack: null };
    return this.step({ kind: 'fail', jobId: id, attempt: this.job(id).attempt, error, retryable });
  }

  succeed(id: JobId): Decided {
    return this.step({ kind: 'succeed', jobId: id, attempt: this.job(id).attempt, result: JsonText('done') });
  }

  tick(at: number): Decided {
    this.at = at;
    return this.step({ kind: 'tick' });
  }
}

export const started = (decided: { readonly effects: readonly Effect[] }): string[] =>
  decided.effects.flatMap((effect) => (effect.kind === 'start' ? [effect.job.id] : []));

export const aborted = (decided: { readonly effects: readonly Effect[] }): string[] =>
  decided.effects.flatMap((effect) => (effect.kind === 'abort' ? [`${effect.jobId} ${effect.reason}`] : []));

export const reasons = (reply: Reply): string[] =>
  reply.kind === 'refused' ? reply.refusals.map(({ reason }) => reason) : [];

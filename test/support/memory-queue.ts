// A QueuePort on the real queue with map tables and no disk: each question is a step of its own, committed at once.
// What is tested with it is HTTP; what a disk may do to a reply is played by `refuse`.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { Instant, JobId, JsonText } from '../../core/job/job.ts';
import type { Job } from '../../core/job/job.ts';
import type { ClientCommand, Command, Submission } from '../../core/queue/command.ts';
import type { Refusal, Reply } from '../../core/queue/effect.ts';
import { Queue } from '../../core/queue/queue.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import { mapTables } from '../../core/store/map.ts';
import type { EventRow, Tables } from '../../core/store/tables.ts';
import type { QueuePort, Readiness } from '../../runtime/queue-port.ts';
import { SETTINGS, TYPE } from './queue.ts';

export const QUEUE_START_AT = Date.UTC(2030, 0, 1);

export class MemoryQueue implements QueuePort {
  readonly types: QueuePort['types'];
  readonly tables: Tables = mapTables().create();
  readonly asked: ClientCommand[] = [];
  readonly submitted: Submission[] = [];
  state: Readiness = { refusing: null, warnings: [] };
  at = QUEUE_START_AT;
  readonly #queue: Queue;
  readonly #listeners = new Set<(rows: readonly EventRow[]) => void>();
  #refusals: readonly Refusal[] | null = null;
  #lastId = 0;

  constructor(
    options: {
      settings?: Partial<QueueSettings>;
      /** Types with a handler; null has no schema. */
      types?: Readonly<Record<string, StandardSchemaV1 | null>>;
    } = {},
  ) {
    const types = new Map(Object.entries(options.types ?? { email: null, resize: null, report: null }));
    this.types = new Map([...types].map(([type, schema]) => [type, { schema }]));
    const settings: QueueSettings = {
      ...SETTINGS,
      workerCount: 0,
      depthLimit: 100_000,
      bytesLimit: 2 ** 30,
      types: new Map([...types.keys()].map((type) => [type, TYPE])),
      ...options.settings,
    };
    this.#queue = new Queue({ tables: this.tables, settings });
  }

  async ask(command: ClientCommand): Promise<Reply> {
    this.asked.push(command);
    await Promise.resolve();
    if (this.#refusals !== null) return { kind: 'refused', refusals: this.#refusals };
    if (command.kind === 'submit') this.submitted.push(...command.submissions);
    const reply = this.step(command);
    if (reply === undefined) throw new Error(`${command.kind} got no reply`);
    return reply;
  }

  /** Decides one command, as a worker's or the shell's, and publishes what happened. */
  step(command: Command): Reply | undefined {
    const now = { at: Instant((this.at += 1)), wallAheadMs: 0, seed: 7 };
    const { effects, rows } = this.#queue.step([{ requestId: 1, command }], { now, isWritable: true });
    this.#queue.commit();
    if (rows.length > 0) for (const listener of this.#listeners) listener(rows);
    return effects.find((effect) => effect.kind === 'reply')?.reply;
  }

  /** From now on every question is refused; null answers again. */
  refuse(refusals: readonly Refusal[] | null): void {
    this.#refusals = refusals;
  }

  subscribe(listener: (rows: readonly EventRow[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  readiness(): Readiness {
    return this.state;
  }

  newJobId(): JobId {
    return JobId(`01943d6e-7c2f-7a31-9c55-${String((this.#lastId += 1)).padStart(12, '0')}`);
  }

  uptimeMs(): number {
    return this.at - QUEUE_START_AT;
  }

  job(id: string): Job {
    const job = this.tables.job(JobId(id));
    if (job === undefined) throw new Error(`no job ${id}`);
    return job;
  }

  succeed(id: string, result: unknown): void {
    const { attempt } = this.job(id);
    this.step({ kind: 'succeed', jobId: JobId(id), attempt, result: JsonText(result) });
  }

  fail(id: string, { retryable }: { retryable: boolean }): void {
    const error = { name: 'SmtpError', message: 'mailbox "full"\n', stack: 'SmtpError: mailbox\n    at send' };
    this.step({ kind: 'fail', jobId: JobId(id), attempt: this.job(id).attempt, error, retryable });
  }

  progress(id: string, value: unknown): void {
    this.step({ kind: 'progress', jobId: JobId(id), attempt: this.job(id).attempt, progress: JsonText(value) });
  }
}

// One step in the making: the events decided so far, the effects that wait for them, and the memory that follows them.
//
// Rule 1: `happen` is the only way to change anything. It numbers and stamps the event, applies it to the tables, and
//         only then notes it in memory, so that the next decision of the same step sees it everywhere.
// Rule 2: `undo` takes memory back to where the step began; the tables' own rollback does the rest.

import type { Event, JobChange, QueueChange } from '../job/event.ts';
import { Instant } from '../job/job.ts';
import type { Job, JobId } from '../job/job.ts';
import { draws } from '../job/retry.ts';
import { apply } from '../store/apply.ts';
import type { Change } from '../store/apply.ts';
import type { EventRow, Tables } from '../store/tables.ts';
import type { Now, RequestId } from './command.ts';
import type { Effect, Refusal, Reply } from './effect.ts';
import type { Memory } from './memory.ts';
import type { QueueSettings } from './settings.ts';

export class Step {
  readonly at: Instant;
  readonly wallAt: Instant;
  /** A fresh draw from [0, 1). */
  readonly draw: () => number;
  readonly tables: Tables;
  readonly memory: Memory;
  readonly settings: QueueSettings;
  /** False while the disk is full: clients change nothing, nothing starts, but attempts may end. */
  readonly isWritable: boolean;

  readonly events: Event[] = [];
  readonly effects: Effect[] = [];
  readonly rows: EventRow[] = [];
  readonly #changes: Change[] = [];
  readonly #abandonedBefore: readonly string[];
  readonly #forgetAtBefore: Instant | null;

  constructor(options: { now: Now; tables: Tables; memory: Memory; settings: QueueSettings; isWritable: boolean }) {
    const { now, tables, memory, settings, isWritable } = options;
    this.at = Instant(Math.max(now.at, tables.meta().lastAt));
    this.wallAt = Instant(this.at + now.wallAheadMs);
    this.draw = draws(now.seed);
    this.tables = tables;
    this.memory = memory;
    this.settings = settings;
    this.isWritable = isWritable;
    this.#abandonedBefore = [...memory.abandoned];
    this.#forgetAtBefore = memory.forgetAt;
  }

  /** The job changes; `job` is it as the tables hold it. Returns what it has become. */
  happen(jobId: JobId, job: Job | undefined, change: JobChange): Job | undefined {
    return this.#record({ seq: this.#nextSeq, at: this.at, jobId, ...change }, job).after;
  }

  queueHappen(queue: string, change: QueueChange): void {
    this.#record({ seq: this.#nextSeq, at: this.at, queue, ...change }, undefined);
  }

  do(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Answers the one who waits, if anybody does. */
  reply(requestId: RequestId | null, reply: Reply): void {
    if (requestId !== null) this.effects.push({ kind: 'reply', requestId, reply });
  }

  refuse(requestId: RequestId | null, ...refusals: readonly Refusal[]): void {
    this.reply(requestId, { kind: 'refused', refusals });
  }

  undo(): void {
    for (const { before, after } of this.#changes.reverse()) this.memory.note(after, before);
    this.memory.reset({
      paused: this.tables.pausedQueues(),
      abandoned: this.#abandonedBefore,
      forgetAt: this.#forgetAtBefore,
    });
  }

  get #nextSeq(): number {
    return this.tables.meta().lastSeq + 1;
  }

  #record(event: Event, job: Job | undefined): Change {
    const change = apply(this.tables, event, job);
    this.memory.note(change.before, change.after);
    this.events.push(event);
    this.rows.push(change.row);
    this.#changes.push(change);
    if (event.kind === 'paused') this.memory.paused.add(event.queue);
    if (event.kind === 'resumed') this.memory.paused.delete(event.queue);
    return change;
  }
}

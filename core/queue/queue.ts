// The queue: inputs in, events and effects out. The one place that decides.
//
// Rule 1: a step writes to the tables inside a transaction that the caller ends: `commit` once the record of its events
//         is durable, `rollback` if it was refused. Until then nothing of it may be seen outside.
// Rule 2: inputs are decided in the order of their arrival; what is free after them is filled by schedule.ts.
// Rule 3: only a `tick` lets leases expire, after all inputs that arrived with it: a handler that has answered in time is
//         heard before its lease is judged.

import { assert, unreachable } from '../job/assert.ts';
import type { Event } from '../job/event.ts';
import type { Instant } from '../job/job.ts';
import type { EventRow, Tables } from '../store/tables.ts';
import { answerWorker, expire, recover } from './attempt.ts';
import type { Input, Now } from './command.ts';
import type { Effect } from './effect.ts';
import { Memory } from './memory.ts';
import { operate } from './operate.ts';
import { read } from './read.ts';
import { schedule, wakeAt } from './schedule.ts';
import type { QueueSettings } from './settings.ts';
import { Step } from './step.ts';
import { submit } from './submit.ts';

/** What must be durable (events), what may leave afterwards (effects, rows), and when to come back (wakeAt). */
export type Decided = {
  readonly events: readonly Event[];
  readonly effects: readonly Effect[];
  readonly rows: readonly EventRow[];
  readonly wakeAt: Instant | null;
};

export class Queue {
  readonly #tables: Tables;
  readonly #settings: QueueSettings;
  readonly #memory: Memory;
  #open: Step | undefined;

  constructor(options: { tables: Tables; settings: QueueSettings }) {
    this.#tables = options.tables;
    this.#settings = options.settings;
    this.#memory = new Memory(options.tables);
  }

  /** Handlers that run on without a lease. */
  get abandoned(): number {
    return this.#memory.abandoned.size;
  }

  get running(): number {
    return this.#memory.census.running;
  }

  step(inputs: readonly Input[], options: { now: Now; isWritable: boolean }): Decided {
    assert(this.#open === undefined, 'a step begins after the one before it ended');
    this.#tables.begin();
    const { now, isWritable } = options;
    const [tables, memory, settings] = [this.#tables, this.#memory, this.#settings];
    const step = new Step({ now, isWritable, tables, memory, settings });
    this.#open = step;

    for (const input of inputs) decide(step, input);
    if (inputs.some(({ command }) => command.kind === 'tick')) expire(step);
    schedule(step);
    return { events: step.events, effects: step.effects, rows: step.rows, wakeAt: wakeAt(step) };
  }

  commit(): void {
    assert(this.#open !== undefined, 'only an open step is committed');
    this.#open = undefined;
    this.#tables.commit();
  }

  rollback(): void {
    assert(this.#open !== undefined, 'only an open step is rolled back');
    const step = this.#open;
    this.#open = undefined;
    this.#tables.rollback();
    step.undo();
  }
}

function decide(step: Step, { requestId, command }: Input): void {
  switch (command.kind) {
    case 'submit':
      return submit(step, requestId, command);
    case 'get':
    case 'list':
    case 'stats':
    case 'queues':
    case 'feed':
      return read(step, requestId, command);
    case 'cancel':
    case 'retry':
    case 'delete':
    case 'pause':
    case 'resume':
      return operate(step, requestId, command);
    case 'succeed':
    case 'fail':
    case 'release':
    case 'ended':
    case 'extend':
    case 'progress':
      return answerWorker(step, requestId, command);
    case 'recover':
      return recover(step);
    case 'drain':
      step.memory.isDraining = true;
      return;
    case 'tick':
      return;
    default:
      return unreachable(command);
  }
}

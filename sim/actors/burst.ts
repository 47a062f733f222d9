// A burst of jobs when all faults are over: it shows how fast a process that has lived through them still works.
//
// Each job takes the same time, long beside anything that the disk takes. So the whole takes as long as its waves, each of
// as many jobs as may run at once.

import type { Submission } from '../../core/queue/command.ts';
import { JsonText } from '../../core/job/job.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import type { Server } from './server.ts';

export const BURST_CLIENT = 'burst';
/** Milliseconds that each of its jobs takes. */
export const BURST_WORK_MS = 3_000;
const WAVES = 2;
/** The clock of the process may be fast. */
const BURST_TIMEOUT_MS = BURST_WORK_MS * 2;

/** How many attempts of each type may run at once, together as many as there are workers. */
export function slotsOf({ types, workerCount }: QueueSettings): ReadonlyMap<string, number> {
  const slots = new Map<string, number>();
  let left = workerCount;
  // Those with a limit first: one without takes all that is left.
  const limits = [...types].map(([name, { concurrency }]) => [name, concurrency ?? workerCount] as const);
  for (const [name, limit] of limits.sort(([, one], [, other]) => one - other)) {
    slots.set(name, Math.min(limit, left));
    left -= Math.min(limit, left);
  }
  return slots;
}

export class Burst {
  readonly #world: World;
  readonly #server: Server;
  /** It was answered, or never will be. */
  isAnswered = false;

  constructor({ world, server }: { world: World; server: Server }) {
    this.#world = world;
    this.#server = server;
  }

  begin(): void {
    const { settings, queues } = this.#world.plan;
    const wave = [...slotsOf(settings)].flatMap(([type, slots]) => Array.from({ length: slots }, () => type));
    const all = Array.from({ length: WAVES }, () => wave).flat();
    // A queue that takes few jobs is not asked to take more.
    const types = all.slice(0, settings.depthLimit);
    const job = (type: string): Omit<Submission, 'id'> => ({
      type,
      queue: queues[0] ?? 'default',
      payload: JsonText({ workMs: BURST_WORK_MS }),
      priority: 0,
      maxRetries: null,
      timeoutMs: BURST_TIMEOUT_MS,
      idempotencyKey: null,
      start: { kind: 'now' },
    });
    const answered = (): void => {
      this.isAnswered = true;
    };
    note(this.#world, BURST_CLIENT, `${types.length} jobs at once`);
    this.#server.receive({
      client: BURST_CLIENT,
      command: (newJobId) => ({ kind: 'submit', submissions: types.map((type) => ({ ...job(type), id: newJobId() })) }),
      shownSeq: 0,
      answer: answered,
      refused: answered,
    });
  }
}

/** How long the job asks to be worked on; null for one that does not care. */
export function askedWorkMs(payload: string): number | null {
  const [, workMs] = /^\{"workMs":(\d+)\}$/.exec(payload) ?? [];
  return workMs === undefined ? null : Number(workMs);
}

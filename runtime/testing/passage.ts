// The passage of virtual time: from one due instant to the next.
//
// Rule 1: at each instant handlers are heard before leases are judged, as the real loop does after a pause.
// Rule 2: jobs start only while time is moved: what was submitted stays pending until the test lets it run.
// Rule 3: time is moved by one at a time, and never from inside a handler.

import { assert } from '../../core/job/assert.ts';
import { Instant, earliest } from '../../core/job/job.ts';
import type { Ledger } from './ledger.ts';
import type { TestProcess } from './process.ts';
import { currentCall, nextRound, pause } from './rounds.ts';
import type { Call } from './rounds.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What time passes over. */
export type World = {
  /** The one that lives now. */
  readonly process: TestProcess;
  readonly time: VirtualTime;
  readonly ledger: Ledger;
  /** Calls of handlers that have not ended. */
  readonly calls: ReadonlySet<Call>;
  /** Processes that have ended. */
  readonly deaths: number;
  /** An invariant that broke. */
  readonly defect: { readonly thrown: unknown } | null;
};

/** Rounds of the event loop that a handler gets before its silence is measured. */
const QUIET_ROUNDS_MAX = 10;
const POLL_MS = 5;

/** Leaps of one drain: a handler that extends its lease without end never comes to one. */
const LEAPS_MAX = 100_000;

export class Passage {
  readonly #world: World;
  readonly #patienceMs: number;
  #isMoving = false;
  /** Calls of handlers that the ledger may have before time stands still. */
  #runsMax = Infinity;

  constructor(options: { world: World; patienceMs: number }) {
    this.#world = options.world;
    this.#patienceMs = options.patienceMs;
  }

  /** Whether time is being moved. */
  get isMoving(): boolean {
    return this.#isMoving;
  }

  /** Passes until so much time is over. */
  advance(durationMs: number): Promise<void> {
    const { time } = this.#world;
    return this.#move({ runsMax: Infinity }, async () => {
      const endAt = Instant(time.at + durationMs);
      for (let dueAt = this.#dueAt(); dueAt !== null && dueAt <= endAt; dueAt = this.#dueAt()) await this.#pass(dueAt);
      time.moveTo(endAt);
    });
  }

  /** Passes until no job is pending or running. */
  drain({ runsMax }: { runsMax: number }): Promise<void> {
    const { time } = this.#world;
    return this.#move({ runsMax }, async () => {
      for (let leaps = 0; this.#world.process.depth > 0; leaps += 1) {
        const nextAt = earliest(this.#world.process.nextJobAt(time.at), time.nextWakeAt);
        if (nextAt === null) throw new Error(await this.#whyStuck());
        if (leaps === LEAPS_MAX) throw new Error(`after ${LEAPS_MAX} leaps of time there is still work left`);
        await this.#pass(earliest(nextAt, this.#dueAt()) ?? nextAt);
      }
    });
  }

  async #move({ runsMax }: { runsMax: number }, move: () => Promise<void>): Promise<void> {
    if (currentCall() !== undefined) throw new Error('a handler cannot move time: it can sleep in it');
    if (this.#isMoving) throw new Error('time is being moved already: await the call before');
    const { process, ledger, calls } = this.#world;
    this.#isMoving = true;
    this.#runsMax = ledger.size + runsMax;
    for (const call of calls) call.isSilent = false;
    try {
      process.tick(); // what is ready starts
      await this.#settle();
      await move();
      await this.#settle();
    } finally {
      this.#isMoving = false;
    }
  }

  #dueAt(): Instant | null {
    return earliest(this.#world.process.wakeAt, this.#world.time.nextWakeAt);
  }

  async #pass(dueAt: Instant): Promise<void> {
    const { time } = this.#world;
    time.moveTo(dueAt);
    time.wakeDue();
    await this.#settle();
    const { wakeAt } = this.#world.process;
    if (wakeAt === null || wakeAt > time.at) return;
    this.#world.process.tick();
    await this.#settle();
  }

  /** Resolves when nobody has anything left to do in the present. */
  async #settle(): Promise<void> {
    let quietRounds = 0;
    for (let seen = ''; ;) {
      await nextRound();
      const { process, ledger, calls, defect } = this.#world;
      if (defect !== null) throw defect.thrown;
      if (ledger.size > this.#runsMax) throw new Error('there is still work left after as many runs as are allowed');
      const stirred = this.#stirred();
      if (process.isTurnDue || stirred !== seen) {
        seen = stirred;
        quietRounds = 0;
        continue;
      }
      const waiting = [...calls].filter(({ sleeps, isSilent }) => sleeps > 0 || isSilent).length;
      if (process.handling === waiting) return;
      quietRounds += 1;
      const polls = quietRounds - QUIET_ROUNDS_MAX;
      if (polls * POLL_MS > this.#patienceMs) break;
      if (polls > 0) await pause(POLL_MS);
    }
    for (const call of this.#world.calls) call.isSilent = true;
  }

  /** Differs as soon as anything has happened. */
  #stirred(): string {
    const { deaths, process, ledger, calls } = this.#world;
    return `${deaths} ${process.steps} ${ledger.size} ${calls.size}`;
  }

  async #whyStuck(): Promise<string> {
    const reply = await this.#world.process.ask({ kind: 'stats' }, { isInside: false });
    assert(reply.kind === 'stats', 'stats are answered');
    const { depth, queues, abandoned } = reply.stats;
    const paused = queues.filter((queue) => queue.paused && queue.pending > 0).map(({ name }) => name);
    const reasons = [
      ...(paused.length > 0 ? [`paused: ${paused.join(', ')}`] : []),
      ...(abandoned > 0 ? [`abandoned handlers that have not ended: ${abandoned}`] : []),
    ];
    const why = reasons.length > 0 ? reasons.join('; ') : 'there are no workers';
    return `jobs are left that no passing of time will start: ${depth} (${why})`;
  }
}

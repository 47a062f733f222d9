// What must hold in the small world, after every event. The rules are those of checks/rules.ts by name, told here once
// more for a world without a clock, a trace or a network.
//
//   S1   a submission that was acknowledged is found after every turn and every recovery
//   S4   a key has one job
//   S6   a job has succeeded or failed only if the handler of that attempt said so in this turn
//   S7   an attempt is started once, and attempts are numbered without gaps
//   S8   the failures and the crashes of a job are counted
//   S9   no more attempts run than there are workers; of those whose process died under them, one
//   S11  a job changes only along the arrows of its diagram
//   S15  once a client was told of the cancellation, no attempt starts
//   S24  a recovery finds what was durable: no more and no less

import type { JobId } from '../../core/job/job.ts';
import type { Input, RequestId } from '../../core/queue/command.ts';
import type { Effect } from '../../core/queue/effect.ts';
import type { DiskOperation } from '../../core/store/disk.ts';
import type { EventRow, Tables } from '../../core/store/tables.ts';
import { Violation } from '../checks/check.ts';
import { sentenceOf } from '../checks/rules.ts';
import { stateOf } from '../world/state.ts';

type Known = { readonly state: string; readonly attempt: number; readonly failures: number; readonly crashes: number };

const UNKNOWN: Known = { state: 'none', attempt: 0, failures: 0, crashes: 0 };

/** From the contract: where each kind of event may come from, and where it may lead. */
const ARROWS: Readonly<Record<string, readonly [from: readonly string[], to: readonly string[]]>> = {
  submitted: [['none'], ['pending']],
  started: [['pending'], ['running']],
  succeeded: [['running'], ['succeeded']],
  failed: [['running'], ['pending', 'dead']],
  expired: [['running'], ['pending', 'dead']],
  crashed: [['running'], ['pending', 'dead']],
  cancelled: [['pending', 'running'], ['cancelled']],
};

export class Safety {
  readonly #workers: number;
  #jobs = new Map<JobId, Known>();
  /** The job that a client was told of. */
  readonly #acknowledged = new Map<RequestId, JobId>();
  readonly #cancelled = new Set<JobId>();
  /** Attempts that this process was told to run. */
  readonly #started = new Set<string>();
  /** Of the program under way: what it was told is written, and synced. */
  appends = 0;
  syncs = 0;

  constructor({ workers }: { readonly workers: number }) {
    this.#workers = workers;
  }

  begin(): void {
    this.appends = 0;
    this.syncs = 0;
  }

  performed({ kind }: DiskOperation): void {
    if (kind === 'append') this.appends += 1;
    if (kind === 'sync') this.syncs += 1;
  }

  turned(turn: {
    readonly effects: readonly Effect[];
    readonly inputs: readonly Input[];
    readonly tables: Tables;
  }): void {
    const { effects, inputs, tables } = turn;
    for (const effect of effects) {
      if (effect.kind === 'publish') for (const row of effect.rows) this.#happened(row, inputs);
    }
    for (const effect of effects) this.#left(effect);
    this.#hold(tables);
  }

  /** `expected`: what must have been durable; undefined at the first start of all. */
  recovered(tables: Tables, expected: readonly string[] | undefined): void {
    const found = stateOf(tables);
    if (expected !== undefined && !expected.includes(found)) {
      fail('S24', `recovered ${found.slice(0, 300)} and not ${expected.join(' or ').slice(0, 300)}`);
    }
    this.#started.clear();
    this.#jobs = new Map();
    for (const row of tables.eventsAfter(0, 1_000)) this.#move(row);
    this.#hold(tables);
  }

  #happened(row: EventRow, inputs: readonly Input[]): void {
    if (row.kind === 'succeeded' || row.kind === 'failed') {
      const said = row.kind === 'succeeded' ? 'succeed' : 'fail';
      const isSaid = inputs.some(
        ({ command }) => command.kind === said && command.jobId === row.jobId && command.attempt === row.attempt,
      );
      if (!isSaid)
        fail('S6', `attempt ${row.attempt ?? 0} of ${row.jobId ?? ''} ${row.kind}, and its handler never said so`);
    }
    this.#move(row);
  }

  #move(row: EventRow): void {
    const { jobId, kind, attempt } = row;
    const arrow = ARROWS[kind];
    if (jobId === null || arrow === undefined) return fail('S11', `nobody asked for "${kind}"`);
    const known = this.#jobs.get(jobId) ?? UNKNOWN;
    const [from, to] = arrow;
    const state = row.state ?? 'none';
    if (!from.includes(known.state) || !to.includes(state)) {
      fail('S11', `${kind} took ${jobId} from ${known.state} to ${state}`);
    }
    if (attempt !== known.attempt + (kind === 'started' ? 1 : 0)) {
      fail('S7', `${kind} of ${jobId} names attempt ${attempt ?? 0} after attempt ${known.attempt}`);
    }
    const failures = known.failures + (kind === 'failed' || kind === 'expired' ? 1 : 0);
    const crashes = known.crashes + (kind === 'crashed' ? 1 : 0);
    this.#jobs.set(jobId, { state, attempt, failures, crashes });
  }

  #left(effect: Effect): void {
    if (effect.kind === 'start') {
      const { id, attempt } = effect.job;
      const fence = `attempt ${attempt} of ${id}`;
      if (this.#started.has(fence)) fail('S7', `${fence} is started twice`);
      this.#started.add(fence);
      if (this.#cancelled.has(id)) fail('S15', `${fence} is started after its cancellation was acknowledged`);
    }
    if (effect.kind !== 'reply') return;
    const { reply, requestId } = effect;
    if (reply.kind === 'submitted') {
      for (const { job } of reply.outcomes) {
        const first = this.#acknowledged.get(requestId) ?? job.id;
        if (first !== job.id) fail('S4', `request ${requestId} is told of ${job.id}, and was told of ${first}`);
        this.#acknowledged.set(requestId, job.id);
      }
    }
    if (reply.kind !== 'job') return;
    if (reply.job.state !== 'cancelled') fail('S15', `${reply.job.id} was to be cancelled, and is ${reply.job.state}`);
    this.#cancelled.add(reply.job.id);
  }

  #hold(tables: Tables): void {
    const jobs = tables.list({ filter: {}, before: undefined, limit: 100 });
    for (const jobId of this.#acknowledged.values()) {
      if (!jobs.some(({ id }) => id === jobId)) fail('S1', `${jobId} was acknowledged, and is gone`);
    }
    // What a client asks for again has the same payload.
    const payloads = jobs.map(({ payload }) => payload);
    if (new Set(payloads).size !== payloads.length)
      fail('S4', `one submission has made two jobs: ${payloads.join(', ')}`);
    const running = jobs.filter(({ state }) => state === 'running');
    if (running.length > this.#workers) fail('S9', `${running.length} attempts run at once`);
    const suspects = running.filter(({ suspect }) => suspect);
    if (suspects.length > 1) fail('S9', `${suspects.length} suspects run at once`);
    for (const { id, state, attempt, failures, crashes } of jobs) {
      const known = this.#jobs.get(id) ?? UNKNOWN;
      if (known.state !== state || known.attempt !== attempt) {
        fail('S11', `${id} is ${state} in attempt ${attempt}, and its events say ${known.state}`);
      }
      if (known.failures !== failures || known.crashes !== crashes) {
        fail(
          'S8',
          `${id} counts ${failures} failures and ${crashes} crashes, and had ${known.failures} and ${known.crashes}`,
        );
      }
    }
  }
}

function fail(rule: string, detail: string): never {
  throw new Violation({ rule, sentence: sentenceOf(rule) ?? rule, detail });
}

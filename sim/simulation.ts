// One seed is one whole life: it is drawn, lived under faults, healed, brought to rest, cut off once more and recovered.
//
// The faulty phase asks for safety alone. After it all faults stop, and everything must come to its end within a bound.

import { Client, Society } from './actors/client.ts';
import { Operator } from './actors/operator.ts';
import { Reader } from './actors/reader.ts';
import { Server } from './actors/server.ts';
import { Violation } from './checks/check.ts';
import type { Check } from './checks/check.ts';
import { broken, CHECKS } from './checks/rules.ts';
import { ALL_FAULTS, Faults } from './faults.ts';
import type { FaultCode, FaultSelection } from './faults.ts';
import type { Planted } from './mutants/mutant.ts';
import { describePlan, drawPlan } from './plan.ts';
import { whyStuck } from './report/why-stuck.ts';
import type { LifeTables } from './depth.ts';
import { Witness } from './witness.ts';
import { Clock } from './world/clock.ts';
import { Disk } from './world/disk.ts';
import { forbidden } from './world/forbidden.ts';
import { Tape } from './world/tape.ts';
import type { Source } from './world/tape.ts';
import { Trace } from './world/trace.ts';
import { note } from './world/world.ts';
import type { World } from './world/world.ts';

export type LifeOptions = {
  readonly source: Source;
  readonly tables: LifeTables;
  readonly faults?: FaultSelection;
  readonly checks?: readonly Check[];
  readonly planted?: Planted;
  readonly keepDraws?: boolean;
  /** Whether the outcome's trace has its events, for a story; the hash is the same. True unless told otherwise. */
  readonly keepTrace?: boolean;
};

export type Outcome = {
  readonly violation: Violation | null;
  /** Equal for two runs of one life, and for no others. */
  readonly hash: string;
  /** Events of the clock: what the speed of the simulator is counted in. */
  readonly steps: number;
  readonly crashes: number;
  readonly recoveries: number;
  readonly jobs: number;
  readonly simulatedMs: number;
  readonly fired: ReadonlyMap<FaultCode, number>;
  readonly plan: string;
  readonly switches: string;
  readonly trace: Trace;
  readonly tape: Tape;
};

/** More events than any life needs: beyond, the queue turns in circles. */
const STEPS_MAX = 400_000;
/** Simulated time that everything may take after the faults have stopped, beyond what the jobs themselves wait. */
const REST_MS = 120_000;
/** How much likelier a kill is while bytes wait for a sync. */
const UNSYNCED_WEIGHT = 10;

export function live(options: LifeOptions): Outcome {
  const life = new Simulation(options);
  const restore = forbidden(options.tables.senses);
  const putBack = options.planted?.instead?.();
  let violation: Violation | null = null;
  try {
    life.run();
  } catch (error) {
    violation = error instanceof Violation ? error : crashed(error);
  } finally {
    putBack?.();
    restore();
    options.tables.closeAll();
  }
  return life.outcome(violation);
}

class Simulation {
  readonly #world: World;
  readonly #witness: Witness;
  readonly #server: Server;
  readonly #operator: Operator;
  readonly #clients: readonly Client[];
  readonly #reader: Reader;
  #steps = 0;

  constructor(options: LifeOptions) {
    const tape = new Tape(options.source, { keepDraws: options.keepDraws ?? false });
    const plan = drawPlan(tape);
    this.#world = {
      tape,
      plan,
      clock: new Clock(plan.wallAtStartMs),
      disk: new Disk(),
      trace: new Trace({ keep: options.keepTrace ?? true }),
      faults: new Faults(tape, options.faults ?? ALL_FAULTS),
    };
    const world = this.#world;
    const { checks = CHECKS, planted = {}, tables } = options;
    this.#witness = new Witness({ world, checks, settings: plan.settings });
    this.#server = new Server({ world, witness: this.#witness, tables, planted });
    this.#operator = new Operator({ world, server: this.#server, paused: () => this.#witness.model.paused });
    this.#reader = new Reader({ world, server: this.#server });
    const society = new Society();
    const shownSeq = (): number => this.#witness.ledger.shownSeq;
    this.#clients = Array.from(
      { length: plan.clients },
      (_, index) => new Client({ name: `client-${index + 1}`, world, server: this.#server, society, shownSeq }),
    );
  }

  run(): void {
    const { clock, faults, plan } = this.#world;
    // From here on everything happens at whole milliseconds.
    if (faults.strikes('C5')) clock.gridUs = 1_000;
    this.#server.start();
    for (const client of this.#clients) client.next();
    this.#operator.watch();
    this.#reader.connect();
    const healAtMs = plan.faultyMs;
    while (clock.monotonicMs < healAtMs && !this.#isAtRest()) this.#step();
    faults.heal();
    note(this.#world, 'nature', 'all faults stop');
    this.#operator.heal();
    this.#server.heal();
    this.#untilRest('after the faults have stopped');
    // Once more: everything that was promised survives a last power loss, of which nothing un-synced comes back.
    this.#server.cutPower();
    this.#untilRest('after the last power loss');
    const tables = this.#server.restingTables;
    if (tables !== null) this.#witness.ended(tables);
  }

  outcome(violation: Violation | null): Outcome {
    const { trace, tape, clock, faults, plan } = this.#world;
    return {
      violation,
      hash: trace.hash + tape.hash.toString(16).padStart(8, '0'),
      steps: this.#steps,
      crashes: this.#server.crashes,
      recoveries: this.#server.recoveries,
      jobs: this.#witness.model.known.size,
      simulatedMs: clock.monotonicMs,
      fired: faults.counts(),
      plan: describePlan(plan),
      switches: faults.describe(),
      trace,
      tape,
    };
  }

  #untilRest(when: string): void {
    const { clock } = this.#world;
    const { known } = this.#witness.model;
    let [deadlineMs, jobs] = [clock.monotonicMs + this.#boundMs(), known.size];
    while (!this.#isAtRest()) {
      if (clock.monotonicMs > deadlineMs) {
        if (known.size === jobs) throw this.#stuck(when);
        // A submission was under way for long, and its job may have to wait.
        [deadlineMs, jobs] = [clock.monotonicMs + this.#boundMs(), known.size];
      }
      this.#step();
    }
  }

  #step(): void {
    const { clock, faults, disk } = this.#world;
    const timer = clock.next();
    if (timer === undefined) throw this.#stuck('with nothing left to happen');
    this.#steps += 1;
    if (this.#steps > STEPS_MAX) throw broken('L4', `${STEPS_MAX} events, and no end`);
    timer.run();
    if (faults.isHealed) return;
    if (this.#server.isRecoveringFromKill && faults.strikes('P4')) this.#server.cutPower();
    else if (this.#server.mayBeCutOff && faults.strikes('P5')) this.#server.kill();
    else if (faults.isOn('P1') && faults.strikes('P1', disk.hasUnsynced ? UNSYNCED_WEIGHT : 1)) this.#server.kill();
  }

  #isAtRest(): boolean {
    const { pending, running } = this.#witness.model;
    return (
      pending.size === 0 &&
      running.size === 0 &&
      this.#clients.every(({ isDone }) => isDone) &&
      this.#server.restingTables !== null &&
      this.#server.isServing
    );
  }

  /** Waiting jobs, leases that must run out, retries that back off, and then some. */
  #boundMs(): number {
    const { plan } = this.#world;
    const { model } = this.#witness;
    let boundMs = REST_MS + plan.delayMsMax + plan.requestTriesMax * (plan.requestTimeoutMs + 1_000);
    let latestAt = model.lastAt;
    for (const job of model.pending.values()) latestAt = Math.max(latestAt, job.runAt);
    for (const job of model.running.values()) latestAt = Math.max(latestAt, job.leaseUntil ?? 0);
    // The clock of the process may be slow by a tenth.
    boundMs += (latestAt - model.lastAt) * 1.2;
    for (const { backoff, timeoutMs } of plan.settings.types.values()) {
      boundMs += timeoutMs * 2;
      if (typeof backoff !== 'function') boundMs += Math.min(backoff.baseMs * backoff.factor ** 5, backoff.maxMs);
    }
    return boundMs + (model.pending.size + model.running.size) * 1_000;
  }

  #stuck(when: string): Violation {
    const { pending, running } = this.#witness.model;
    const waiting = this.#clients.filter(({ isDone }) => !isDone).map(({ name }) => name);
    const job = [...running.values(), ...pending.values()][0];
    const why = [
      ...whyStuck({
        model: this.#witness.model,
        ledger: this.#witness.ledger,
        settings: this.#world.plan.settings,
        capacityBytes: this.#world.disk.capacityBytes,
      }),
      waiting.length === 0 ? '' : `${waiting.join(', ')} wait`,
      this.#server.isServing ? '' : 'the server does not serve',
      this.#server.restingTables === null ? 'the server is busy' : '',
    ].filter((part) => part !== '');
    return broken(job === undefined && waiting.length > 0 ? 'L2' : 'L1', `${when}: ${why.join('; ')}`);
  }
}

function crashed(error: unknown): Violation {
  const violation = broken('S30', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  violation.cause = error;
  return violation;
}

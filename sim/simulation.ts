// One seed is one whole life: it is drawn, lived under faults, healed, brought to rest, cut off once more and recovered.
//
// The faulty phase asks for safety alone. After it all faults stop, and everything must come to its end within a bound.

import { Burst } from './actors/burst.ts';
import { Violation } from './checks/check.ts';
import { broken } from './checks/rules.ts';
import type { FaultCode } from './faults.ts';
import { SimulatedLife } from './life.ts';
import type { LifeOptions } from './life.ts';
import { describePlan } from './plan.ts';
import { whyStuck } from './report/why-stuck.ts';
import { forbidden } from './world/forbidden.ts';
import type { Tape } from './world/tape.ts';
import type { Trace } from './world/trace.ts';

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
/** A burst of jobs at the end of one life in so many. */
const BURST_ONE_IN = 4;
/** Simulated time until everything was set right. */
const CALM_WITHIN_MS = 3_600_000;
/** Simulated time that everything may take after the faults have stopped, beyond what the jobs themselves wait. */
const REST_MS = 120_000;

export function live(options: LifeOptions): Outcome {
  const simulation = new Simulation(options);
  const restore = forbidden(options.tables.senses);
  const putBack = options.planted?.instead?.();
  let violation: Violation | null = null;
  try {
    simulation.run();
  } catch (error) {
    violation = error instanceof Violation ? error : crashed(error);
  } finally {
    putBack?.();
    restore();
    options.tables.closeAll();
  }
  return simulation.outcome(violation);
}

class Simulation {
  readonly #life: SimulatedLife;
  #steps = 0;

  constructor(options: LifeOptions) {
    this.#life = new SimulatedLife(options);
  }

  run(): void {
    const { server, witness } = this.#life;
    this.#life.begin();
    while (this.#life.isFaulty) this.#step();
    this.#life.heal();
    this.#untilRest('after the faults have stopped');
    if (this.#life.world.tape.stream('burst').choose('burst', BURST_ONE_IN) === BURST_ONE_IN - 1) this.#burst();
    // Once more: everything that was promised survives a last power loss, of which nothing un-synced comes back.
    server.cutPower();
    this.#untilRest('after the last power loss');
    const tables = server.restingTables;
    if (tables !== null) witness.ended(tables);
  }

  outcome(violation: Violation | null): Outcome {
    const { world, server, witness } = this.#life;
    const { trace, tape, clock, faults, plan } = world;
    return {
      violation,
      hash: trace.hash + tape.hash.toString(16).padStart(8, '0'),
      steps: this.#steps,
      crashes: server.crashes,
      recoveries: server.recoveries,
      jobs: witness.model.known.size,
      simulatedMs: clock.monotonicMs,
      fired: faults.counts(),
      plan: describePlan(plan),
      switches: faults.describe(),
      trace,
      tape,
    };
  }

  /** The process that has lived through the faults is given as much to do as it can. */
  #burst(): void {
    const { world, server } = this.#life;
    this.#untilRest('before a burst', () => this.#isCalm, CALM_WITHIN_MS);
    const burst = new Burst({ world, server });
    burst.begin();
    this.#untilRest('after a burst', () => burst.isAnswered);
  }

  /** At rest, and set right: no handler lingers, no queue is paused, and the process has the settings that it should. */
  get #isCalm(): boolean {
    const { server, witness, isAtRest } = this.#life;
    const { model, process } = witness;
    return isAtRest && server.hasPlannedSettings && model.paused.size === 0 && process?.handlers.size === 0;
  }

  /** `patienceMs` is beyond what the jobs take. */
  #untilRest(when: string, isOver = () => true, patienceMs = REST_MS): void {
    const { clock } = this.#life.world;
    const { known } = this.#life.witness.model;
    const untilMs = (): number => clock.monotonicMs + this.#boundMs() + patienceMs;
    let [deadlineMs, jobs] = [untilMs(), known.size];
    let hasSettled = false;
    while (!this.#life.isAtRest || !isOver()) {
      if (!hasSettled && this.#life.isIdle) {
        // What was being decided under the last fault has come out: a retry that a mad callback put off for a year, say.
        hasSettled = true;
        deadlineMs = untilMs();
      }
      if (clock.monotonicMs > deadlineMs) {
        if (known.size === jobs) throw this.#stuck(when);
        // A submission was under way for long, and its job may have to wait.
        [deadlineMs, jobs] = [untilMs(), known.size];
      }
      this.#step();
    }
  }

  #step(): void {
    this.#steps += 1;
    if (this.#steps > STEPS_MAX) throw broken('L4', `${STEPS_MAX} events, and no end`);
    if (!this.#life.step()) throw this.#stuck('with nothing left to happen');
  }

  /** Waiting jobs, leases that must run out, retries that back off, and then some. */
  #boundMs(): number {
    const { plan } = this.#life.world;
    const { model } = this.#life.witness;
    let boundMs = plan.delayMsMax + plan.requestTriesMax * (plan.requestTimeoutMs + 1_000);
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
    const { world, witness, server, clients } = this.#life;
    const { model, ledger } = witness;
    const waiting = clients.filter(({ isDone }) => !isDone).map(({ name }) => name);
    const hasJob = model.pending.size + model.running.size > 0;
    const why = [
      ...whyStuck({ model, ledger, settings: world.plan.settings, capacityBytes: world.disk.capacityBytes }),
      waiting.length === 0 ? '' : `${waiting.join(', ')} wait`,
      server.isServing ? '' : 'the server does not serve',
      server.restingTables === null ? 'the server is busy' : '',
    ].filter((part) => part !== '');
    return broken(!hasJob && waiting.length > 0 ? 'L2' : 'L1', `${when}: ${why.join('; ')}`);
  }
}

function crashed(error: unknown): Violation {
  const violation = broken('S30', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  violation.cause = error;
  return violation;
}

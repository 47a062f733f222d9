// A life of the simulator, stepped by a test: its world, its server and its actors, without the loop that lives them.
//
// Rule: it lives as sim/simulation.ts does, under the same rules. What a test adds is a door, through which the clients'
//       messages go to the server, and the liberty to look or to wait between two events.

import { Client, Society } from '../../sim/actors/client.ts';
import { Operator } from '../../sim/actors/operator.ts';
import { Reader } from '../../sim/actors/reader.ts';
import { Server } from '../../sim/actors/server.ts';
import { CHECKS } from '../../sim/checks/rules.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { ALL_FAULTS, Faults } from '../../sim/faults.ts';
import type { FaultSelection } from '../../sim/faults.ts';
import { drawPlan } from '../../sim/plan.ts';
import type { Plan } from '../../sim/plan.ts';
import { Witness } from '../../sim/witness.ts';
import { Clock } from '../../sim/world/clock.ts';
import { Disk } from '../../sim/world/disk.ts';
import { Tape, seeded } from '../../sim/world/tape.ts';
import { Trace } from '../../sim/world/trace.ts';
import type { World } from '../../sim/world/world.ts';

/** What takes the clients' messages to the server. */
export type Door = Pick<Server, 'receive' | 'returned'>;

export type LifeOptions = {
  readonly seed: number;
  readonly tables: LifeTables;
  readonly faults?: FaultSelection;
  readonly door?: (parts: { readonly world: World; readonly server: Server; readonly witness: Witness }) => Door;
  /** Changes what was drawn. */
  readonly plan?: (plan: Plan) => Plan;
};

/** How much likelier a kill is while bytes wait for a sync. */
const UNSYNCED_WEIGHT = 10;
/** Simulated time within which a life comes to rest when its faults have stopped: a job may be due in a year. */
const REST_MS = 2 * 31_536_000_000;

export class SimulatedLife {
  readonly world: World;
  readonly witness: Witness;
  readonly server: Server;
  readonly #operator: Operator;
  readonly #clients: readonly Client[];
  readonly #reader: Reader;

  constructor({ seed, tables, faults = ALL_FAULTS, door, plan: changed = (plan) => plan }: LifeOptions) {
    const tape = new Tape(seeded(BigInt(seed)));
    const plan = changed(drawPlan(tape));
    const clock = new Clock(plan.wallAtStartMs);
    const world: World = {
      tape,
      plan,
      clock,
      disk: new Disk(),
      trace: new Trace({ keep: true }),
      faults: new Faults(tape, faults),
    };
    this.world = world;
    const witness = new Witness({ world, checks: CHECKS, settings: plan.settings });
    this.witness = witness;
    const server = new Server({ world, witness, tables, planted: {} });
    this.server = server;
    this.#operator = new Operator({ world, server, paused: () => witness.model.paused });
    const society = new Society();
    const shownSeq = (): number => witness.ledger.shownSeq;
    this.#reader = new Reader({ world, server });
    const entrance = door?.({ world, server, witness }) ?? server;
    this.#clients = Array.from(
      { length: plan.clients },
      (_, index) => new Client({ name: `client-${index + 1}`, world, server: entrance, society, shownSeq }),
    );
  }

  begin(): void {
    // From here on everything happens at whole milliseconds.
    if (this.world.faults.strikes('C5')) this.world.clock.gridUs = 1_000;
    this.server.start();
    for (const client of this.#clients) client.next();
    this.#operator.watch();
    this.#reader.connect();
  }

  /** The faulty phase is not over yet. */
  get isFaulty(): boolean {
    const { clock, plan } = this.world;
    return clock.monotonicMs < plan.faultyMs && !this.isAtRest;
  }

  /** One event, and perhaps the death of the process after it. @throws {Violation} if a rule is broken. */
  step(): void {
    const { clock, faults, disk } = this.world;
    const timer = clock.next();
    if (timer === undefined) throw new Error('nothing is left to happen');
    timer.run();
    if (faults.isHealed) return;
    if (this.server.isRecoveringFromKill && faults.strikes('P4')) this.server.cutPower();
    else if (this.server.mayBeCutOff && faults.strikes('P5')) this.server.kill();
    else if (faults.isOn('P1') && faults.strikes('P1', disk.hasUnsynced ? UNSYNCED_WEIGHT : 1)) this.server.kill();
  }

  /** All faults stop, and everything is set right. */
  heal(): void {
    this.world.faults.heal();
    this.#operator.heal();
    this.server.heal();
  }

  get isAtRest(): boolean {
    const { pending, running } = this.witness.model;
    return pending.size === 0 && running.size === 0 && this.#clients.every(({ isDone }) => isDone) && this.isIdle;
  }

  /** The server serves, and nothing is under way in it. */
  get isIdle(): boolean {
    return this.server.restingTables !== null && this.server.isServing;
  }

  /** Steps until it is so, with a pause after each step. */
  async until(isReached: () => boolean, pause: () => Promise<void>): Promise<void> {
    const deadlineMs = this.world.clock.monotonicMs + REST_MS;
    while (!isReached()) {
      if (this.world.clock.monotonicMs > deadlineMs) throw new Error('it never comes to rest');
      this.step();
      await pause();
    }
  }
}

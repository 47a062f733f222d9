// One life without the loop that lives it: a world, a server on its disk, the actors around it, and one step.
//
// simulation.ts steps it to its end at once; a test that has to wait for something between two events steps it by itself.

import { Client, Society } from './actors/client.ts';
import type { ClientOptions } from './actors/client.ts';
import { Operator } from './actors/operator.ts';
import { Reader } from './actors/reader.ts';
import { Server } from './actors/server.ts';
import type { Check } from './checks/check.ts';
import { CHECKS } from './checks/rules.ts';
import type { LifeTables } from './depth.ts';
import { ALL_FAULTS, Faults } from './faults.ts';
import type { FaultSelection } from './faults.ts';
import type { Planted } from './mutants/mutant.ts';
import { drawPlan } from './plan.ts';
import type { Plan } from './plan.ts';
import { Witness } from './witness.ts';
import { Clock } from './world/clock.ts';
import { Disk } from './world/disk.ts';
import { Tape } from './world/tape.ts';
import type { Source } from './world/tape.ts';
import { Trace } from './world/trace.ts';
import { note } from './world/world.ts';
import type { World } from './world/world.ts';

/** What takes the clients' messages to the server. */
export type Door = ClientOptions['server'];

export type LifeOptions = {
  readonly source: Source;
  readonly tables: LifeTables;
  readonly faults?: FaultSelection;
  readonly checks?: readonly Check[];
  readonly planted?: Planted;
  readonly keepDraws?: boolean;
  /** Whether the outcome's trace has its events, for a story; the hash is the same. True unless told otherwise. */
  readonly keepTrace?: boolean;
  /** Stands between the clients and the server; without one they are the server's own. */
  readonly door?: (parts: { readonly world: World; readonly server: Server; readonly witness: Witness }) => Door;
  /** Changes what was drawn. */
  readonly plan?: (plan: Plan) => Plan;
};

/** How much rarer it is at an event that the power goes by itself than that it goes with a kill. */
const OUTAGE_WEIGHT = 1 / 2_000;
/** How much likelier a kill is while bytes wait for a sync. */
const UNSYNCED_WEIGHT = 10;
/** A storm of more crashes shows nothing that the first three hundred have not shown, and takes long. */
const CRASHES_MAX = 300;

export class SimulatedLife {
  readonly world: World;
  readonly witness: Witness;
  readonly server: Server;
  readonly clients: readonly Client[];
  readonly #operator: Operator;
  readonly #reader: Reader;

  constructor(options: LifeOptions) {
    const { checks = CHECKS, planted = {}, tables, faults = ALL_FAULTS } = options;
    const tape = new Tape(options.source, { keepDraws: options.keepDraws ?? false });
    const drawn = drawPlan(tape);
    const plan = options.plan?.(drawn) ?? drawn;
    const world: World = {
      tape,
      plan,
      clock: new Clock(plan.wallAtStartMs),
      disk: new Disk(),
      trace: new Trace({ keep: options.keepTrace ?? true }),
      faults: new Faults(tape, faults),
    };
    const witness = new Witness({ world, checks, settings: plan.settings });
    const server = new Server({ world, witness, tables, planted });
    this.world = world;
    this.witness = witness;
    this.server = server;
    this.#operator = new Operator({ world, server, paused: () => witness.model.paused });
    this.#reader = new Reader({ world, server });
    const door = options.door?.({ world, server, witness }) ?? server;
    const society = new Society();
    const shownSeq = (): number => witness.ledger.shownSeq;
    this.clients = Array.from(
      { length: plan.clients },
      (_, index) => new Client({ name: `client-${index + 1}`, world, server: door, society, shownSeq }),
    );
  }

  begin(): void {
    // From here on everything happens at whole milliseconds.
    if (this.world.faults.strikes('C5')) this.world.clock.gridUs = 1_000;
    this.server.start();
    for (const client of this.clients) client.next();
    this.#operator.watch();
    this.#reader.connect();
  }

  /** One event, and perhaps the death of the process after it; false if nothing is left to happen. */
  step(): boolean {
    const { clock, faults, disk } = this.world;
    const timer = clock.next();
    if (timer === undefined) return false;
    timer.run();
    if (faults.isHealed) return true;
    if (this.server.isRecoveringFromKill && faults.strikes('P4')) this.server.cutPower();
    else if (this.server.mayBeCutOff && faults.strikes('P5')) this.server.kill();
    else if ((faults.isOn('P1') || faults.isOn('P3')) && (!this.server.isRecovering || this.server.mayBeCutOff))
      this.#endAtOnce(disk.hasUnsynced ? UNSYNCED_WEIGHT : 1);
    return true;
  }

  #endAtOnce(weight: number): void {
    const { faults } = this.world;
    if (faults.strikes('P1', weight)) this.server.kill();
    else if (faults.strikes('P3', weight * OUTAGE_WEIGHT)) this.server.cutPower();
  }

  /** The faulty phase is not over yet. */
  get isFaulty(): boolean {
    const { clock, plan } = this.world;
    return clock.monotonicMs < plan.faultyMs && this.server.crashes < CRASHES_MAX && !this.isAtRest;
  }

  /** All faults stop, and everything is set right. */
  heal(): void {
    this.world.faults.heal();
    note(this.world, 'nature', 'all faults stop');
    this.#operator.heal();
    this.server.heal();
  }

  /** All jobs are over, all clients done, and the server is idle. */
  get isAtRest(): boolean {
    const { pending, running } = this.witness.model;
    return pending.size === 0 && running.size === 0 && this.clients.every(({ isDone }) => isDone) && this.isIdle;
  }

  /** The server serves, and nothing is under way in it. */
  get isIdle(): boolean {
    return this.server.restingTables !== null && this.server.isServing;
  }
}

// The operator and the machine's own fate: pauses, shutdowns, jumping clocks, full disks, processes that stand still.

import type { ClientCommand } from '../../core/queue/command.ts';
import type { FaultCode } from '../faults.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import type { Server } from './server.ts';

const DAY_MS = 86_400_000;
/** A longer pause holds up the clients as well, as when the machine sleeps. */
const FREEZE_MS_MAX = 5_000;
const YEAR_MS = 31_536_000_000;
/** Half an hour after all faults have stopped, everything is set right. */
const ROUNDS_MAX = 12;
/** The year 9000. */
const FAR_MS = 221_845_392_000_000;

export class Operator {
  readonly #world: World;
  readonly #server: Server;
  /** The queues that are paused, as the feed tells it. */
  readonly #paused: () => Iterable<string>;

  constructor(options: { world: World; server: Server; paused: () => Iterable<string> }) {
    this.#world = options.world;
    this.#server = options.server;
    this.#paused = options.paused;
  }

  /** Looks in again and again, until all faults have stopped. */
  watch(): void {
    const { clock, plan, faults } = this.#world;
    const delayMs = this.#stream.between('look', 1, plan.operatorMsMax);
    clock.after(delayMs * 1000, null, () => {
      if (faults.isHealed) return;
      this.#act();
      this.watch();
    });
  }

  /** Everything is set right: there is room, all queues run, every type has its handler. */
  heal(): void {
    this.#world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    this.#setRight(1);
  }

  /** Looks again and again, ever more rarely: a pause that was asked for long ago may arrive only now. */
  #setRight(round: number): void {
    if (this.#server.isServing && !this.#server.hasPlannedSettings) this.#server.shutdown();
    else for (const queue of this.#paused()) this.#ask({ kind: 'resume', queue });
    if (round < ROUNDS_MAX) this.#world.clock.after(250_000 * 2 ** round, null, () => this.#setRight(round + 1));
  }

  #act(): void {
    const { faults, clock, plan } = this.#world;
    const stream = this.#stream;
    if (this.#strikes('P11')) this.#server.shutdown();
    if (this.#strikes('C1')) this.#jump(stream.logarithmic('forward', 1, 10 * YEAR_MS), 'C1');
    if (this.#strikes('C2')) this.#jump(-stream.logarithmic('backward', 1, 10 * YEAR_MS), 'C2');
    if (this.#strikes('P8')) {
      const forMs = stream.logarithmic('stand still', 1, DAY_MS);
      const isLong = forMs > FREEZE_MS_MAX;
      note(this.#world, 'nature', `${isLong ? 'the world' : 'the process'} stands still for ${forMs} ms`, 'P8');
      if (isLong) clock.sleep(forMs * 1000);
      else this.#server.freeze(forMs * 1000);
    }
    if (this.#strikes('C4')) {
      const forMs = stream.logarithmic('stopped', 1, 30_000);
      note(this.#world, 'nature', `the clock of the process stands still for ${forMs} ms`, 'C4');
      this.#server.stopClock(forMs);
    }
    if (this.#strikes('C8')) this.#jump(stream.pick('end', [0, FAR_MS]) - clock.wallMs, 'C8');
    if (this.#strikes('D11')) this.#fill();
    if (!faults.isHealed && stream.choose('pause', 8) === 1) {
      const queue = stream.pick('queue', plan.queues);
      this.#ask({ kind: 'pause', queue });
      clock.after(stream.between('paused', 1, 2_000) * 1000, null, () => this.#ask({ kind: 'resume', queue }));
    }
  }

  #fill(): void {
    const { disk, clock } = this.#world;
    const stream = this.#stream;
    const roomBytes = stream.pick('room', [0, 1, 100, 1_000, 10_000]);
    disk.capacityBytes = disk.usedBytes + roomBytes;
    note(this.#world, 'nature', `the disk is full but for ${roomBytes} bytes`, 'D11');
    clock.after(stream.logarithmic('full', 1, 30_000) * 1000, null, () => {
      disk.capacityBytes = Number.POSITIVE_INFINITY;
      note(this.#world, 'nature', 'the disk has room again');
    });
  }

  #jump(byMs: number, fault: FaultCode): void {
    note(this.#world, 'nature', `the wall clock jumps by ${byMs} ms`, fault);
    this.#world.clock.wallOffsetMs += byMs;
  }

  #ask(command: ClientCommand): void {
    this.#server.receive({
      client: 'operator',
      command: () => command,
      shownSeq: 0,
      answer: () => undefined,
      refused: () => undefined,
    });
  }

  #strikes(code: FaultCode): boolean {
    return this.#world.faults.strikes(code);
  }

  get #stream() {
    return this.#world.tape.stream('operator');
  }
}

// Drives a disk program: each operation is an event of its own, with a duration, and the process may die before it.

import { DiskError } from '../../core/store/disk.ts';
import type { DiskErrorCode, DiskOperation, DiskProgram, DiskResult } from '../../core/store/disk.ts';
import type { AppendedRange } from '../checks/check.ts';
import type { Planted } from '../mutants/mutant.ts';
import type { Life } from '../world/clock.ts';
import type { Chance, Descriptors } from '../world/disk.ts';
import type { FaultCode } from '../faults.ts';
import type { Stream } from '../world/tape.ts';
import { chanceOf, note } from '../world/world.ts';
import type { World } from '../world/world.ts';

export type Drive<Result> = {
  readonly program: DiskProgram<Result>;
  readonly life: Life;
  readonly descriptors: Descriptors;
  readonly planted: Planted;
  /** The code of the fault that kills the process inside this program, if one may. */
  readonly killedBy: FaultCode | null;
  readonly kill: () => void;
  readonly appended: (range: AppendedRange) => void;
  readonly done: (result: Result) => void;
  readonly failed: (error: unknown) => void;
};

export function drive<Result>(world: World, job: Drive<Result>): void {
  new Driver(world, job).begin();
}

class Driver<Result> {
  readonly #world: World;
  readonly #job: Drive<Result>;
  readonly #stream: Stream;

  constructor(world: World, job: Drive<Result>) {
    this.#world = world;
    this.#job = job;
    this.#stream = world.tape.stream('disk');
  }

  begin(): void {
    this.#resume(() => this.#job.program.next());
  }

  #resume(advance: () => IteratorResult<DiskOperation, Result>): void {
    const { program, planted, life, done, failed } = this.#job;
    let next: IteratorResult<DiskOperation, Result>;
    try {
      next = advance();
    } catch (error) {
      return failed(error);
    }
    if (next.done === true) return done(next.value);
    const wanted = next.value;
    const operation = planted.operation === undefined ? wanted : planted.operation(wanted);
    if (operation === null) return this.#resume(() => program.next(undefined));
    const { clock, faults } = this.#world;
    const waitUs = faults.strikesAt('B1', `disk ${operation.kind}`) ? this.#stream.between('wait', 1, 20_000) : 0;
    clock.after(this.#durationUs(operation) + waitUs, life, () => this.#start(operation));
  }

  /** A write that takes a while shows its first part before the rest: a kill in between leaves it torn. */
  #start(operation: DiskOperation): void {
    const { killedBy, kill, life } = this.#job;
    const { clock, faults } = this.#world;
    if (killedBy !== null && faults.strikes(killedBy)) return kill();
    if (operation.kind !== 'append' || operation.bytes.length <= 1 || !faults.strikes('P2')) {
      return this.#finish(operation);
    }
    const part = 1 + this.#stream.choose('part', operation.bytes.length - 1);
    if (this.#attempt({ ...operation, bytes: operation.bytes.subarray(0, part) }) instanceof DiskError) return;
    const rest = { ...operation, bytes: operation.bytes.subarray(part) };
    clock.after(this.#stream.between('rest', 1, 1_000), life, () => this.#finish(rest));
  }

  #finish(operation: DiskOperation): void {
    const { program, planted } = this.#job;
    const result = this.#attempt(operation);
    if (result instanceof DiskError) return;
    this.#resume(() => program.next(planted.result?.(operation, result) ?? result));
  }

  /** The operation's result; an error was thrown into the program already. */
  #attempt(operation: DiskOperation): DiskResult | DiskError {
    const world = this.#world;
    const { program, planted, descriptors, appended, failed } = this.#job;
    const fault = this.#faultOf(operation);
    const from = operation.kind === 'append' ? world.disk.lengthOf(operation.file) : 0;
    try {
      if (fault !== null) {
        const chance = chanceOf(world);
        const allows: Chance['allows'] =
          fault.code === 'D8' ? (survival) => survival === 'D1' || chance.allows(survival) : () => false;
        world.disk.fail(descriptors, operation, { code: fault.error, chance: { ...chance, allows } });
      }
      const result = world.disk.perform(descriptors, operation);
      note(world, 'disk', () => `${describe(operation)} -> ok`);
      if (operation.kind === 'append') {
        world.trace.wrote(operation.bytes);
        appended({ file: operation.file, from, to: from + operation.bytes.length });
      }
      return result;
    } catch (error) {
      if (!(error instanceof DiskError)) {
        failed(error);
        return new DiskError({ code: 'io', operation: operation.kind, cause: error });
      }
      note(world, 'disk', () => `${describe(operation)} -> ${error.code}`, fault?.code ?? null);
      if (planted.hides?.(error) === true) this.#resume(() => program.next(undefined));
      else this.#resume(() => program.throw(error));
      return error;
    }
  }

  #faultOf(operation: DiskOperation): { code: FaultCode; error: DiskErrorCode } | null {
    const { faults } = this.#world;
    if (operation.kind === 'sync') {
      if (faults.strikes('D7')) return { code: 'D7', error: this.#stream.pick('error', ['io', 'no-space']) };
      if (faults.strikes('D8')) return { code: 'D8', error: 'io' };
      return null;
    }
    return operation.kind !== 'close' && faults.strikes('D10') ? { code: 'D10', error: 'io' } : null;
  }

  #durationUs(operation: DiskOperation): number {
    switch (operation.kind) {
      case 'sync':
      case 'syncDirectory':
        if (this.#world.faults.strikes('D15')) return this.#stream.between('slow sync', 1_000_000, 10_000_000);
        return this.#stream.between('sync', 300, this.#world.plan.syncUsMax);
      case 'append':
      case 'read':
        return this.#stream.between('transfer', 10, 100);
      default:
        return this.#stream.between('operation', 5, 30);
    }
  }
}

function describe(operation: DiskOperation): string {
  switch (operation.kind) {
    case 'list':
    case 'syncDirectory':
      return operation.kind;
    case 'append':
      return `append ${operation.file} ${operation.bytes.length} bytes`;
    case 'truncate':
      return `truncate ${operation.file} to ${operation.length}`;
    case 'rename':
      return `rename ${operation.from} to ${operation.to}`;
    default:
      return `${operation.kind} ${operation.file}`;
  }
}

// Drives a disk program: each operation is an event of its own, with a duration, and the process may die before it.

import { DiskError } from '../../core/store/disk.ts';
import type { DiskErrorCode, DiskOperation, DiskProgram, DiskResult } from '../../core/store/disk.ts';
import type { AppendedRange } from '../checks/check.ts';
import type { Planted } from '../mutants/mutant.ts';
import type { Life } from '../world/clock.ts';
import type { Chance, Descriptors } from '../world/disk.ts';
import type { FaultCode } from '../faults.ts';
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
  const stream = world.tape.stream('disk');

  const resume = (advance: () => IteratorResult<DiskOperation, Result>): void => {
    let next: IteratorResult<DiskOperation, Result>;
    try {
      next = advance();
    } catch (error) {
      return job.failed(error);
    }
    if (next.done === true) return job.done(next.value);
    const wanted = next.value;
    const operation = job.planted.operation === undefined ? wanted : job.planted.operation(wanted);
    if (operation === null) return resume(() => job.program.next(undefined));
    const waitUs = world.faults.strikesAt('B1', `disk ${operation.kind}`) ? stream.between('wait', 1, 20_000) : 0;
    world.clock.after(durationUs(operation) + waitUs, job.life, () => start(operation));
  };

  /** A write that takes a while shows its first part before the rest: a kill in between leaves it torn. */
  const start = (operation: DiskOperation): void => {
    if (job.killedBy !== null && world.faults.strikes(job.killedBy)) return job.kill();
    if (operation.kind === 'append' && operation.bytes.length > 1 && world.faults.strikes('P2')) {
      const part = 1 + stream.choose('part', operation.bytes.length - 1);
      if (attempt({ ...operation, bytes: operation.bytes.subarray(0, part) }) === undefined) {
        const rest = { ...operation, bytes: operation.bytes.subarray(part) };
        world.clock.after(stream.between('rest', 1, 1_000), job.life, () => finish(rest));
      }
      return;
    }
    finish(operation);
  };

  const finish = (operation: DiskOperation): void => {
    const result = attempt(operation);
    if (result instanceof DiskError) return;
    resume(() => job.program.next(job.planted.result?.(operation, result) ?? result));
  };

  /** The operation's result; an error was thrown into the program already. */
  const attempt = (operation: DiskOperation): DiskResult | DiskError => {
    const fault = faultOf(operation);
    const from = operation.kind === 'append' ? world.disk.lengthOf(operation.file) : 0;
    try {
      if (fault !== null) {
        const chance = chanceOf(world);
        const allows: Chance['allows'] =
          fault.code === 'D8' ? (survival) => survival === 'D1' || chance.allows(survival) : () => false;
        world.disk.fail(job.descriptors, operation, { code: fault.error, chance: { ...chance, allows } });
      }
      const result = world.disk.perform(job.descriptors, operation);
      note(world, 'disk', () => `${describe(operation)} -> ok`);
      if (operation.kind === 'append') {
        world.trace.wrote(operation.bytes);
        job.appended({ file: operation.file, from, to: from + operation.bytes.length });
      }
      return result;
    } catch (error) {
      if (!(error instanceof DiskError)) {
        job.failed(error);
        return new DiskError({ code: 'io', operation: operation.kind, cause: error });
      }
      note(world, 'disk', () => `${describe(operation)} -> ${error.code}`, fault?.code ?? null);
      if (job.planted.hides?.(error) === true) resume(() => job.program.next(undefined));
      else resume(() => job.program.throw(error));
      return error;
    }
  };

  const faultOf = (operation: DiskOperation): { code: FaultCode; error: DiskErrorCode } | null => {
    const { faults } = world;
    if (operation.kind === 'sync') {
      if (faults.strikes('D7')) return { code: 'D7', error: stream.pick('error', ['io', 'no-space']) };
      if (faults.strikes('D8')) return { code: 'D8', error: 'io' };
      return null;
    }
    return operation.kind !== 'close' && faults.strikes('D10') ? { code: 'D10', error: 'io' } : null;
  };

  const durationUs = (operation: DiskOperation): number => {
    switch (operation.kind) {
      case 'sync':
      case 'syncDirectory':
        if (world.faults.strikes('D15')) return stream.between('slow sync', 1_000_000, 10_000_000);
        return stream.between('sync', 300, world.plan.syncUsMax);
      case 'append':
      case 'read':
        return stream.between('transfer', 10, 100);
      default:
        return stream.between('operation', 5, 30);
    }
  };

  resume(() => job.program.next());
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

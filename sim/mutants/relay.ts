// Stands between a disk program and whoever drives it: each operation passes through, and so does what it answers.

import type { DiskOperation, DiskProgram, DiskResult } from '../../core/store/disk.ts';

/** What happens instead of one operation: it may be left out, or others may come before it. */
export type Relay = (operation: DiskOperation) => DiskProgram<DiskResult>;

/** The operation as it is. */
export function* pass(operation: DiskOperation): DiskProgram<DiskResult> {
  return yield operation;
}

/** The program with each of its operations relayed. */
export function* relay<Result>(program: DiskProgram<Result>, each: Relay): DiskProgram<Result> {
  let step = program.next();
  while (step.done !== true) {
    let result: DiskResult;
    try {
      result = yield* each(step.value);
    } catch (error) {
      step = program.throw(error);
      continue;
    }
    step = program.next(result);
  }
  return step.value;
}

/** The program without some of its operations; it is told that they were done. */
export const without = <Result>(
  program: DiskProgram<Result>,
  isLeftOut: (operation: DiskOperation) => boolean,
): DiskProgram<Result> =>
  relay(program, function* (operation) {
    return isLeftOut(operation) ? undefined : yield* pass(operation);
  });

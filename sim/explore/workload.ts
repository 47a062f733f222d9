// A workload: a few commands, run through the production engine on a simulated disk, one disk operation at a time.
//
// What is collected is all that an enumeration of crashes needs: the disk before each operation, and the state of the
// tables after each turn.

import type { DiskOperation } from '../../core/store/disk.ts';
import type { LifeTables } from '../depth.ts';
import type { Planted } from '../mutants/mutant.ts';
import { Disk } from '../world/disk.ts';
import { Hasher } from './fingerprint.ts';
import type { Fingerprint } from './fingerprint.ts';
import { Machine } from './machine.ts';
import type { Letter } from './machine.ts';

/** A place to crash: the disk just before an operation. */
export type CrashPoint = {
  readonly label: string;
  /** The same as that of the point before, if the operation between them changed nothing. */
  readonly disk: Disk;
  /** Number of the state that was last acknowledged; the turn under way may have led to the next one. */
  readonly state: number;
};

export type Course = {
  readonly points: readonly CrashPoint[];
  readonly states: readonly string[];
  /** Over every disk operation, and every effect but what clients are told: what the process is follows from them. */
  readonly fingerprint: Fingerprint;
};

export type CourseOptions = {
  readonly tables: LifeTables;
  readonly planted: Planted;
  readonly snapshotAfterBytes: number;
  /** Letters whose crash points are left out, and that of their end: the start is before the first letter. */
  readonly skipped?: number;
};

const READING: ReadonlySet<DiskOperation['kind']> = new Set(['list', 'read', 'close']);

/** Runs the letters, and keeps the disk before each operation. */
export function course(letters: readonly Letter[], { skipped = -1, ...options }: CourseOptions): Course {
  const disk = new Disk();
  const points: CrashPoint[] = [];
  const states: string[] = [];
  const hasher = new Hasher();
  let label = 'open';
  let letter = 0;
  let copy: Disk | null = null;
  const keep = (what: string): void => {
    if (letter <= skipped) return;
    copy ??= disk.copy();
    points.push({ label: `${label}, ${what}`, disk: copy, state: states.length - 1 });
  };
  const before = (operation: DiskOperation): void => {
    const file = 'file' in operation ? ` ${operation.file}` : '';
    keep(`${operation.kind}${file}`);
    if (READING.has(operation.kind)) return;
    copy = null;
    hasher.text(operation.kind).text(file);
    if (operation.kind === 'append') hasher.bytes(operation.bytes);
  };
  const machine = new Machine({ ...options, disk, startAt: 1_000, before });
  const settle = (): void => {
    if (states.at(-1) !== machine.state) states.push(machine.state);
  };
  const start = (): void => {
    machine.open();
    settle();
    machine.turn(null);
    settle();
  };
  start();
  for (const next of letters) {
    letter += 1;
    hasher.word(letter);
    label = `letter ${letter}`;
    if (next === 'r') {
      machine.close();
      start();
    } else {
      for (const { kind } of machine.turn(machine.command(next))) if (kind === 'abort') hasher.text(kind);
      settle();
    }
  }
  keep('the end');
  return { points, states, fingerprint: hasher.fingerprint };
}

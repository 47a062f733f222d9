// Lives of a data directory: whatever happens, and wherever it is cut off, what was acknowledged is found again; and whatever
// is done to the files afterwards, a start finds everything or refuses and changes nothing.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DamageError, FormatError } from '../../core/store/damage.ts';
import { DiskError } from '../../core/store/disk.ts';
import type { DiskProgram } from '../../core/store/disk.ts';
import type { Journal } from '../../core/store/journal.ts';
import type { Recovered } from '../../core/store/recovery.ts';
import {
  bytesOf,
  directoryWith,
  lineStarts,
  pendingOf,
  snapshot,
  start,
  submitted,
} from '../support/data-directory.ts';
import { isSameImage, jobsUpTo } from '../support/data-directory.ts';
import { MemoryDisk, POWER_CUTS, Stopped } from '../../runtime/testing/memory-disk.ts';
import type { Image, PowerCut, RunOptions } from '../../runtime/testing/memory-disk.ts';

/** How a process ends: the kernel's view is kept (null), or the power goes. */
type End = { readonly cut: PowerCut | null };

type Act =
  | { readonly kind: 'append'; readonly jobs: number; readonly textLength: number }
  | { readonly kind: 'seal' | 'rotate' | 'snapshot' | 'close' }
  /** Nothing goes wrong but that the process ends. */
  | ({ readonly kind: 'kill' } & End);

/** What befalls the act: its operation `at` (modulo what it takes) fails, or is the last one of the process. */
type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'fail'; readonly at: number; readonly code: 'no-space' | 'io' }
  | ({ readonly kind: 'stop'; readonly at: number } & End);

const cut = fc.constantFrom<PowerCut | null>(null, ...POWER_CUTS);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      jobs: fc.integer({ min: 1, max: 3 }),
      textLength: fc.nat(40),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('seal' as const, 'rotate' as const, 'snapshot' as const, 'close' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), cut }) },
);
const at = fc.integer({ min: 1, max: 24 });
const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'none' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      at,
      code: fc.constantFrom('no-space' as const, 'io' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stop' as const), at, cut }) },
);
const steps = fc.array(fc.record({ act, fault, startFault: fault }), { minLength: 1, maxLength: 25 });

const optionsOf = (fault: Fault): RunOptions => {
  if (fault.kind === 'none') return {};
  return fault.kind === 'stop' ? { stopAfter: fault.at } : { fail: { at: fault.at, code: fault.code } };
};

/** One directory through its processes, and what was promised about it. */
class Life {
  disk = new MemoryDisk();
  /** Null while no process runs. */
  journal: Journal | null = null;
  acknowledged = 0;
  /** Jobs that were written and never acknowledged; they are found whole or not at all. */
  unknown = 0;
  closed: number | null = null;
  recoveries = 0;

  start(fault: Fault): void {
    const recovered = this.run(start(), fault);
    if (recovered === null) {
      this.die(fault);
      return;
    }
    this.recoveries += 1;
    this.check(recovered);
    this.journal = recovered.journal;
  }

  check({ tables }: Recovered): void {
    const jobs = pendingOf(tables);
    expect(jobs).toEqual(jobsUpTo(jobs.length));
    expect([this.acknowledged, this.acknowledged + this.unknown]).toContain(jobs.length);
    this.acknowledged = jobs.length;
    this.unknown = 0;
  }

  perform(journal: Journal, act: Act, fault: Fault): void {
    switch (act.kind) {
      case 'append': {
        const events = Array.from({ length: act.jobs }, (_, index) =>
          submitted(this.acknowledged + index + 1, 'x'.repeat(act.textLength)),
        );
        this.unknown = act.jobs;
        if (this.run(journal.append(events), fault) === null) return this.afterFailure(journal, fault);
        this.acknowledged += act.jobs;
        this.unknown = 0;
        return;
      }
      case 'seal':
        if (this.run(journal.seal(), fault) === null) this.afterFailure(journal, fault);
        return;
      case 'rotate': {
        const closed = this.run(journal.rotate(), fault);
        if (closed === null) this.afterFailure(journal, fault);
        else this.closed = closed;
        return;
      }
      case 'snapshot': {
        if (this.closed === null) return;
        const result = this.run(snapshot(this.closed), fault);
        if (result !== null) journal.compacted(result);
        else if (fault.kind === 'stop') this.die(fault);
        return;
      }
      case 'close':
        this.run(journal.close(), fault);
        this.die(fault);
        return;
      case 'kill':
        this.die(act);
    }
  }

  /** A full disk is no end: nothing of the record is left. */
  afterFailure(journal: Journal, fault: Fault): void {
    if (fault.kind === 'stop' || journal.broken) this.die(fault);
    else this.unknown = 0;
  }

  die(end: Fault | End): void {
    this.disk.kill();
    if ('cut' in end && end.cut !== null) this.disk = this.disk.losePower(end.cut);
    this.journal = null;
    this.closed = null;
  }

  /** Null if it failed or was stopped. */
  run<Result>(program: DiskProgram<Result>, fault: Fault): Result | null {
    try {
      return this.disk.run(program, optionsOf(fault)) ?? (true as Result);
    } catch (error) {
      if (error instanceof DiskError || error instanceof Stopped) return null;
      throw error;
    }
  }
}

describe('a life of crashes', () => {
  it('never loses what was acknowledged, nor finds half of what was not', () => {
    let recoveries = 0;
    fc.assert(
      fc.property(steps, (life) => {
        const directory = new Life();
        for (const { act, fault, startFault } of life) {
          if (directory.journal === null) directory.start(startFault);
          if (directory.journal !== null) directory.perform(directory.journal, act, fault);
        }
        directory.die({ cut: null });
        directory.start({ kind: 'none' });
        directory.die({ cut: null });
        directory.start({ kind: 'none' });
        recoveries += directory.recoveries;
      }),
      { numRuns: 400 },
    );
    expect(recoveries).toBeGreaterThan(400);
  });
});

type Harm =
  | { readonly kind: 'overwrite'; readonly file: number; readonly from: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly file: number; readonly to: number }
  | { readonly kind: 'lengthen'; readonly file: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly file: number }
  | { readonly kind: 'swap' | 'copy'; readonly file: number; readonly other: number };

const file = fc.nat(20);
const noise = fc.uint8Array({ minLength: 1, maxLength: 60 });
const harm: fc.Arbitrary<Harm> = fc.oneof(
  fc.record({ kind: fc.constant('overwrite' as const), file, from: fc.nat(3_000), bytes: noise }),
  fc.record({ kind: fc.constant('cut' as const), file, to: fc.nat(3_000) }),
  fc.record({ kind: fc.constant('lengthen' as const), file, bytes: noise }),
  fc.record({ kind: fc.constant('remove' as const), file }),
  fc.record({ kind: fc.constantFrom('swap' as const, 'copy' as const), file, other: file }),
);

function harmed(image: Image, harm: Harm): Map<string, Uint8Array> {
  const names = [...image.keys()].sort();
  const nameAt = (index: number): string => names[index % names.length] ?? '';
  const name = nameAt(harm.file);
  const bytes = bytesOf(image, name);
  const after = new Map(image);
  switch (harm.kind) {
    case 'overwrite': {
      const changed = bytes.slice();
      const from = harm.from % bytes.length;
      changed.set(harm.bytes.subarray(0, bytes.length - from), from);
      return after.set(name, changed);
    }
    case 'cut':
      return after.set(name, bytes.slice(0, harm.to % bytes.length));
    case 'lengthen':
      return after.set(name, new Uint8Array([...bytes, ...harm.bytes]));
    case 'remove':
      after.delete(name);
      return after;
    case 'swap':
      return after.set(name, bytesOf(image, nameAt(harm.other))).set(nameAt(harm.other), bytes);
    case 'copy':
      return after.set(nameAt(harm.other), bytes);
  }
}

/** The jobs that a start finds; null if it refuses, which must change nothing. */
function jobsAtStart(image: Image): string[] | null {
  const disk = new MemoryDisk(image);
  try {
    return pendingOf(disk.run(start()).tables);
  } catch (error) {
    if (!(error instanceof DamageError) && !(error instanceof FormatError)) throw error;
    expect(isSameImage(disk.image(), image)).toBe(true);
    return null;
  }
}

describe('harm done to the files of a directory', () => {
  it.each([
    ['a journal', directoryWith(5, { rotate: [2, 4], close: true }).image(), 5],
    ['snapshots', directoryWith(7, { snapshot: [2, 4, 6], close: true }).image(), 7],
  ])(
    'after an orderly shutdown (%s) is refused, or harmless; all but the loss of the marker itself',
    (_, image, jobs) => {
      const kept = (harms: readonly Harm[]): boolean => harms.reduce(harmed, new Map(image)).has('clean');
      fc.assert(
        fc.property(fc.array(harm, { minLength: 1, maxLength: 3 }).filter(kept), (harms) => {
          const found = jobsAtStart(harms.reduce(harmed, new Map(image)));
          expect([null, jobsUpTo(jobs)]).toContainEqual(found);
        }),
        { numRuns: 300 },
      );
    },
  );

  it('in front of a seal is refused, or harmless, though the process was killed', () => {
    const image = directoryWith(5, { rotate: [2] }).image();
    const last = 'journal-0000000002.log';
    const sealAt = lineStarts(bytesOf(image, last)).at(-2) ?? 0;
    fc.assert(
      fc.property(fc.nat(sealAt - 1), noise, (from, bytes) => {
        const changed = bytesOf(image, last).slice();
        changed.set(bytes.subarray(0, sealAt - from), from);
        expect([null, jobsUpTo(5)]).toContainEqual(jobsAtStart(new Map(image).set(last, changed)));
      }),
      { numRuns: 300 },
    );
  });

  it('anywhere is refused, or leaves a beginning of what was', () => {
    const image = directoryWith(7, { snapshot: [2, 4], rotate: [5] }).image();
    fc.assert(
      fc.property(harm, (each) => {
        const found = jobsAtStart(harmed(image, each));
        if (found !== null) expect(found).toEqual(jobsUpTo(found.length));
      }),
      { numRuns: 300 },
    );
  });
});

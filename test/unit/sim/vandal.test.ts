// The vandal damages copies only where that says something: a start that rightly ignores what it did is no finding.

import { expect, it } from 'vitest';
import { Instant } from '../../../core/job/job.ts';
import { mapTables } from '../../../core/store/map.ts';
import { encodeRecord } from '../../../core/store/record.ts';
import { beginning, encodeHeader, segmentFile } from '../../../core/store/segment.ts';
import { Vandal } from '../../../sim/actors/vandal.ts';
import { Faults } from '../../../sim/faults.ts';
import { drawPlan } from '../../../sim/plan.ts';
import { Clock } from '../../../sim/world/clock.ts';
import { Disk } from '../../../sim/world/disk.ts';
import { seeded, Tape } from '../../../sim/world/tape.ts';
import { Trace } from '../../../sim/world/trace.ts';

const VISITS = 100;

/** A first segment with one record, and the second one as given; the prints of what a newer version is said to have done. */
function newerVersions(
  second: (first: { header: Uint8Array; record: Uint8Array; crc: number }) => Uint8Array,
): string[] {
  const header = encodeHeader({ segment: 1, after: beginning('id') });
  const head = { n: 1, segment: 1, durable: 0, prev: header.crc };
  const paused = { seq: 1, at: Instant(1), kind: 'paused', queue: 'mail' } as const;
  const record = encodeRecord(head, { kind: 'batch', events: [paused] });
  const tape = new Tape(seeded(1n));
  const trace = new Trace({ keep: true });
  const first = { header: header.bytes, record: record.bytes, crc: record.crc };
  const image = new Map([
    [segmentFile(1), new Uint8Array([...first.header, ...first.record])],
    [segmentFile(2), second(first)],
  ]);
  const plan = drawPlan(tape);
  const faults = new Faults(tape, { only: ['P13'], without: [] });
  const world = { tape, plan, trace, faults, clock: new Clock(0), disk: new Disk(image) };
  const vandal = new Vandal({ world, tables: mapTables(), planted: {} });
  for (let visit = 0; visit < VISITS; visit += 1) vandal.visit();
  return trace.events.map(({ text }) => text);
}

it('a header of a newer version is refused', () => {
  const told = newerVersions(({ crc }) => {
    const after = { ...beginning('id'), record: 1, crc };
    return encodeHeader({ segment: 2, after }).bytes;
  });
  expect(told).not.toEqual([]);
});

it('an older record in the place of a header has no version to raise', () => {
  expect(newerVersions(({ record }) => record.slice())).toEqual([]);
});

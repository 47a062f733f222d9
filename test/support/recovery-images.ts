// Data directories as power losses leave them: the disk of a simulated life, just after the power has gone.
//
// A kind says what a start has to do with it. `flipped` is none that a power loss leaves: one bit of it has turned since.

import type { LifeTables } from '../../sim/depth.ts';
import type { FaultSelection } from '../../sim/faults.ts';
import { SimulatedLife } from '../../sim/life.ts';
import type { Plan } from '../../sim/plan.ts';
import { Disk } from '../../sim/world/disk.ts';
import { seeded } from '../../sim/world/tape.ts';
import type { Stream } from '../../sim/world/tape.ts';
import { SimulatedProcess } from './simulated-process.ts';

export type Image = ReadonlyMap<string, Uint8Array>;

export const IMAGE_KINDS = ['plain', 'torn', 'snapshot', 'torn with a snapshot', 'flipped'] as const;
export type ImageKind = (typeof IMAGE_KINDS)[number];

export type PowerLoss = { readonly label: string; readonly image: Image; readonly plan: Plan };

/** Whatever a power loss may do, and little else, so that much is stored when it comes. */
const FAULTS: FaultSelection = {
  only: ['P1', 'P2', 'P3', 'P5', 'D1', 'D2', 'D3', 'D4', 'D5', 'D6', 'N10', 'W1', 'W2'],
  without: [],
};

/** Clients with something to say, and room for it: small enough to be compared job by job. */
const busy = (plan: Plan): Plan => ({
  ...plan,
  clients: 2,
  operationsPerClient: 20,
  bulkJobsMax: Math.min(plan.bulkJobsMax, 4),
  settings: { ...plan.settings, depthLimit: 1_000, bytesLimit: 2 ** 30, retentionMs: 0 },
  limits: { ...plan.limits, waitingRequestsMax: 1_000, waitingTextMax: 2 ** 28 },
});

/** The power losses of one life, in order. */
export function* powerLosses(seed: number, tables: LifeTables): Generator<PowerLoss> {
  const life = new SimulatedLife({ source: seeded(BigInt(seed)), tables, faults: FAULTS, plan: busy });
  const { trace, disk, plan } = life.world;
  life.begin();
  while (life.isFaulty) {
    const from = trace.events.length;
    life.step();
    const isLoss = trace.events.slice(from).some(({ text }) => text === 'power loss');
    if (isLoss) yield { label: `seed ${seed}, event ${trace.ordinal}`, image: disk.image(), plan };
  }
}

/** What a start has to do with what the power loss has left; null where no event is stored. */
export function kindOf({ image, plan }: PowerLoss, tables: LifeTables): Exclude<ImageKind, 'flipped'> | null {
  const { report, tables: recovered } = new SimulatedProcess({
    disk: new Disk(image),
    tables,
    settings: plan.settings,
    startAt: plan.wallAtStartMs,
    handle: () => null,
  });
  if (recovered.meta().lastSeq === 0) return null;
  const isTorn = report.cutBytes > 0;
  if (report.snapshotRecord !== null) return isTorn ? 'torn with a snapshot' : 'snapshot';
  return isTorn ? 'torn' : 'plain';
}

/** One bit of a segment or of a snapshot has turned. */
export function flipped({ label, image, plan }: PowerLoss, stream: Stream): PowerLoss {
  const [name, bytes] = stream.pick(
    'file',
    [...image].filter(([file, { length }]) => /\.(log|sqlite)$/.test(file) && length > 0),
  );
  const turned = bytes.slice();
  const at = stream.choose('byte', turned.length);
  turned[at] = (turned[at] ?? 0) ^ (1 << stream.choose('bit', 8));
  return { label: `${label}, ${name} flipped at ${at}`, image: new Map(image).set(name, turned), plan };
}

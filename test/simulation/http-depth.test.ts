// Lives at full depth: what clients send goes as real requests through the HTTP app of production into the simulated
// server, under crashes and power losses, and what they are answered is held against what the queue replied.

import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../../sim/depth.ts';
import type { LifeTables } from '../../sim/depth.ts';
import type { Plan } from '../../sim/plan.ts';
import { HttpAudit } from '../support/http-audit.ts';
import { HttpDoor } from '../support/http-door.ts';
import { HttpReader } from '../support/http-reader.ts';
import { SimulatedLife } from '../../sim/life.ts';
import { seeded } from '../../sim/world/tape.ts';
import { until } from '../support/stepped-life.ts';

const LIVES = 36;
/** Lived a second time. */
const TWICE = 8;
const TIMEOUT_MS = 120_000;

/** Of each life that was lived. */
const digests = new Map<number, string>();

let bulk: LifeTables;
let full: LifeTables;
beforeAll(async () => {
  bulk = await tablesOf('bulk');
  full = await tablesOf('full');
});

type Lived = {
  readonly digest: string;
  readonly statuses: ReadonlyMap<number, number>;
  readonly bad: number;
  readonly walks: number;
  readonly crashes: number;
  readonly acknowledged: number;
};

/** A short life in which clients have much to say, and a server that hears two large jobs in one request. */
const busy = (plan: Plan): Plan => ({
  ...plan,
  faultyMs: Math.min(plan.faultyMs, 20_000),
  operationsPerClient: Math.max(plan.operationsPerClient, 24),
  keyed: Math.max(plan.keyed, 500_000),
  limits: { ...plan.limits, waitingTextMax: 2 ** 28 },
});

/** One life from beginning to end, and an audit of it. */
async function lived(seed: number): Promise<Lived> {
  // Every other life on the SQLite tables of production, which take their time.
  const tables = seed % 2 === 0 ? full : bulk;
  let door: HttpDoor | undefined;
  const life = new SimulatedLife({
    source: seeded(BigInt(seed)),
    tables,
    plan: busy,
    door: (parts) => (door = new HttpDoor(parts)),
  });
  if (door === undefined) throw new Error('a life has a door');
  const { world, witness, server } = life;
  const entrance = door;
  const settle = (): Promise<void> => entrance.settle();
  const reader = new HttpReader({ world, witness, door: entrance });
  try {
    life.begin();
    reader.begin();
    while (life.isFaulty) {
      life.step();
      await settle();
    }
    life.heal();
    await until(life, () => life.isAtRest, settle);
    server.cutPower();
    await until(life, () => life.isAtRest, settle);
    await new HttpAudit({ life, door: entrance }).run();
  } finally {
    tables.closeAll();
  }
  return {
    digest: `${entrance.digest} ${world.trace.hash} ${world.tape.hash}`,
    statuses: entrance.statuses,
    bad: entrance.bad,
    walks: reader.walks,
    crashes: server.crashes,
    acknowledged: witness.ledger.acknowledged.size,
  };
}

describe('through the HTTP interface', () => {
  test(
    `${LIVES} lives hold all rules, and every answer is the one that the contract names`,
    { timeout: TIMEOUT_MS },
    async () => {
      const statuses = new Map<number, number>();
      const sums = { bad: 0, walks: 0, crashes: 0, acknowledged: 0 };
      for (let seed = 0; seed < LIVES; seed += 1) {
        const life = await lived(seed).catch((cause: unknown) => {
          throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
        });
        digests.set(seed, life.digest);
        for (const [status, count] of life.statuses) statuses.set(status, (statuses.get(status) ?? 0) + count);
        for (const name of ['bad', 'walks', 'crashes', 'acknowledged'] as const) sums[name] += life[name];
      }
      console.log(`HTTP: ${JSON.stringify({ ...sums, ...Object.fromEntries(statuses) })}`);
      const all = [200, 201, 204, 400, 403, 404, 405, 409, 413, 415, 422, 429, 503];
      expect([...statuses.keys()].sort()).toEqual(all);
      expect(sums.crashes).toBeGreaterThan(LIVES);
      expect(sums.bad).toBeGreaterThan(LIVES);
      expect(sums.walks).toBeGreaterThan(LIVES);
      expect(sums.acknowledged).toBeGreaterThan(LIVES * 8);
    },
  );

  test('a seed is answered alike twice, and others are not', { timeout: TIMEOUT_MS }, async () => {
    for (let seed = 0; seed < TWICE; seed += 1) {
      const first = digests.get(seed) ?? (await lived(seed)).digest;
      digests.set(seed, first);
      expect((await lived(seed)).digest, `seed ${seed}`).toBe(first);
    }
    expect(new Set(digests.values()).size).toBe(digests.size);
  });
});

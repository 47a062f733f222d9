// The rules of what a process uses up: each is quiet at its bound, and speaks just beyond it.

import { describe, expect, test } from 'vitest';
import { Instant, JobId } from '../../../core/job/job.ts';
import type { RequestId } from '../../../core/queue/command.ts';
import type { QueueSettings } from '../../../core/queue/settings.ts';
import type { DiskOperation } from '../../../core/store/disk.ts';
import { mapTables } from '../../../core/store/map.ts';
import type { EventRow, Tables } from '../../../core/store/tables.ts';
import { askedWorkMs, BURST_CLIENT, BURST_WORK_MS, slotsOf } from '../../../sim/actors/burst.ts';
import { Violation } from '../../../sim/checks/check.ts';
import type { Check, ProcessUse } from '../../../sim/checks/check.ts';
import { recoveryIsBounded } from '../../../sim/checks/l3-recovery-is-bounded.ts';
import { throughputReturns } from '../../../sim/checks/l7-throughput-returns.ts';
import { bounds } from '../../../sim/checks/s29-bounds.ts';
import { idleIsQuiet } from '../../../sim/checks/s39-idle-is-quiet.ts';
import { Faults } from '../../../sim/faults.ts';
import type { Exchange } from '../../../sim/ledger.ts';
import { drawPlan } from '../../../sim/plan.ts';
import { Witness } from '../../../sim/witness.ts';
import { Clock } from '../../../sim/world/clock.ts';
import { Descriptors, Disk } from '../../../sim/world/disk.ts';
import { Tape } from '../../../sim/world/tape.ts';
import { Trace } from '../../../sim/world/trace.ts';
import type { World } from '../../../sim/world/world.ts';
import { jobIn } from '../../support/jobs.ts';

type Limits = readonly (number | null)[];

/** A type of jobs for each limit. */
const settingsOf = (workerCount: number, ...limits: Limits): QueueSettings => {
  const backoff = { baseMs: 0, maxMs: 0, factor: 1 };
  const types = limits.map(
    (concurrency, index) => [`type-${index}`, { concurrency, maxRetries: 0, timeoutMs: 100, backoff }] as const,
  );
  const rest = { depthLimit: 100, bytesLimit: 1_000_000, crashesMax: 3, retentionMs: 0 };
  return { types: new Map(types), workerCount, ...rest };
};

/** The calmest of all worlds: no fault, and of every choice the first. */
function calmWorld(settings: QueueSettings): World {
  const tape = new Tape({ draw: () => 0 });
  return {
    tape,
    plan: { ...drawPlan(tape), settings },
    clock: new Clock(0),
    disk: new Disk(),
    trace: new Trace({ keep: false }),
    faults: new Faults(tape, { only: ['none'], without: [] }),
  };
}

/** A process of which one rule is told by hand what it does. */
class Told implements ProcessUse {
  readonly world: World;
  readonly witness: Witness;
  readonly tables: Tables = mapTables().create();
  readonly descriptors = new Descriptors();
  readonly exchanges = new Map<RequestId, Exchange>();
  readonly handlers = { size: 0 };
  readonly clock = { armed: 1, wakes: 0 };
  readonly load = { abandoned: 0, held: 0, isWritable: true };
  restingTables: Tables | null = this.tables;
  #seq = 0;

  constructor(check: Check, settings = settingsOf(2, null)) {
    this.world = calmWorld(settings);
    this.witness = new Witness({ world: this.world, checks: [check], settings });
  }

  begin(): this {
    this.witness.began(this);
    return this;
  }

  recover(): this {
    this.witness.recovered(this.tables, this.world.plan.settings);
    return this;
  }

  perform(kind: 'create' | 'read' | 'sync' | 'close', ...files: readonly string[]): this {
    for (const file of files) this.world.disk.perform(this.descriptors, { kind, file } satisfies DiskOperation);
    return this;
  }

  turn({ events = 0, effects = 0 }: { events?: number; effects?: number } = {}): this {
    const rows = Array.from({ length: events }, () => this.#row('paused', null));
    this.witness.turned({ appended: [], rows, effects, tables: this.tables });
    return this;
  }

  succeed(...ids: readonly JobId[]): this {
    const rows = ids.map((id) => this.#row('succeeded', id));
    this.witness.turned({ appended: [], rows, effects: 1, tables: this.tables });
    return this;
  }

  ask(client = 'client-1'): Exchange {
    const requestId = this.exchanges.size + 1;
    const answer = (): void => undefined;
    const exchange: Exchange = { requestId, client, command: { kind: 'stats' }, offers: [], shownSeq: 0, answer };
    this.exchanges.set(requestId, exchange);
    this.witness.offered(exchange);
    return exchange;
  }

  pass(ms: number): this {
    this.world.clock.sleep(ms * 1_000);
    return this;
  }

  #row(kind: 'paused' | 'succeeded', jobId: JobId | null): EventRow {
    this.#seq += 1;
    const rest = { type: null, queue: 'default', state: null, attempt: null, detail: null };
    return { seq: this.#seq, at: Instant(this.#seq), kind, jobId, ...rest };
  }
}

const broken = (rule: string, act: () => unknown): void => {
  let thrown: unknown;
  try {
    act();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Violation);
  expect(thrown).toMatchObject({ rule });
};

const repeat = (times: number, act: () => unknown): void => {
  for (let time = 0; time < times; time += 1) act();
};

describe('L3 a recovery', () => {
  const FILES = ['journal-1.log', 'journal-2.log', 'snapshot-1.json'];
  const [FIRST = ''] = FILES;
  const found = (): Told => {
    const told = new Told(recoveryIsBounded);
    const before = new Descriptors();
    for (const file of [...FILES, 'reserve']) {
      told.world.disk.perform(before, { kind: 'create', file });
      told.world.disk.perform(before, { kind: 'append', file, bytes: new Uint8Array(100) });
    }
    return told.begin();
  };

  test('reads each file once', () => {
    found()
      .perform('read', ...FILES)
      .recover();
    broken('L3', () =>
      found()
        .perform('read', ...FILES, FIRST)
        .recover(),
    );
  });

  test('takes a number of operations that grows with the files', () => {
    const told = found();
    repeat(28 + 2 * (FILES.length + 1), () => told.perform('close', FIRST));
    told.recover();
    const more = found();
    repeat(29 + 2 * (FILES.length + 1), () => more.perform('close', FIRST));
    broken('L3', () => more.recover());
  });

  test('is judged by the next one if it does not come to its end', () => {
    const told = found().perform('read', ...FILES, ...FILES);
    broken('L3', () => told.witness.began(new Told(recoveryIsBounded)));
  });

  test('does not answer for what the process does later', () => {
    const told = found()
      .perform('read', ...FILES)
      .recover()
      .perform('read', ...FILES);
    expect(() => told.witness.began(new Told(recoveryIsBounded))).not.toThrow();
  });
});

describe('S29 a process holds', () => {
  const held = (): Told => new Told(bounds).begin().recover();

  test('few files, and fewer after a turn', () => {
    held().perform('create', 'a', 'b').turn();
    held().perform('create', 'a', 'b', 'c').perform('close', 'c').turn();
    broken('S29', () => held().turn().perform('create', 'a', 'b', 'c').turn());
    broken('S29', () => held().perform('create', 'a', 'b', 'c', 'd').perform('close', 'c', 'd').turn());
  });

  test('one timer', () => {
    const told = held().turn();
    told.clock.armed = 2;
    broken('S29', () => told.turn());
  });

  test('no request while nothing is under way', () => {
    const told = held();
    told.ask();
    broken('S29', () => told.ask());
    const busy = held();
    busy.restingTables = null;
    repeat(2, () => busy.ask());
  });

  test('no handler that has ended', () => {
    const told = held();
    told.load.abandoned = 1;
    told.handlers.size = 1;
    told.ask();
    told.exchanges.clear();
    told.handlers.size = 0;
    broken('S29', () => told.ask());
  });

  test('no more for want of room than handlers have said', () => {
    const told = held().turn();
    told.load.isWritable = false;
    told.load.held = 10;
    told.turn();
    told.load.held = 11;
    broken('S29', () => told.turn());
  });
});

describe('S39 an idle process', () => {
  const idle = (): Told => new Told(idleIsQuiet).begin().recover().perform('create', 'a').turn({ events: 1 });

  test('syncs no more than what follows upon the latest event', () => {
    const told = idle();
    repeat(9, () => told.perform('sync', 'a').turn());
    broken('S39', () => told.perform('sync', 'a').turn());
  });

  test('syncs as often as anything happens', () => {
    const told = idle();
    repeat(50, () => told.perform('sync', 'a').turn({ events: 1 }));
  });

  test('is not woken again and again for nothing', () => {
    const wake = (told: Told, ms: number): void => {
      told.clock.wakes += 1;
      told.pass(ms).turn();
    };
    const told = idle();
    broken('S39', () => repeat(30, () => wake(told, 1)));
    const rare = idle();
    repeat(200, () => wake(rare, 1_000));
  });

  test('may be woken for something', () => {
    const told = idle();
    repeat(200, () => {
      told.clock.wakes += 1;
      told.turn({ effects: 1 });
    });
  });
});

describe('L7 a burst', () => {
  test('takes as many slots as there are workers, those with a limit first', () => {
    expect([...slotsOf(settingsOf(5, null, 1, 2))]).toEqual([
      ['type-1', 1],
      ['type-2', 2],
      ['type-0', 2],
    ]);
    expect([...slotsOf(settingsOf(2, 1, 2, null)).values()]).toEqual([1, 1, 0]);
  });

  test('says how long its jobs take, and no other job does', () => {
    expect(askedWorkMs('{"workMs":3000}')).toBe(3_000);
    expect(askedWorkMs('{"work":3000}')).toBeNull();
  });

  const ids = [1, 2, 3, 4].map((number) => JobId(`j${number}`));
  const accepted = (): Told => {
    const told = new Told(throughputReturns).begin().recover();
    const exchange = told.ask(BURST_CLIENT);
    const outcomes = ids.map((id) => ({ job: { ...jobIn('pending'), id }, replayed: false }));
    told.witness.released({ kind: 'reply', requestId: 1, reply: { kind: 'submitted', outcomes } }, exchange);
    return told;
  };

  test('is done in two waves, but for a tenth', () => {
    accepted()
      .pass(2 * BURST_WORK_MS * 1.1)
      .succeed(...ids);
    broken('L7', () =>
      accepted()
        .pass(2 * BURST_WORK_MS * 1.12)
        .succeed(...ids),
    );
  });

  test('is too slow as soon as something happens beyond its time, whether or not it comes to its end', () => {
    const told = accepted()
      .pass(BURST_WORK_MS)
      .succeed(...ids.slice(0, 1))
      .pass(BURST_WORK_MS);
    broken('L7', () => told.pass(BURST_WORK_MS).turn({ events: 1 }));
  });

  test('is forgotten when it is over', () => {
    const told = accepted()
      .pass(BURST_WORK_MS)
      .succeed(...ids);
    expect(() => told.pass(100 * BURST_WORK_MS).turn({ events: 1 })).not.toThrow();
  });
});

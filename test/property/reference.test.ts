// The engine beside the reference: whatever is asked of both, in whatever turns, and wherever the process dies, they agree.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Engine } from '../../core/engine/engine.ts';
import type { Turn } from '../../core/engine/engine.ts';
import { ENGINE_LIMITS } from '../../core/engine/limits.ts';
import { Instant, JobId, JOB_STATES, JsonText } from '../../core/job/job.ts';
import type { Command, Input, Now, RequestId, Submission } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { QueueSettings, TypeSettings } from '../../core/queue/settings.ts';
import { mapTables } from '../../core/store/map.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import { Reference } from '../../sim/oracles/reference.ts';
import { MemoryDisk, POWER_CUTS, Stopped } from '../../runtime/testing/memory-disk.ts';
import type { PowerCut, RunOptions } from '../../runtime/testing/memory-disk.ts';
import { followEffects, followTurn, sameJobs } from '../support/reference-turn.ts';

const TYPE: TypeSettings = {
  concurrency: null,
  maxRetries: 1,
  timeoutMs: 1_000,
  backoff: { baseMs: 40, maxMs: 100, factor: 2 },
};
const SETTINGS: QueueSettings = {
  types: new Map([
    ['email', TYPE],
    ['resize', { ...TYPE, concurrency: 1, maxRetries: 0 }],
  ]),
  workerCount: 2,
  depthLimit: 6,
  bytesLimit: 8_000,
  crashesMax: 2,
  retentionMs: 0,
};
/** What the next process may be told instead. */
const CHANGES: readonly Partial<QueueSettings>[] = [
  {},
  { types: new Map([['email', { ...TYPE, concurrency: 2, maxRetries: 3 }]]) },
  { workerCount: 1, crashesMax: 1, depthLimit: 2, bytesLimit: 4_000 },
  { retentionMs: 5_000, bytesLimit: 2 ** 30, workerCount: 3 },
];
const LIMITS = { ...ENGINE_LIMITS, reserveBytes: 1, segmentBytes: 3_000 };

/** What is asked, before it is known which jobs there are: a number picks one. */
type Letter = ((life: Life) => Command | null) & { readonly toJSON: () => unknown };

/** The letter, and how it is written in a counterexample. */
const letter = <Drawn>(drawn: Drawn, mean: (drawn: Drawn, life: Life) => Command | null): Letter =>
  Object.assign((life: Life) => mean(drawn, life), { toJSON: () => drawn });
type Act = {
  readonly letters: readonly Letter[];
  readonly skipMs: number;
  readonly wallAheadMs: number;
  readonly seed: number;
};

/** One queue and its reference. */
class Life {
  readonly reference = new Reference(SETTINGS);
  readonly ids: JobId[] = [];
  readonly counts = { turns: 0, starts: 0, crashes: 0, lost: 0, refusals: 0 };
  #disk = new MemoryDisk();
  #engine: Engine | null = null;
  #tables: Tables | null = null;
  #at = 1_000_000;
  #requests = 0;

  constructor() {
    this.open(SETTINGS, 0);
  }

  newId(): JobId {
    this.ids.push(JobId(`job-${this.ids.length + 1}`));
    return this.ids.at(-1) ?? JobId('');
  }

  turn({ letters, skipMs, wallAheadMs, seed }: Act): void {
    const inputs = this.#offer(letters);
    this.#at += skipMs;
    this.reference.wallAheadMs = wallAheadMs;
    this.#follow(inputs, this.#disk.run(this.#running.turn(this.#now(seed))));
  }

  /** The process dies at an operation of the turn, or in front of the next; what the disk keeps decides. */
  die({ letters, skipMs, wallAheadMs, seed }: Act, options: RunOptions & { readonly cut: PowerCut | null }): void {
    const inputs = this.#offer(letters);
    this.#at += skipMs;
    this.reference.wallAheadMs = wallAheadMs;
    try {
      const turn = this.#disk.run(this.#running.turn(this.#now(seed)), options);
      this.#follow(inputs, turn);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      this.#interrupted = { inputs, at: this.#at };
    }
    this.counts.crashes += 1;
    this.#disk.kill();
    if (options.cut !== null) this.#disk = this.#disk.losePower(options.cut);
  }

  open(settings: QueueSettings, seed: number): void {
    const keep = (tables: Tables): Tables => (this.#tables = tables);
    const factory: TablesFactory = {
      create: () => keep(mapTables().create()),
      load: (bytes) => keep(mapTables().load(bytes)),
    };
    const program = Engine.open({ tables: factory, directoryId: 'd', settings, now: this.#now(0), limits: LIMITS });
    this.#engine = this.#disk.run(program).engine;
    this.#foundAgain();
    this.reference.restart(settings);
    this.reference.aborts.length = 0;
    this.#follow(
      [{ requestId: null, command: { kind: 'recover' } }],
      this.#disk.run(this.#engine.turn(this.#now(seed))),
    );
  }

  #interrupted: { readonly inputs: readonly Input[]; readonly at: number } | null = null;

  /** Of the turn that was cut off either everything has happened or nothing. */
  #foundAgain(): void {
    const tables = this.#tables;
    if (tables === null) throw new Error('an open engine has tables');
    const rows = tables.eventsAfter(this.reference.last.seq, Number.MAX_SAFE_INTEGER);
    if (rows.length > 0) {
      expect(this.#interrupted).not.toBeNull();
      followTurn(this.reference, { inputs: [], at: 0, ...this.#interrupted, rows, replies: null });
    } else if (this.#interrupted !== null) this.counts.lost += 1;
    this.#interrupted = null;
    sameJobs(this.reference, tables);
  }

  #offer(letters: readonly Letter[]): Input[] {
    const commands = letters.flatMap((letter) => letter(this) ?? []);
    const inputs = commands.map((command): Input => {
      this.#requests += 1;
      return { requestId: SILENT.has(command.kind) ? null : this.#requests, command };
    });
    for (const input of inputs) expect(this.#running.offer(input)).toEqual([]);
    return inputs;
  }

  #follow(inputs: readonly Input[], turn: Turn): void {
    const { effects, failure } = turn;
    expect(failure).toBeNull();
    const rows = effects.flatMap((effect) => (effect.kind === 'publish' ? effect.rows : []));
    const replies = new Map<RequestId, Reply>();
    for (const effect of effects) {
      if (effect.kind !== 'reply') continue;
      expect(replies.has(effect.requestId)).toBe(false);
      replies.set(effect.requestId, effect.reply);
      if (effect.reply.kind === 'refused') this.counts.refusals += 1;
    }
    followTurn(this.reference, { inputs, rows, at: this.#at, replies });
    followEffects(this.reference, turn, rows);
    if (this.#tables !== null) sameJobs(this.reference, this.#tables);
    this.counts.turns += 1;
    this.counts.starts += rows.filter(({ kind }) => kind === 'started').length;
  }

  #now(seed: number): Now {
    return { at: Instant(this.#at), wallAheadMs: this.reference.wallAheadMs ?? 0, seed };
  }

  get #running(): Engine {
    if (this.#engine === null) throw new Error('no process runs');
    return this.#engine;
  }
}

/** Nobody waits for an answer to these. */
const SILENT: ReadonlySet<string> = new Set(['succeed', 'fail', 'release', 'ended', 'recover', 'tick', 'drain']);

const pick = fc.nat(1_000);
const one = <Item>(items: readonly Item[], at: number): Item | undefined => items[at % Math.max(1, items.length)];

const TYPES = ['email', 'resize'];
/** The same value twice, in another order of keys; another one; and a lone surrogate. */
const SAME = ['{"a":1,"b":[2,{}]}', '{"b":[2,{}],"a":1}'];
const PAYLOADS = [...SAME, ...SAME, ...SAME, ...SAME, '{"a":1,"b":[{},2]}', '"\\ud800"'];

const submissions = fc.array(
  fc.record({
    meant: fc.record({
      type: fc.constantFrom(...TYPES, ...TYPES, ...TYPES, 'fax'),
      queue: fc.constantFrom('default', 'mail'),
      payload: fc.constantFrom(...PAYLOADS) as fc.Arbitrary<JsonText>,
      priority: fc.integer({ min: -1, max: 1 }),
      maxRetries: fc.constantFrom(null, 0),
      timeoutMs: fc.constantFrom(null, 500),
      idempotencyKey: fc.constantFrom(null, null, null, null, 'k1', 'k2', 'k3', 'k4'),
      start: fc.oneof(
        fc.constant({ kind: 'now' } as const),
        fc.record({ kind: fc.constant('after' as const), delayMs: fc.constantFrom(0, 30, 2_000) }),
        fc.record({ kind: fc.constant('at' as const), instant: fc.constantFrom(0, 1_001_000, 1_010_000).map(Instant) }),
      ),
    }),
    isMisfit: fc.nat(20).map((roll) => roll === 0),
  }),
  { minLength: 1, maxLength: 3 },
);

const submit = submissions.map((list) =>
  letter(list, (list, life) => {
    const misfit = [{ path: '/a', message: 'no' }];
    return {
      kind: 'submit',
      submissions: list.map(({ meant }): Submission => ({ ...meant, id: life.newId() })),
      misfits: new Map(list.flatMap(({ isMisfit }, index) => (isMisfit ? [[index, misfit] as const] : []))),
    };
  }),
);

const manageJob = fc.record({ kind: fc.constantFrom('get', 'cancel', 'retry', 'delete'), pick }).map((drawn) =>
  letter(drawn, ({ kind, pick }, { ids, reference }) => {
    const known = pick % 8 === 0 ? ids : [...reference.jobs.keys()];
    return { kind, jobId: one(known, pick) ?? JobId('nobody') };
  }),
);

const asIs = (command: Command): Letter => letter(command, (command) => command);

const read = fc.oneof(
  fc.constantFrom<Command>({ kind: 'stats' }, { kind: 'queues' }),
  fc.record({ kind: fc.constant('feed' as const), after: fc.nat(40), limit: fc.constantFrom(1, 5, 100) }),
  fc.record({
    kind: fc.constant('list' as const),
    filter: fc.record(
      { state: fc.constantFrom(...JOB_STATES), type: fc.constantFrom('email', 'resize'), queue: fc.constant('mail') },
      { requiredKeys: [] },
    ),
    before: fc.option(fc.nat(40), { nil: undefined }),
    limit: fc.constantFrom(1, 2, 50),
  }),
);

const manageQueue = fc.record({
  kind: fc.constantFrom('pause', 'resume'),
  queue: fc.constantFrom('default', 'mail', 'nowhere'),
});

const work = fc
  .record({
    kind: fc.constantFrom('succeed', 'succeed', 'fail', 'fail', 'extend', 'progress', 'release', 'ended'),
    pick,
    isLate: fc.nat(6).map((roll) => roll === 0),
    retryable: fc.nat(3).map((roll) => roll > 0),
    extendMs: fc.constantFrom(null, 1, 5_000),
  })
  .map((drawn) =>
    letter(drawn, ({ kind, pick, isLate, retryable, extendMs }, { reference, ids }) => {
      if (kind === 'ended') {
        const [jobId = '', attempt] = (one([...(reference.abandoned ?? [])], pick) ?? '').split('#');
        return jobId === '' ? null : { kind, jobId: JobId(jobId), attempt: Number(attempt) };
      }
      const running = reference.in('running');
      const job = one(running, pick) ?? reference.jobs.get(one(ids, pick) ?? JobId(''));
      if (job === undefined) return null;
      const fence = { jobId: job.id, attempt: Math.max(1, job.attempt - (isLate ? 1 : 0)) };
      const stack = retryable ? 'at x' : null;
      switch (kind) {
        case 'succeed':
          return { kind, ...fence, result: JsonText({ pick }) };
        case 'fail':
          return { kind, ...fence, retryable, error: { name: 'Oops', message: `no ${pick}`, stack } };
        case 'extend':
          return { kind, ...fence, extendMs };
        case 'progress':
          return { kind, ...fence, progress: JsonText(pick) };
        case 'release':
          return { kind, ...fence };
      }
    }),
  );

const control = fc.nat(40).map((roll) => asIs({ kind: roll === 0 ? 'drain' : 'tick' }));

const anything = fc.oneof(
  { weight: 5, arbitrary: submit },
  { weight: 5, arbitrary: work },
  { weight: 3, arbitrary: manageJob },
  { weight: 2, arbitrary: read.map(asIs) },
  { weight: 3, arbitrary: control },
  { weight: 1, arbitrary: manageQueue.map(asIs) },
);
const actOf = (letter: fc.Arbitrary<Letter>): fc.Arbitrary<Act> =>
  fc.record({
    letters: fc.array(letter, { maxLength: 4 }),
    skipMs: fc.constantFrom(0, 0, 0, 1, 40, 100, 499, 500, 1_000, 5_000, 70_000),
    wallAheadMs: fc.constantFrom(0, 0, 0, 5_000, -5_000),
    seed: fc.nat(),
  });

class TakeTurn implements fc.Command<object, Life> {
  readonly act: Act;
  constructor(act: Act) {
    this.act = act;
  }
  check = (): boolean => true;
  run = (_: object, life: Life): void => life.turn(this.act);
  toString = (): string => `turn ${JSON.stringify(this.act)}`;
}

type End = {
  readonly act: Act;
  readonly stopAfter: number;
  readonly cut: PowerCut | null;
  readonly change: Partial<QueueSettings>;
  readonly seed: number;
};

class Die implements fc.Command<object, Life> {
  readonly end: End;
  constructor(end: End) {
    this.end = end;
  }
  check = (): boolean => true;
  run = (_: object, life: Life): void => {
    const { act, stopAfter, cut, change, seed } = this.end;
    life.die(act, { stopAfter, cut });
    life.open({ ...SETTINGS, ...change }, seed);
  };
  toString = (): string => `die ${JSON.stringify(this.end)}`;
}

const turns = actOf(anything).map((act) => new TakeTurn(act));
// A job that comes and goes within the turn that is cut off leaves no events to follow.
const deaths = fc
  .record({
    act: actOf(fc.oneof(submit, work, manageQueue.map(asIs), control)),
    stopAfter: fc.integer({ min: 1, max: 4 }),
    cut: fc.constantFrom<PowerCut | null>(null, ...POWER_CUTS),
    change: fc.constantFrom(...CHANGES),
    seed: fc.nat(),
  })
  .map((end) => new Die(end));

it(
  'the engine does and says what the reference expects, turn by turn and over every crash',
  { timeout: 60_000 },
  () => {
    const seen = { turns: 0, starts: 0, crashes: 0, lost: 0, refusals: 0 };
    const commands = fc.commands([turns, turns, turns, turns, turns, turns, deaths], { maxCommands: 40, size: '+1' });
    fc.assert(
      fc.property(commands, (commands) => {
        const life = new Life();
        fc.modelRun(() => ({ model: {}, real: life }), commands);
        for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += life.counts[name];
      }),
      { numRuns: 200 },
    );
    // Nothing of this is proven by lives in which nothing happens.
    expect(seen.turns).toBeGreaterThan(1_000);
    expect(seen.starts).toBeGreaterThan(200);
    expect(seen.crashes).toBeGreaterThan(100);
    expect(seen.lost).toBeGreaterThan(10);
    expect(seen.refusals).toBeGreaterThan(200);
  },
);

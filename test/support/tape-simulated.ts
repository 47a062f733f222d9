// A tape's world on a simulated disk: the production engine and the HTTP app in this process, cut off by kills and by power
// losses of which anything un-synced may survive or not.

import assert from 'node:assert/strict';
import { JobId, JsonText } from '../../core/job/job.ts';
import type { RunningJob } from '../../core/job/job.ts';
import { ENGINE_LIMITS } from '../../core/engine/limits.ts';
import type { EngineLimits } from '../../core/engine/limits.ts';
import type { ClientCommand, WorkerCommand } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { QueueSettings, TypeSettings } from '../../core/queue/settings.ts';
import { createApp } from '../../runtime/http/app.ts';
import type { QueuePort } from '../../runtime/queue-port.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { Disk } from '../../sim/world/disk.ts';
import type { Chance } from '../../sim/world/disk.ts';
import type { Tape } from '../../sim/world/tape.ts';
import { HTTP } from './http-api.ts';
import { Died, SimulatedProcess } from './simulated-process.ts';
import { fateOf } from './tape-fates.mjs';
import type { TapePayload } from './tape-fates.mjs';
import type { Death } from './tape-workload.ts';
import { answerOf, initOf } from './tape-world.ts';
import type { Answer, Call, TapeWorld } from './tape-world.ts';

const TYPE: TypeSettings = {
  concurrency: null,
  maxRetries: 3,
  timeoutMs: 30_000,
  backoff: { baseMs: 1, maxMs: 5, factor: 1 },
};

/** Those that the built server has by default, but for what TAPE_ENVIRONMENT says. */
const SETTINGS: QueueSettings = {
  types: new Map([
    ['quick', TYPE],
    ['serial', { ...TYPE, concurrency: 1 }],
  ]),
  workerCount: 4,
  depthLimit: 100_000,
  bytesLimit: 2 ** 30,
  crashesMax: 1_000,
  retentionMs: 604_800_000,
};

/** What the built server is told, to be alike. */
export const TAPE_ENVIRONMENT = { WORKER_COUNT: '4', MAX_CRASHES: '1000' };

const START_AT = Date.UTC(2030, 0, 1);
/** A process is away for a second. */
const AWAY_MS = 1_000;
/** Turns of the event loop that a request may take before it asks the queue. */
const TURNS_MAX = 10_000;

export class SimulatedTapeWorld implements TapeWorld {
  readonly #tape: Tape;
  readonly #tables: LifeTables;
  readonly #disk = new Disk();
  readonly #limits: EngineLimits;
  readonly #deaths: Death[];
  #process: SimulatedProcess;
  #app: ReturnType<typeof createApp>;
  #death: Death | undefined;
  /** Of the process that lives: its answers, the starts of its handlers, its bursts. */
  #counts = { answer: 0, start: 0, burst: 0 };
  /** Of the burst under way: how many requests have come to the queue, and how many it has answered. */
  #asked = 0;
  #replied = 0;
  #jobs = 0;
  deaths = 0;
  /** Deaths that tore something off the journal. */
  cuts = 0;

  constructor(options: { readonly tape: Tape; readonly tables: LifeTables; readonly deaths: readonly Death[] }) {
    this.#tape = options.tape;
    this.#tables = options.tables;
    this.#deaths = [...options.deaths];
    const stream = this.#tape.stream('limits');
    this.#limits = {
      ...ENGINE_LIMITS,
      snapshotAfterBytes: stream.pick('snapshot', [2 ** 23, 2_000, 10_000]),
      segmentBytes: stream.pick('segment', [2 ** 28, 1_000]),
    };
    this.#process = this.#open(START_AT);
    this.#app = this.#serve();
  }

  async burst(calls: readonly Call[]): Promise<readonly (Answer | null)[]> {
    const answers: (Answer | null)[] = calls.map(() => null);
    const ask = async (call: Call, index: number): Promise<void> => {
      answers[index] = await answerOf(await this.#app.request(call.path, initOf(call)));
    };
    this.#asked = 0;
    this.#replied = 0;
    for (const [index, call] of calls.entries()) void ask(call, index);
    await turnsUntil(() => this.#asked === calls.length);
    const hasDied = this.#dies(() => this.#decide());
    // What was answered before it died is on its way, and arrives.
    await turnsUntil(() => answers.filter((answer) => answer !== null).length === this.#replied);
    if (hasDied) this.#die();
    return answers;
  }

  async rest(pending: number): Promise<void> {
    while (this.#dies(() => this.#process.rest())) this.#die();
    const { tables } = this.#process;
    assert.deepEqual([[...tables.jobsIn('running')].length, [...tables.jobsIn('pending')].length], [0, pending]);
  }

  /** Decides what was asked, and lets some handlers come to their end. */
  #decide(): void {
    const pace = this.#tape.stream('pace');
    this.#counts.burst += 1;
    if (this.#isDeath('burst')) this.#process.operationsLeft = pace.choose('operations', 3);
    this.#process.decide();
    for (let turns = pace.choose('turns', 4); turns > 0; turns -= 1) {
      this.#process.hear();
      this.#process.decide();
    }
    this.#process.operationsLeft = null;
  }

  /** Whether the process died of it. */
  #dies(act: () => void): boolean {
    try {
      act();
      return false;
    } catch (error) {
      if (error instanceof Died) return true;
      throw error;
    }
  }

  #isDeath(at: Death['at']): boolean {
    return this.#death?.at === at && this.#death.count === this.#counts[at];
  }

  #die(): void {
    this.deaths += 1;
    const { at, descriptors } = this.#process;
    const stream = this.#tape.stream('survival');
    const chance: Chance = { stream, allows: () => true, fired: () => undefined };
    if (stream.choose('power', 3) === 0) this.#disk.processKill(descriptors);
    else this.#disk.powerLoss(descriptors, chance);
    this.#process = this.#open(at + AWAY_MS);
    if (this.#process.report.cutBytes > 0) this.cuts += 1;
    this.#app = this.#serve();
  }

  #open(startAt: number): SimulatedProcess {
    this.#death = this.#deaths.shift();
    this.#counts = { answer: 0, start: 0, burst: 0 };
    return new SimulatedProcess({
      disk: this.#disk,
      tables: this.#tables,
      settings: SETTINGS,
      limits: this.#limits,
      startAt,
      handle: (job) => {
        this.#counts.start += 1;
        if (this.#isDeath('start')) throw new Died();
        return answerOfHandler(job);
      },
    });
  }

  #serve(): ReturnType<typeof createApp> {
    const queue: QueuePort = {
      types: new Map([...SETTINGS.types.keys()].map((type) => [type, { schema: null }])),
      ask: (command) => this.#ask(command),
      subscribe: (listener) => this.#process.subscribe(listener),
      readiness: () => ({ refusing: null, warnings: [] }),
      newJobId: () => JobId(`job-${String((this.#jobs += 1)).padStart(4, '0')}`),
      uptimeMs: () => this.#process.at - START_AT,
    };
    const silent = { warn: () => undefined, error: (fields: object) => assert.fail(JSON.stringify(fields)) };
    return createApp({ queue, http: HTTP, log: silent });
  }

  #ask(command: ClientCommand): Promise<Reply> {
    this.#asked += 1;
    return new Promise((resolve) => {
      this.#process.offer(command, (reply) => {
        this.#replied += 1;
        this.#counts.answer += 1;
        resolve(reply);
        if (this.#isDeath('answer')) throw new Died();
      });
    });
  }
}

function answerOfHandler({ id: jobId, attempt, failures, payload }: RunningJob): WorkerCommand {
  const fate = fateOf(JSON.parse(payload) as TapePayload, failures);
  if ('result' in fate) return { kind: 'succeed', jobId, attempt, result: JsonText(fate.result) };
  return { kind: 'fail', jobId, attempt, error: { ...fate.error, stack: null }, retryable: fate.retryable };
}

async function turnsUntil(isReached: () => boolean): Promise<void> {
  for (let turns = 0; !isReached(); turns += 1) {
    if (turns > TURNS_MAX) throw new Error('a request waits for something that does not come');
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

// The shape of one life, drawn from its seed: how many clients, which settings, how slow a network.

import type { EngineLimits } from '../core/engine/limits.ts';
import type { QueueSettings, TypeSettings } from '../core/queue/settings.ts';
import type { Stream, Tape } from './world/tape.ts';

export type Plan = {
  /** Wall clock at the beginning, in milliseconds since 1970. */
  readonly wallAtStartMs: number;
  /** Faults stop after so long, in simulated milliseconds. */
  readonly faultyMs: number;
  readonly clients: number;
  readonly operationsPerClient: number;
  readonly thinkMsMax: number;
  readonly requestTimeoutMs: number;
  readonly requestTriesMax: number;
  readonly networkUsMax: number;
  readonly syncUsMax: number;
  readonly restartMsMax: number;
  readonly payloadLengthMax: number;
  readonly bulkJobsMax: number;
  /** Per million of submissions. */
  readonly keyed: number;
  readonly delayed: number;
  readonly delayMsMax: number;
  readonly priorities: number;
  readonly queues: readonly string[];
  readonly settings: QueueSettings;
  readonly limits: EngineLimits;
  readonly handlerMsMax: number;
  /** Per million of attempts. */
  readonly failing: number;
  readonly finalFailing: number;
  readonly extending: number;
  readonly progressing: number;
  readonly shutdownGraceMs: number;
  readonly operatorMsMax: number;
};

const DAY_MS = 86_400_000;
const YEAR_2026_MS = 1_767_225_600_000;

export function drawPlan(tape: Tape): Plan {
  const swarm = tape.stream('swarm/plan');
  const share = (label: string): number => swarm.pick(label, [0, 50_000, 250_000, 500_000, 900_000]);
  const queues = ['default', 'mail', 'bulk'].slice(0, 1 + swarm.choose('queues', 3));
  const timeoutMs = swarm.logarithmic('timeout', 100, 30_000);
  return {
    wallAtStartMs: YEAR_2026_MS + swarm.choose('wall', 1000) * DAY_MS,
    faultyMs: swarm.logarithmic('faulty time', 1_000, 120_000),
    clients: 1 + swarm.choose('clients', 4),
    operationsPerClient: swarm.logarithmic('operations', 2, 63),
    thinkMsMax: swarm.logarithmic('think', 1, 2_047),
    requestTimeoutMs: swarm.logarithmic('request timeout', 100, 8_000),
    requestTriesMax: 1 + swarm.choose('tries', 8),
    networkUsMax: swarm.logarithmic('network', 100, 51_200),
    syncUsMax: swarm.logarithmic('sync', 300, 9_600),
    restartMsMax: swarm.logarithmic('restart', 1, 4_000),
    payloadLengthMax: swarm.logarithmic('payload', 1, swarm.pick('large payloads', [255, 255, 255, 255, 255, 8_191])),
    bulkJobsMax: swarm.pick('bulk', [1, 1, 4, 20]),
    keyed: share('keyed'),
    delayed: share('delayed'),
    delayMsMax: swarm.logarithmic('delay', 1, 65_535),
    priorities: 1 + swarm.choose('priorities', 3),
    queues,
    settings: drawSettings(swarm, timeoutMs),
    limits: {
      snapshotAfterBytes: swarm.weighted('snapshot', [
        [4, 2 ** 23],
        [1, 1],
        [2, 2_000],
        [3, 20_000],
      ]),
      segmentBytes: tape.stream('swarm/segments').pick('segment', [2 ** 28, 1, 1_000, 10_000]),
      reserveBytes: swarm.pick('reserve', [4_096, 1, 65_536]),
      stepInputsMax: swarm.pick('step inputs', [1_024, 1, 3]),
      stepTextMax: swarm.pick('step text', [2 ** 24, 1, 2_000]),
      waitingRequestsMax: swarm.pick('waiting', [20_000, 1, 4]),
      waitingTextMax: swarm.pick('waiting text', [2 ** 28, 10_000]),
    },
    handlerMsMax: swarm.logarithmic('handler', 1, Math.max(1, Math.floor(timeoutMs * 1.2))),
    failing: share('failing'),
    finalFailing: share('final failing'),
    extending: share('extending'),
    progressing: share('progressing'),
    shutdownGraceMs: swarm.pick('grace', [0, 10, 500, 10_000]),
    operatorMsMax: swarm.logarithmic('operator', 50, 12_800),
  };
}

function drawSettings(swarm: Stream, timeoutMs: number): QueueSettings {
  const types = new Map<string, TypeSettings>();
  for (const name of ['email', 'resize', 'index'].slice(0, 1 + swarm.choose('types', 3))) {
    const baseMs = swarm.pick('base', [0, 1, 50, 1_000]);
    types.set(name, {
      concurrency: swarm.pick('concurrency', [null, 1, 2]),
      maxRetries: swarm.choose('retries', 5),
      timeoutMs,
      backoff: {
        baseMs,
        maxMs: swarm.pick('backoff', [3_600_000, 100, 5_000]),
        factor: swarm.pick('factor', [2, 1, 3]),
      },
    });
  }
  return {
    types,
    workerCount: swarm.logarithmic('workers', 1, 15),
    depthLimit: swarm.pick('depth', [100_000, 3, 20, 1]),
    bytesLimit: swarm.pick('bytes', [2 ** 30, 2 ** 30, 20_000, 200_000]),
    crashesMax: 1 + swarm.choose('crashes', 4),
    retentionMs: swarm.pick('retention', [7 * DAY_MS, 0, 1_000, 20_000]),
  };
}

/** What a restart may change: fewer workers, another crash budget, a type without its handler, another retention. */
export function otherSettings(settings: QueueSettings, stream: Stream): QueueSettings {
  const types = new Map(settings.types);
  const first = [...types.keys()].at(-1);
  if (first !== undefined && types.size > 1 && stream.choose('drop a type', 3) === 1) types.delete(first);
  return {
    ...settings,
    types,
    workerCount: Math.max(1, Math.floor(settings.workerCount / (1 + stream.choose('fewer workers', 3)))),
    depthLimit: stream.pick('depth', [settings.depthLimit, 2]),
    crashesMax: 1 + stream.choose('crashes', 4),
    retentionMs: stream.pick('retention', [settings.retentionMs, 0, 500]),
  };
}

/** The plan as one line, for the head of a run's report. */
export function describePlan(plan: Plan): string {
  const { settings, limits, ...rest } = plan;
  const types = [...settings.types].map(
    ([name, { concurrency, maxRetries, timeoutMs }]) => `${name}(${concurrency ?? '-'},${maxRetries},${timeoutMs})`,
  );
  const { workerCount, depthLimit, bytesLimit, crashesMax, retentionMs } = settings;
  return [
    ...Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`),
    ...Object.entries({ workerCount, depthLimit, bytesLimit, crashesMax, retentionMs, ...limits }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    `types=${types.join(',')}`,
  ].join(' ');
}

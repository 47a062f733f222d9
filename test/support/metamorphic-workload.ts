// Workloads that are lived twice, in two ways that must not matter, and what is compared afterwards.
//
// Rule 1: a group's commands are decided before any handler is heard, and all comes to rest before the next group: so
//         nothing that is compared depends on which of two free workers was quicker.
// Rule 2: commands on one subject (a key, a job) keep their order in every variation; those on different ones may change
//         places. A queue is paused and resumed between groups.

import fc from 'fast-check';
import { Instant, JOB_STATES, JobId, JsonText } from '../../core/job/job.ts';
import type { Job, RunningJob } from '../../core/job/job.ts';
import type { EngineLimits } from '../../core/engine/limits.ts';
import type { ClientCommand, Start, Submission, WorkerCommand } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';

import { Disk } from '../../sim/world/disk.ts';
import { Tape } from '../../sim/world/tape.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { tablesText } from './tables-text.ts';

const DAY_MS = 86_400_000;
export const EPOCH = Date.UTC(2030, 0, 1);

const FATES = ['succeed', 'fail once', 'fail always', 'fail for good', 'hang'] as const;
type Fate = (typeof FATES)[number];

type Submit = {
  readonly kind: 'submit';
  /** The key's number; null without a key. */
  readonly slot: number | null;
  readonly type: string;
  readonly queue: string;
  readonly priority: number;
  readonly fate: Fate;
  readonly maxRetries: number | null;
  readonly startsIn: number;
  /** The start is said as a delay, or as an instant of the wall clock. */
  readonly isInstant: boolean;
};
type Change = { readonly kind: 'cancel' | 'retry' | 'delete'; readonly slot: number };
type Move = Submit | Change;

export type Group = {
  /** Before the group, with nothing under way. */
  readonly before: { readonly kind: 'pause' | 'resume'; readonly queue: string } | null;
  readonly moves: readonly Move[];
  /** What befalls the process before the handlers of the group are heard. */
  readonly then: 'nothing' | 'kill' | 'close';
};
export type Workload = readonly Group[];

const QUEUES = ['default', 'mail'];
const slots = fc.nat(4);

const submit: fc.Arbitrary<Move> = fc.record({
  kind: fc.constant('submit' as const),
  slot: fc.option(slots, { freq: 4 }),
  type: fc.constantFrom('email', 'resize'),
  queue: fc.constantFrom(...QUEUES),
  priority: fc.constantFrom(0, 0, -5, 7),
  fate: fc.constantFrom(...FATES, 'hang'),
  maxRetries: fc.constantFrom(null, 0, 1),
  startsIn: fc.constantFrom(0, 0, 0, 40, 2 * DAY_MS),
  isInstant: fc.boolean(),
});
const change: fc.Arbitrary<Move> = fc.record({ kind: fc.constantFrom('cancel', 'retry', 'delete'), slot: slots });

export const workloads: fc.Arbitrary<Workload> = fc.array(
  fc.record({
    before: fc.option(fc.record({ kind: fc.constantFrom('pause', 'resume'), queue: fc.constantFrom(...QUEUES) }), {
      freq: 3,
    }),
    moves: fc.array(fc.oneof({ weight: 3, arbitrary: submit }, { weight: 2, arbitrary: change }), { maxLength: 10 }),
    then: fc.constantFrom('nothing', 'nothing', 'kill', 'close'),
  }),
  { minLength: 1, maxLength: 5 },
);

const SETTINGS: QueueSettings = {
  types: new Map([
    ['email', { concurrency: null, maxRetries: 2, timeoutMs: 1_000, backoff: { baseMs: 10, maxMs: 100, factor: 2 } }],
    ['resize', { concurrency: 1, maxRetries: 1, timeoutMs: 200, backoff: { baseMs: 0, maxMs: 0, factor: 1 } }],
  ]),
  workerCount: 3,
  depthLimit: 1_000,
  bytesLimit: 2 ** 30,
  crashesMax: 2,
  retentionMs: 0,
};

/** As they are in production, but for the snapshots: none. */
export const LIMITS: EngineLimits = {
  snapshotAfterBytes: 2 ** 30,
  segmentBytes: 2 ** 30,
  reserveBytes: 1,
  stepInputsMax: 64,
  stepTextMax: 2 ** 24,
  waitingRequestsMax: 1_000,
  waitingTextMax: 2 ** 24,
};

export type Variation = {
  readonly tables: TablesFactory;
  readonly limits?: Partial<EngineLimits>;
  readonly startAt?: number;
  readonly wallAheadMs?: number;
  readonly nameId?: (number: number) => string;
  /** Reorders the moves of a group. */
  readonly order?: (moves: readonly Move[]) => readonly Move[];
  /** Whether all comes to rest before a kill or a close. */
  readonly restsFirst?: boolean;
};

export type Lived = {
  /** What each command was answered, by subject and in the order of the subject's commands. */
  readonly replies: Readonly<Record<string, readonly string[]>>;
  /** All that the tables hold. */
  readonly state: string;
  /** The same after a power loss that kept nothing un-synced, before anything was decided. */
  readonly recovered: string;
  /** What became of each job, whenever and in whatever order it did. */
  readonly outcome: unknown;
  /** Records that were replayed after that power loss. */
  readonly records: number;
  /** Snapshots on the disk at the end. */
  readonly snapshots: number;
};

export function live(workload: Workload, variation: Variation): Lived {
  const { tables, limits, startAt = EPOCH, wallAheadMs = 0, nameId = (number) => `job-${padded(number)}` } = variation;
  const disk = new Disk();
  const directoryId = 'd'.repeat(32);
  const open = (at: number): SimulatedProcess =>
    new SimulatedProcess({
      disk,
      tables,
      directoryId,
      settings: SETTINGS,
      limits: { ...LIMITS, ...limits },
      startAt: at,
      wallAheadMs,
      handle,
    });
  const replies: Record<string, string[]> = {};
  let jobs = 0;
  let process = open(startAt);

  const ask = (subject: string, command: ClientCommand): void => {
    const told = (replies[subject] ??= []);
    const place = told.push('no reply') - 1;
    process.offer(command, (reply) => (told[place] = describe(reply)));
  };
  const askFor = (move: Move, number: number): void => {
    if (move.kind === 'submit') {
      const at = process.at + wallAheadMs;
      const submission = submissionOf(move, { id: JobId(nameId(number)), number, at });
      return ask(subjectOf(move, number), { kind: 'submit', submissions: [submission] });
    }
    const job = process.tables.jobByKey(keyOf(move.slot));
    if (job !== undefined) ask(subjectOf(move, number), { kind: move.kind, jobId: job.id });
  };

  for (const { before, moves, then } of workload) {
    process.rest();
    if (before !== null) {
      ask(`queue ${before.queue}`, before);
      process.rest();
    }
    const numbered = moves.map((move) => ({ move, number: (jobs += 1) }));
    const numbers = new Map(numbered.map(({ move, number }) => [move, number]));
    for (const move of variation.order?.(moves) ?? moves) askFor(move, numbers.get(move) ?? 0);
    process.decide();
    if (then === 'nothing') continue;
    if (variation.restsFirst === true) process.rest();
    if (then === 'close') process.close();
    disk.processKill(process.descriptors);
    process = open(process.at);
  }
  process.rest();
  const state = tablesText(process.tables);
  const outcome = outcomeOf(process.tables);
  const files = [...disk.image().keys()];
  disk.powerLoss(process.descriptors, NOTHING_KEPT);
  const { tables: found, report } = open(process.at);
  const snapshots = files.filter((file) => file.endsWith('.sqlite')).length;
  return { replies, state, recovered: tablesText(found), outcome, records: report.records, snapshots };
}

export const padded = (number: number): string => String(number).padStart(4, '0');

/** Another order in which each subject's commands keep theirs. */
export function permuted(moves: readonly Move[], picks: readonly number[]): Move[] {
  const bySubject = new Map<string, Move[]>();
  for (const [index, move] of moves.entries()) {
    const subject = subjectOf(move, index);
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), move]);
  }
  const order: Move[] = [];
  while (bySubject.size > 0) {
    const subjects = [...bySubject];
    const [subject, rest] = subjects[(picks[order.length] ?? 0) % subjects.length] ?? ['', []];
    const [first, ...later] = rest;
    if (first !== undefined) order.push(first);
    if (later.length === 0) bySubject.delete(subject);
    else bySubject.set(subject, later);
  }
  return order;
}

const keyOf = (slot: number): string => `key-${slot}`;
const subjectOf = (move: Move, number: number): string => (move.slot === null ? `unnamed ${number}` : keyOf(move.slot));

function submissionOf(move: Submit, job: { id: JobId; number: number; at: number }): Submission {
  const { slot, fate, startsIn, isInstant, type, queue, priority, maxRetries } = move;
  let start: Start = { kind: 'now' };
  if (startsIn > 0) {
    start = isInstant ? { kind: 'at', instant: Instant(job.at + startsIn) } : { kind: 'after', delayMs: startsIn };
  }
  return {
    id: job.id,
    type,
    queue,
    payload: JsonText({ name: slot === null ? `unnamed ${job.number}` : keyOf(slot), fate }),
    priority,
    maxRetries,
    timeoutMs: null,
    idempotencyKey: slot === null ? null : keyOf(slot),
    start,
  };
}

function handle({ id: jobId, attempt, failures, payload }: RunningJob): WorkerCommand | null {
  const { fate } = JSON.parse(payload) as { fate: Fate };
  const error = { name: 'Refusal', message: `failure ${failures + 1}`, stack: null };
  switch (fate) {
    case 'succeed':
      return { kind: 'succeed', jobId, attempt, result: JsonText('done') };
    case 'fail once':
      if (failures > 0) return { kind: 'succeed', jobId, attempt, result: JsonText('done at last') };
      return { kind: 'fail', jobId, attempt, error, retryable: true };
    case 'fail always':
      return { kind: 'fail', jobId, attempt, error, retryable: true };
    case 'fail for good':
      return { kind: 'fail', jobId, attempt, error, retryable: false };
    case 'hang':
      return null;
  }
}

/** Whether a job that is not over was pending or running when it was asked for depends on the workers. */
function describe(reply: Reply): string {
  switch (reply.kind) {
    case 'submitted':
      return reply.outcomes.map(({ replayed }) => (replayed ? 'replayed' : 'created')).join();
    case 'refused':
      return reply.refusals.map(({ reason }) => reason).join();
    case 'job':
      return reply.job.state;
    default:
      return reply.kind;
  }
}

function outcomeOf(tables: Tables): unknown {
  const jobs = JOB_STATES.flatMap((state) => [...tables.jobsIn(state)]).map(becameOf);
  jobs.sort((a, b) => (a.payload < b.payload ? -1 : 1));
  return { jobs, paused: tables.pausedQueues() };
}

function becameOf(job: Job) {
  const { type, queue, payload, priority, maxRetries, timeoutMs, idempotencyKey, state, failures, lastError } = job;
  const specification = { type, queue, payload, priority, maxRetries, timeoutMs, idempotencyKey };
  const result = job.state === 'succeeded' ? job.result : null;
  // How an expiry reads tells the number of the attempt, and with it how often the job was started before it was cancelled.
  const error = lastError === null || lastError.name === 'TimeoutError' ? lastError?.name : lastError.message;
  return { ...specification, state, failures, result, error };
}

const NOTHING_KEPT = {
  stream: new Tape({ draw: () => 0 }).stream('survival'),
  allows: () => true,
  fired: () => undefined,
};

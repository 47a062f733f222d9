// Whether what the queue said is what the reference says.
//
// Replies are compared field by field. What the contract leaves open is left open: the order of queues and of refusals, and
// whether names are listed that no job bears any more.

import { JOB_STATES } from '../../core/job/job.ts';
import type { Job, JobId } from '../../core/job/job.ts';
import type { ClientCommand, WorkerCommand } from '../../core/queue/command.ts';
import type { QueueView, Refusal, Reply, Stats } from '../../core/queue/effect.ts';
import type { EventRow } from '../../core/store/tables.ts';
import { Disagreement, sortedText as textOf } from './expected.ts';
import type { Cause, Expected } from './expected.ts';
import type { Reference } from './reference.ts';
import { verdict as verdictOn } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** The events of one turn, and how far they have been followed. */
export type Turn = {
  readonly rows: readonly EventRow[];
  /** The queue's clock in this turn; null until something tells it. */
  at: number | null;
  followed: number;
};

export const turnOf = (rows: readonly EventRow[], at: number | null): Turn => ({ rows, at, followed: 0 });

/** Follows the next event of the turn. */
export function advance(reference: Reference, turn: Turn, cause: Cause): void {
  const row = turn.rows[turn.followed];
  if (row === undefined) throw new Disagreement('nothing more happened');
  turn.followed += 1;
  turn.at = row.at;
  reference.follow(row, cause);
}

type Said = {
  readonly command: ClientCommand | WorkerCommand;
  /** Null where nobody waits for one. */
  readonly reply: Reply | null;
};

/**
 * Null if the command may have been decided and so answered at this point of the turn: what it changed is followed. Else
 * why not, and nothing was followed.
 * @throws {Disagreement} if what it changed fits, and the reply that tells of it does not.
 */
export function meet(reference: Reference, { command, reply }: Said, turn: Turn): string | null {
  const verdict = verdictOn(reference, command);
  const { changes, replays } = verdict;
  if (reply?.kind === 'refused') return refusalsDiffer(reference, verdict, reply.refusals);
  if (changes === null) return reply === null ? null : `not refused: ${verdict.refusals.map(textOf).join(', ')}`;
  for (const [index, { kind, jobId }] of changes.entries()) {
    const row = turn.rows[turn.followed + index];
    const isThere = row?.kind === kind && row.jobId === jobId;
    if (!isThere && reply === null && verdict.optional.length > 0) return null;
    if (!isThere) return `answered, and ${jobId ?? 'its queue'} is not ${kind}`;
  }
  for (const { cause } of changes) advance(reference, turn, cause);
  const difference = reply === null ? null : answerDiffers(reference, command, reply, { replays, turn });
  if (difference !== null && changes.length > 0) throw new Disagreement(`${command.kind}: ${difference}`);
  return difference;
}

function answerDiffers(
  reference: Reference,
  command: ClientCommand | WorkerCommand,
  reply: Reply,
  { replays, turn }: { replays: readonly (JobId | null)[]; turn: Turn },
): string | null {
  const wrongKind = `answered ${reply.kind}`;
  switch (command.kind) {
    case 'submit': {
      if (reply.kind !== 'submitted') return wrongKind;
      const { submissions } = command;
      const expected = submissions.map(
        ({ id }, index) => `${replays[index] ?? id}${replays[index] === null ? '' : ' replayed'}`,
      );
      const told = reply.outcomes.map(({ job, replayed }) => `${job.id}${replayed ? ' replayed' : ''}`);
      return (
        sameList('outcomes', expected, told) ??
        first(reply.outcomes, ({ job }) => jobDiffers(reference.jobs.get(job.id), job))
      );
    }
    case 'get':
    case 'cancel':
    case 'retry': {
      if (reply.kind !== 'job') return wrongKind;
      const job = reference.jobs.get(command.jobId);
      return jobDiffers(job, reply.job) ?? rowsDiffer(job?.history ?? [], reply.history);
    }
    case 'delete':
      return reply.kind === 'deleted' ? null : wrongKind;
    case 'list': {
      if (reply.kind !== 'jobs') return wrongKind;
      const found = reference.page(command.filter, command.before, command.limit);
      const page = found.slice(0, command.limit);
      const nextBefore = found.length > page.length ? (page.at(-1)?.submittedSeq ?? null) : null;
      if (reply.jobs.length !== page.length) return `a page of ${reply.jobs.length} jobs, not ${page.length}`;
      if (reply.nextBefore !== nextBefore) return `the next page begins before ${reply.nextBefore}, not ${nextBefore}`;
      return first(reply.jobs, (job, index) => jobDiffers(page[index], job));
    }
    case 'feed': {
      if (reply.kind !== 'events') return wrongKind;
      const hasGap = reference.forgottenSeq > command.after;
      if (reply.lastSeq !== reference.lastSeq) return `the feed ends at ${reply.lastSeq}, not ${reference.lastSeq}`;
      if (reply.gap !== hasGap) return `the feed tells of ${reply.gap ? 'a' : 'no'} gap`;
      return rowsDiffer(reference.feed(command.after, command.limit), reply.rows);
    }
    case 'stats':
      return reply.kind === 'stats' ? statsDiffer(reference, reply.stats, turn) : wrongKind;
    case 'queues':
      return reply.kind === 'queues' ? queuesDiffer(reference, reply.queues, turn) : wrongKind;
    case 'pause':
    case 'resume':
      if (reply.kind !== 'queue' || reply.queue.name !== command.queue) return wrongKind;
      return viewDiffers(reference, reply.queue, turn);
    case 'extend': {
      const leaseUntil = reference.jobs.get(command.jobId)?.leaseUntil;
      return reply.kind === 'extended' && reply.leaseUntil === leaseUntil ? null : wrongKind;
    }
    case 'progress':
      return reply.kind === 'progressed' ? null : wrongKind;
    default:
      return wrongKind;
  }
}

const FIELDS = [
  'id',
  'state',
  'attempt',
  'failures',
  'crashes',
  'suspect',
  'runAt',
  'startedAt',
  'leaseUntil',
  'finishedAt',
  'result',
  'progress',
  'type',
  'queue',
  'payload',
  'priority',
  'maxRetries',
  'timeoutMs',
  'idempotencyKey',
  'submittedSeq',
  'createdAt',
] as const satisfies (keyof Expected)[];

export function jobDiffers(expected: Expected | undefined, job: Job): string | null {
  if (expected === undefined) return `job ${job.id} is shown, and is not there`;
  const shown: Partial<Record<(typeof FIELDS)[number], unknown>> = job;
  for (const field of FIELDS) {
    const value = shown[field] ?? null;
    if (expected[field] !== undefined && expected[field] !== value) {
      return `${field} of job ${job.id} is shown as ${String(value)}, not ${String(expected[field])}`;
    }
  }
  const errors = [expected.lastError, job.lastError];
  const names = ['name', 'message', 'stack', 'at'] as const;
  const isSame = names.every((name) => errors[0]?.[name] === errors[1]?.[name]);
  return isSame ? null : `the last error of job ${job.id} is shown as ${textOf(errors[1])}, not ${textOf(errors[0])}`;
}

const ROW_FIELDS = ['seq', 'at', 'kind', 'jobId', 'type', 'queue', 'state', 'attempt'] as const;

function rowsDiffer(expected: readonly EventRow[], rows: readonly EventRow[]): string | null {
  if (expected.length !== rows.length) return `${rows.length} events, not ${expected.length}`;
  return first(rows, (row, index) => {
    const other = expected[index];
    if (row === other) return null;
    const isSame =
      ROW_FIELDS.every((name) => row[name] === other?.[name]) && textOf(row.detail) === textOf(other?.detail);
    return isSame ? null : `event ${textOf(row)}, not ${textOf(other)}`;
  });
}

function statsDiffer(reference: Reference, stats: Stats, turn: Turn): string | null {
  const { lastSeq, open, bytes, immeasurable, settings, counts, types } = reference;
  if (stats.durableSeq !== lastSeq) return `event ${stats.durableSeq} is the last, not ${lastSeq}`;
  const numbers = [
    ['depth', stats.depth, open.size],
    ['depth limit', stats.depthLimit, settings.depthLimit],
    ['bytes limit', stats.bytesLimit, settings.bytesLimit],
    ['bytes', stats.bytes, immeasurable > 0 ? stats.bytes : bytes],
    ...JOB_STATES.map((state) => [state, stats.jobs[state], counts[state]] as const),
  ] as const;
  for (const [name, told, expected] of numbers) if (told !== expected) return `${name}: ${told}, not ${expected}`;
  for (const name of new Set([...types.keys(), ...stats.types.keys()])) {
    for (const state of JOB_STATES) {
      const [told, expected] = [stats.types.get(name)?.[state] ?? 0, types.get(name)?.[state] ?? 0];
      if (told !== expected) return `${state} jobs of type ${name}: ${told}, not ${expected}`;
    }
  }
  return queuesDiffer(reference, stats.queues, turn);
}

/** Every queue with a job that waits or runs, and every paused one, must be there. */
function queuesDiffer(reference: Reference, views: readonly QueueView[], turn: Turn): string | null {
  const names = new Set(views.map(({ name }) => name));
  if (names.size !== views.length) return 'a queue is told of twice';
  for (const { queue } of reference.open) if (!names.has(queue)) return `queue ${queue} is left out`;
  for (const queue of reference.paused) if (!names.has(queue)) return `the paused queue ${queue} is left out`;
  return first(views, (view) => viewDiffers(reference, view, turn));
}

function viewDiffers(reference: Reference, view: QueueView, turn: Turn): string | null {
  let pending = 0;
  let running = 0;
  let oldest: Expected | undefined;
  for (const job of reference.open) {
    if (job.queue !== view.name) continue;
    if (job.state === 'running') running += 1;
    else {
      pending += 1;
      if (oldest === undefined || job.submittedSeq < oldest.submittedSeq) oldest = job;
    }
  }
  const told = `${view.pending} pending, ${view.running} running${view.paused ? ', paused' : ''}`;
  const expected = `${pending} pending, ${running} running${reference.paused.has(view.name) ? ', paused' : ''}`;
  if (told !== expected) return `queue ${view.name}: ${told}; not ${expected}`;
  const { oldestPendingMs } = view;
  if (oldest === undefined || oldestPendingMs === null) {
    return oldest === undefined && oldestPendingMs === null ? null : `queue ${view.name} waits ${oldestPendingMs} ms`;
  }
  const at = oldest.createdAt + oldestPendingMs;
  if (turn.at === null && at >= reference.lastAt) turn.at = at;
  return at === turn.at ? null : `queue ${view.name} waits ${oldestPendingMs} ms: it is ${turn.at}, not ${at}`;
}

function first<Item>(items: readonly Item[], test: (item: Item, index: number) => string | null): string | null {
  for (const [index, item] of items.entries()) {
    const found = test(item, index);
    if (found !== null) return found;
  }
  return null;
}

function refusalsDiffer({ immeasurable }: Reference, verdict: Verdict, told: readonly Refusal[]): string | null {
  const { changes, refusals, optional } = verdict;
  const isHeavy = told.every(({ reason }) => reason === 'bytes-limit');
  if (immeasurable > 0 && isHeavy && refusals.every(({ reason }) => reason === 'bytes-limit')) return null;
  if (changes !== null && optional.length === 0) return `refused: ${told.map(textOf).join(', ')}`;
  const open = new Set(optional.map(textOf));
  const others = told.map(textOf).filter((text) => !open.has(text));
  return sameList('refusals', refusals.map(textOf), others);
}

function sameList(what: string, expected: readonly string[], told: readonly string[]): string | null {
  const [one, other] = [[...expected].sort(), [...told].sort()];
  const isSame = one.length === other.length && one.every((text, index) => text === other[index]);
  return isSame ? null : `${what}: ${told.join(', ')}; not ${expected.join(', ')}`;
}

// Whether what the queue said is what the reference says.
//
// Replies are compared field by field. What the contract leaves open is left open: the order of queues and of refusals, and
// whether names are listed that no job bears any more.

import type { Job } from '../../core/job/job.ts';
import type { ClientCommand, WorkerCommand } from '../../core/queue/command.ts';
import type { QueueView, Reply } from '../../core/queue/effect.ts';
import type { EventRow } from '../../core/store/tables.ts';
import { differs, textOf } from './difference.ts';
import { Disagreement } from './disagreement.ts';
import type { Cause, Expected, Reference } from './reference.ts';
import { named, queueOf, shown } from './shown.ts';
import { verdict } from './verdict.ts';

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
  const { must, may, changes } = verdict(reference, command);
  if (reply?.kind === 'refused') {
    const fits = (refusal: unknown) => (other: unknown) => differs('', refusal, other) === null;
    const others = reply.refusals.filter((told) => !may.some((refusal) => fits(refusal)(told)));
    const isMeant = must.length > 0 || may.length > 0;
    const isSame = others.length === must.length && must.every((refusal) => others.some(fits(refusal)));
    return isMeant && isSame ? null : `refused: ${textOf(reply.refusals)}, not ${textOf(must)}`;
  }
  if (must.length > 0) return reply === null ? null : `not refused: ${textOf(must)}`;
  for (const [index, { kind, jobId }] of changes.entries()) {
    const row = turn.rows[turn.followed + index];
    const isThere = row?.kind === kind && row.jobId === jobId;
    if (!isThere && reply === null && may.length > 0) return null;
    if (!isThere) return `answered, and ${jobId ?? 'its queue'} is not ${kind}`;
  }
  for (const { cause } of changes) advance(reference, turn, cause);
  if (reply === null) return null;
  const difference = differs('the reply', shown(reference, command), told(reply, reference, turn));
  if (difference !== null && changes.length > 0) throw new Disagreement(`${command.kind}: ${difference}`);
  return difference;
}

export function jobDiffers(expected: Expected | undefined, job: Job): string | null {
  return expected === undefined ? `job ${job.id} is shown, and is not there` : differs(`job ${job.id}`, expected, job);
}

/** The reply in the words of the reference. */
function told(reply: Reply, reference: Reference, turn: Turn): unknown {
  const { kind } = reply;
  /** How long a queue waits says what time it is, if nothing else has. */
  const queueTold = ({ name, oldestPendingMs: waitMs, ...view }: QueueView): object => {
    const { oldestPendingAt } = queueOf(reference, name);
    const at = waitMs === null || oldestPendingAt === null ? null : oldestPendingAt + waitMs;
    if (turn.at === null && at !== null && at >= reference.last.at) turn.at = at;
    return { ...view, oldestPendingAt: waitMs === null ? null : (turn.at ?? Number.NaN) - waitMs };
  };
  const queuesTold = (views: readonly QueueView[]): ReadonlyMap<string, object> => {
    const names = new Set(views.map(({ name }) => name));
    if (names.size !== views.length) throw new Disagreement('a queue is told of twice');
    return named(views.map((view) => [view.name, queueTold(view)]));
  };
  if (kind === 'queue') return { kind, name: reply.queue.name, queue: queueTold(reply.queue) };
  if (kind === 'queues') return { kind, queues: queuesTold(reply.queues) };
  if (kind !== 'stats') return reply;
  const { queues, types, ...others } = reply.stats;
  return { kind, stats: { ...others, queues: queuesTold(queues), types: named([...types]) } };
}

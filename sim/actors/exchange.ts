// What passes between a client and the server, and how it reads in a trace.

import type { ClientCommand } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { JobId } from '../../core/job/job.ts';
import type { EventRow } from '../../core/store/tables.ts';

/** A request on its way: the command is made anew for each arrival, as the server gives out the job ids. */
export type Message = {
  readonly client: string;
  readonly command: (newJobId: () => JobId) => ClientCommand;
  /** The highest event number that anybody had been shown when it was sent. */
  readonly shownSeq: number;
  readonly answer: (reply: Reply) => void;
  /** Nobody listens, or the connection broke. */
  readonly refused: () => void;
};

export function describeReply(reply: Reply): string {
  switch (reply.kind) {
    case 'submitted':
      return reply.outcomes.map(({ job, replayed }) => `${replayed ? 'replayed' : 'created'} ${job.id}`).join(', ');
    case 'job':
      return `${reply.job.id} ${reply.job.state}`;
    case 'refused':
      return `refused ${reply.refusals.map(({ reason }) => reason).join(', ')}`;
    default:
      return reply.kind;
  }
}

/** An event of the feed; of an attempt that ended badly also where its job went from there. */
export function describeNews({ seq, at, kind, jobId, attempt, state, detail }: EventRow): string {
  const whose = `${seq} ${kind} ${jobId ?? ''}${attempt === null ? '' : `#${attempt}`}`;
  if (kind !== 'failed' && kind !== 'expired' && kind !== 'crashed') return whose;
  const waitMs = (detail?.runAt ?? at) - at;
  return `${whose} (${state === 'pending' ? `pending ${waitMs === 0 ? 'at once' : `in ${waitMs} ms`}` : (state ?? '')})`;
}

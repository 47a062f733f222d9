import type { Job, JobId } from '../../core/job/job.ts';
import type { ClientCommand, Submission } from '../../core/queue/command.ts';
import type { Refusal, Reply } from '../../core/queue/effect.ts';
import type { EventRow } from '../../core/store/tables.ts';
import type { Exchange } from '../ledger.ts';
import { slotSpecification } from '../oracles/job-slot.ts';
import type { Glimpse, SlotAct } from '../oracles/job-slot.ts';
import { linearize } from '../oracles/linearizability.ts';
import type { Operation } from '../oracles/linearizability.ts';
import type { Check } from './check.ts';

/** Refusals of a submission that are given only after its key was looked up in vain. */
const KEY_IS_FREE: ReadonlySet<Refusal['reason']> = new Set([
  'unknown-type',
  'payload-mismatch',
  'depth-limit',
  'bytes-limit',
  'read-only',
]);

type Told = { readonly id: JobId; readonly act: SlotAct };

export const linearizable: Check = {
  name: 'O2',
  sentence: 'all answers about a job or a key fit one order of what was asked, each between its request and its reply',
  watch({ settings, fail }) {
    // Moments are counted: two of them are never equal, which two instants may be.
    let moment = 0;
    let canForget = false;
    const open = new Map<Exchange, number>();
    /** The slot of each job: its idempotency key, or its own id. */
    const slots = new Map<JobId, string>();
    const operations = new Map<string, Operation<SlotAct>[]>();

    const record = (told: readonly Told[], invokedAt: number, returnedAt: number | null): void => {
      for (const { id, act } of told) {
        const slot = slots.get(id) ?? id;
        const known = operations.get(slot);
        if (known === undefined) operations.set(slot, [{ act, invokedAt, returnedAt }]);
        else known.push({ act, invokedAt, returnedAt });
      }
    };

    return {
      offered(exchange) {
        const { command } = exchange;
        if (command.kind === 'submit') {
          for (const { id, idempotencyKey } of command.submissions) {
            if (idempotencyKey !== null) slots.set(id, `key ${idempotencyKey}`);
          }
        }
        moment += 1;
        open.set(exchange, moment);
      },
      released(effect, exchange) {
        if (effect.kind !== 'reply' || exchange === undefined) return;
        const invokedAt = open.get(exchange);
        if (invokedAt === undefined) return;
        open.delete(exchange);
        moment += 1;
        const { reply } = effect;
        const isUnknown = reply.kind === 'refused' && reply.refusals.some(({ reason }) => reason === 'outcome-unknown');
        if (isUnknown) record(perhaps(exchange.command), invokedAt, null);
        else record(told(exchange.command, reply), invokedAt, moment);
      },
      recovered() {
        canForget ||= settings().retentionMs > 0;
      },
      ended() {
        for (const [exchange, invokedAt] of open) record(perhaps(exchange.command), invokedAt, null);
        const specification = slotSpecification({ canForget });
        for (const [slot, all] of operations) {
          const finding = linearize(specification, all);
          if (finding.kind !== 'impossible') continue;
          fail(`${describe(finding.stuckAt)} fits no order of the ${all.length} requests to ${slot}`);
        }
      },
    };
  },
};

/** What the reply says about each job that the command names. */
function told(command: ClientCommand, reply: Reply): readonly Told[] {
  if (reply.kind === 'jobs')
    return reply.jobs.map((job) => ({ id: job.id, act: { kind: 'seen', seen: glimpse(job) } }));
  if (reply.kind === 'refused') return reply.refusals.flatMap((refusal) => refused(command, refusal));
  switch (command.kind) {
    case 'submit':
      return reply.kind === 'submitted' ? submitted(command.submissions, reply.outcomes) : [];
    case 'get':
    case 'cancel':
    case 'retry': {
      if (reply.kind !== 'job') return [];
      const kind = ({ get: 'seen', cancel: 'cancelled', retry: 'retried' } as const)[command.kind];
      return [{ id: command.jobId, act: { kind, seen: glimpse(reply.job, reply.history) } }];
    }
    case 'delete':
      return reply.kind === 'deleted' ? [{ id: command.jobId, act: { kind: 'deleted', id: command.jobId } }] : [];
    default:
      return [];
  }
}

function submitted(
  submissions: readonly Submission[],
  outcomes: Extract<Reply, { kind: 'submitted' }>['outcomes'],
): readonly Told[] {
  return submissions.flatMap((submission, index): Told[] => {
    const outcome = outcomes[index];
    if (outcome === undefined) return [];
    const { job, replayed } = outcome;
    const request = requestOf(submission);
    const { id } = submission;
    if (replayed) return [{ id, act: { kind: 'replayed', request, seen: glimpse(job) } }];
    return [{ id, act: { kind: 'created', request, seen: { ...glimpse(job), version: job.submittedSeq } } }];
  });
}

function refused(command: ClientCommand, refusal: Refusal): readonly Told[] {
  if (refusal.reason === 'not-found') return [{ id: refusal.jobId, act: { kind: 'absent', id: refusal.jobId } }];
  if (refusal.reason === 'wrong-state') {
    const { jobId: id, state } = refusal;
    const { kind: asked } = command;
    if (asked !== 'cancel' && asked !== 'retry' && asked !== 'delete') return [];
    return [{ id, act: { kind: 'wrong-state', id, asked, state } }];
  }
  if (command.kind !== 'submit') return [];
  const { submissions } = command;
  if (refusal.reason === 'key-reused') {
    const submission = submissions[refusal.index];
    // The other request may be of the same list: then neither was stored.
    if (submission === undefined || submissions.some(({ id }) => id === refusal.jobId)) return [];
    return [{ id: submission.id, act: { kind: 'key-taken', request: requestOf(submission), id: refusal.jobId } }];
  }
  const [only, ...more] = submissions;
  if (only === undefined || more.length > 0 || !KEY_IS_FREE.has(refusal.reason)) return [];
  return [{ id: only.id, act: { kind: 'key-free' } }];
}

/** What the command may have done, though nobody was told. */
function perhaps(command: ClientCommand): readonly Told[] {
  switch (command.kind) {
    case 'submit':
      return command.submissions.map((submission) => {
        const { id } = submission;
        return { id, act: { kind: 'perhaps-created', request: requestOf(submission), id } };
      });
    case 'cancel':
      return [{ id: command.jobId, act: { kind: 'perhaps-cancelled', id: command.jobId } }];
    case 'retry':
      return [{ id: command.jobId, act: { kind: 'perhaps-retried', id: command.jobId } }];
    case 'delete':
      return [{ id: command.jobId, act: { kind: 'perhaps-deleted', id: command.jobId } }];
    default:
      return [];
  }
}

const requestOf = ({ type, queue, payload }: Submission): string => `${type} ${queue} ${payload}`;

function glimpse(job: Job, history: readonly EventRow[] = []): Glimpse {
  const { id, state, attempt, failures, crashes } = job;
  return { id, state, attempt, failures, crashes, version: history.at(-1)?.seq ?? null };
}

function describe({ act }: Operation<SlotAct>): string {
  if (!('seen' in act))
    return `"${act.kind}"${'state' in act ? ` (${act.id} ${act.state})` : 'id' in act ? ` (${act.id})` : ''}`;
  const { id, state, attempt, failures, crashes } = act.seen;
  return `"${act.kind}" (${id} ${state}, attempt ${attempt}, ${failures} failures, ${crashes} crashes)`;
}

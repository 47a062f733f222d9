// Jobs, events and counts as JSON text: the one place that translates the core's names to the wire's snake_case.
//
// Payloads, results and progress are JSON text already and go out as they are. The text is put together by hand: it is
// the hot path, and an object with a key such as `__proto__` would not survive being built.

import type { Job, JobError } from '../../core/job/job.ts';
import { JOB_STATES, jobBytes } from '../../core/job/job.ts';
import type { QueueView, StateCounts, Stats } from '../../core/queue/effect.ts';
import type { EventRow } from '../../core/store/tables.ts';
import { formatInstant } from './rfc3339.ts';
import { PAGE_TEXT_MAX } from './settings.ts';

const quoted = (text: string): string => JSON.stringify(text);
const quotedOrNull = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text));
const instant = (milliseconds: number | null): string =>
  milliseconds === null ? 'null' : `"${formatInstant(milliseconds)}"`;

export const jobText = (job: Job): string => `{${jobMembers(job)}}`;

export const jobWithHistoryText = (job: Job, history: readonly EventRow[]): string =>
  `{${jobMembers(job)},"history":[${history.map(historyText).join(',')}]}`;

function jobMembers(job: Job): string {
  const finishedAt = 'finishedAt' in job ? job.finishedAt : null;
  return (
    `"id":${quoted(job.id)},"type":${quoted(job.type)},"queue":${quoted(job.queue)},"payload":${job.payload}` +
    `,"state":"${job.state}","priority":${job.priority},"attempt":${job.attempt},"failures":${job.failures}` +
    `,"crashes":${job.crashes},"max_retries":${job.maxRetries},"timeout_ms":${job.timeoutMs}` +
    `,"run_at":${instant(job.runAt)},"idempotency_key":${quotedOrNull(job.idempotencyKey)}` +
    `,"created_at":${instant(job.createdAt)},"started_at":${instant(job.startedAt)}` +
    `,"finished_at":${instant(finishedAt)},"lease_until":${instant(job.state === 'running' ? job.leaseUntil : null)}` +
    `,"progress":${job.progress ?? 'null'},"result":${job.state === 'succeeded' ? job.result : 'null'}` +
    `,"last_error":${job.lastError === null ? 'null' : errorText(job.lastError)}`
  );
}

const errorText = ({ name, message, stack, at }: JobError): string =>
  `{"name":${quoted(name)},"message":${quoted(message)},"stack":${quotedOrNull(stack)},"at":${instant(at)}}`;

function historyText({ seq, at, kind, attempt, detail }: EventRow): string {
  let text = `{"seq":${seq},"at":${instant(at)},"kind":"${kind}","attempt":${attempt ?? 'null'}`;
  if (detail?.runAt !== undefined) text += `,"run_at":${instant(detail.runAt)}`;
  if (detail?.leaseUntil !== undefined) text += `,"lease_until":${instant(detail.leaseUntil)}`;
  if (detail?.error !== undefined) {
    text += `,"error":{"name":${quoted(detail.error.name)},"message":${quoted(detail.error.message)}}`;
  }
  return `${text}}`;
}

export const feedText = ({ seq, at, kind, jobId, type, queue, state, attempt }: EventRow): string =>
  `{"seq":${seq},"at":${instant(at)},"kind":"${kind}","job_id":${quotedOrNull(jobId)},"type":${quotedOrNull(type)}` +
  `,"queue":${quoted(queue)},"state":${quotedOrNull(state)},"attempt":${attempt ?? 'null'}}`;

export type JobPage = { readonly jobs: readonly Job[]; readonly nextBefore: number | null };

/** The page as long as its text may be: it ends early, after at least one job, where the jobs are large. */
export function fittingPage(page: JobPage): JobPage {
  let length = 0;
  for (const [index, job] of page.jobs.entries()) {
    length += jobBytes(job);
    const last = page.jobs[index - 1];
    if (length > PAGE_TEXT_MAX && last !== undefined) {
      return { jobs: page.jobs.slice(0, index), nextBefore: last.submittedSeq };
    }
  }
  return page;
}

export const pageText = (jobs: readonly Job[], nextCursor: string | null): string =>
  `{"jobs":[${jobs.map(jobText).join(',')}],"next_cursor":${quotedOrNull(nextCursor)}}`;

export const submittedText = (outcomes: readonly { readonly job: Job; readonly replayed: boolean }[]): string => {
  const jobs = outcomes.map(
    ({ job, replayed }) => `{"id":${quoted(job.id)},"state":"${job.state}","replayed":${replayed}}`,
  );
  return `{"jobs":[${jobs.join(',')}]}`;
};

export const queueText = ({ name, paused, pending, running, oldestPendingMs }: QueueView): string =>
  `{"name":${quoted(name)},"paused":${paused},"pending":${pending},"running":${running}` +
  `,"oldest_pending_ms":${oldestPendingMs ?? 'null'}}`;

export const queuesText = (queues: readonly QueueView[]): string => `{"queues":[${queues.map(queueText).join(',')}]}`;

export function statsText(stats: Stats, uptimeMs: number): string {
  const queues = stats.queues.map(
    ({ name, pending, running, paused, oldestPendingMs }) =>
      `${quoted(name)}:{"pending":${pending},"running":${running},"paused":${paused}` +
      `,"oldest_pending_ms":${oldestPendingMs ?? 'null'}}`,
  );
  const types = [...stats.types].map(([type, counts]) => `${quoted(type)}:${countsText(counts)}`);
  return (
    `{"jobs":${countsText(stats.jobs)},"queues":{${queues.join(',')}},"types":{${types.join(',')}}` +
    `,"abandoned":${stats.abandoned},"depth":${stats.depth},"depth_limit":${stats.depthLimit}` +
    `,"bytes":${stats.bytes},"bytes_limit":${stats.bytesLimit},"durable_seq":${stats.durableSeq}` +
    `,"uptime_ms":${Math.floor(uptimeMs)}}`
  );
}

const countsText = (counts: StateCounts): string =>
  `{${JOB_STATES.map((state) => `"${state}":${counts[state]}`).join(',')}}`;

// What may be read. Reads are decided in the same steps as changes, so that nobody sees what a crash could take back.

import type { JobId } from '../job/job.ts';
import { FEED_EVENTS_MAX, PAGE_JOBS_MAX } from '../job/limits.ts';
import type { ClientCommand, RequestId } from './command.ts';
import type { QueueView, Stats } from './effect.ts';
import type { Step } from './step.ts';

export type ReadCommand = Extract<ClientCommand, { kind: 'get' | 'list' | 'stats' | 'queues' | 'feed' }>;

export function read(step: Step, requestId: RequestId | null, command: ReadCommand): void {
  switch (command.kind) {
    case 'get':
      return jobReply(step, requestId, command.jobId);
    case 'list':
      return listReply(step, requestId, command);
    case 'stats':
      return step.reply(requestId, { kind: 'stats', stats: stats(step) });
    case 'queues':
      return step.reply(requestId, { kind: 'queues', queues: queueViews(step) });
    case 'feed':
      return feedReply(step, requestId, command);
  }
}

export function jobReply(step: Step, requestId: RequestId | null, jobId: JobId): void {
  const job = step.tables.job(jobId);
  if (job === undefined) return step.refuse(requestId, { reason: 'not-found', jobId });
  step.reply(requestId, { kind: 'job', job, history: step.tables.history(jobId) });
}

export function queueView(step: Step, name: string): QueueView {
  const { pending, running } = step.memory.census.queue(name);
  const oldestPendingAt = pending === 0 ? undefined : step.tables.oldestPendingAt(name);
  return {
    name,
    paused: step.memory.paused.has(name),
    pending,
    running,
    oldestPendingMs: oldestPendingAt === undefined ? null : step.at - oldestPendingAt,
  };
}

/** Every queue that holds a job or is paused, by name. */
function queueViews(step: Step): QueueView[] {
  const names = new Set([...step.memory.census.queueNames, ...step.memory.paused]);
  return [...names].sort().map((name) => queueView(step, name));
}

function stats(step: Step): Stats {
  const { census, abandoned } = step.memory;
  return {
    jobs: census.jobs,
    queues: queueViews(step),
    types: census.types,
    abandoned: abandoned.size,
    depth: census.depth,
    depthLimit: step.settings.depthLimit,
    bytes: census.bytes,
    bytesLimit: step.settings.bytesLimit,
    durableSeq: step.tables.meta().lastSeq,
  };
}

function listReply(step: Step, requestId: RequestId | null, command: Extract<ReadCommand, { kind: 'list' }>): void {
  const limit = Math.min(command.limit, PAGE_JOBS_MAX);
  const found = step.tables.list({ filter: command.filter, before: command.before, limit: limit + 1 });
  const jobs = found.slice(0, limit);
  const nextBefore = found.length > limit ? (jobs.at(-1)?.submittedSeq ?? null) : null;
  step.reply(requestId, { kind: 'jobs', jobs, nextBefore });
}

function feedReply(step: Step, requestId: RequestId | null, command: Extract<ReadCommand, { kind: 'feed' }>): void {
  const { lastSeq, forgottenSeq } = step.tables.meta();
  const rows = step.tables.eventsAfter(command.after, Math.min(command.limit, FEED_EVENTS_MAX));
  step.reply(requestId, { kind: 'events', rows, gap: command.after < forgottenSeq, lastSeq });
}

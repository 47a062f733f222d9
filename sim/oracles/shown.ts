// How the reference looks to those who read it: the reply to each command, once it is granted and what it changed is
// followed. A job, a count or a page is taken from what the reference holds, and nothing is decided.

import type { JobState } from '../../core/job/job.ts';
import type { ClientCommand, WorkerCommand } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import { bytesOf, FEED_ONLY, isMeasured } from './reference.ts';
import type { Expected, Reference } from './reference.ts';

type Shown = { readonly kind: Reply['kind'] } & Readonly<Record<string, unknown>>;
const STATES: readonly JobState[] = ['pending', 'running', 'succeeded', 'dead', 'cancelled'];

/** What the reply must be; null where none is expected. */
export function shown(reference: Reference, command: ClientCommand | WorkerCommand): Shown | null {
  const { jobs, rows, last, forgottenSeq } = reference;
  switch (command.kind) {
    case 'submit': {
      const outcomes = command.submissions.map(({ id, idempotencyKey: key }) => {
        const job = jobs.get(id) ?? all(reference).find(({ idempotencyKey }) => idempotencyKey === key) ?? null;
        return { job, replayed: job?.id !== id };
      });
      return { kind: 'submitted', outcomes };
    }
    case 'get':
    case 'cancel':
    case 'retry': {
      const history = rows.filter(({ kind, jobId }) => jobId === command.jobId && !FEED_ONLY.has(kind));
      return { kind: 'job', job: jobs.get(command.jobId) ?? null, history };
    }
    case 'delete':
      return { kind: 'deleted' };
    case 'list': {
      const { filter, before = Infinity, limit } = command;
      const { state, type, queue } = filter;
      const found = all(reference).filter(
        (job) =>
          job.submittedSeq < before &&
          (state ?? job.state) === job.state &&
          (type ?? job.type) === job.type &&
          (queue ?? job.queue) === job.queue,
      );
      const page = found.reverse().slice(0, limit);
      return {
        kind: 'jobs',
        jobs: page,
        nextBefore: found.length > limit ? (page.at(-1)?.submittedSeq ?? null) : null,
      };
    }
    case 'feed': {
      const page = rows.filter(({ seq }) => seq > command.after).slice(0, command.limit);
      return { kind: 'events', rows: page, gap: forgottenSeq > command.after, lastSeq: last.seq };
    }
    case 'stats':
      return { kind: 'stats', stats: statsOf(reference) };
    case 'queues':
      return { kind: 'queues', queues: queuesOf(reference) };
    case 'pause':
    case 'resume':
      return { kind: 'queue', name: command.queue, queue: queueOf(reference, command.queue) };
    case 'extend':
      return { kind: 'extended', leaseUntil: jobs.get(command.jobId)?.leaseUntil ?? null };
    case 'progress':
      return { kind: 'progressed' };
    default:
      return null;
  }
}

const all = ({ jobs }: Reference): Expected[] => [...jobs.values()];

/** Of whatever bears a name, what there is something to tell of: whether others are listed too is left open. */
export const named = (entries: readonly (readonly [string, object])[]): ReadonlyMap<string, object> =>
  new Map(entries.filter(([, entry]) => Object.values(entry).some(Boolean)));

export function queueOf(reference: Reference, name: string) {
  const pending = reference.in('pending').filter(({ queue }) => queue === name);
  const running = reference.in('running').filter(({ queue }) => queue === name);
  const oldestPendingAt = pending[0]?.createdAt ?? null;
  return { paused: reference.paused.has(name), pending: pending.length, running: running.length, oldestPendingAt };
}

function queuesOf(reference: Reference): ReadonlyMap<string, object> {
  const names = new Set([...reference.paused, ...all(reference).map(({ queue }) => queue)]);
  return named([...names].map((name) => [name, queueOf(reference, name)]));
}

function statsOf(reference: Reference): Readonly<Record<string, unknown>> {
  const { depthLimit, bytesLimit } = reference.settings;
  const jobs = all(reference);
  const counts = (jobs: readonly Expected[]): object =>
    Object.fromEntries(STATES.map((state) => [state, jobs.filter((job) => job.state === state).length]));
  const names = new Set(jobs.map(({ type }) => type));
  return {
    jobs: counts(jobs),
    queues: queuesOf(reference),
    types: named([...names].map((name) => [name, counts(jobs.filter(({ type }) => type === name))])),
    abandoned: reference.abandoned?.size,
    depth: reference.in('pending', 'running').length,
    depthLimit,
    bytes: isMeasured(jobs) ? bytesOf(jobs) : undefined,
    bytesLimit,
    durableSeq: reference.last.seq,
  };
}

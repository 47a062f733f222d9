// What HTTP must answer, given what the queue replied: written from the contract, without the code that answers.

import assert from 'node:assert/strict';
import type { Job } from '../../core/job/job.ts';
import type { ClientCommand } from '../../core/queue/command.ts';
import type { QueueView, Refusal, Reply } from '../../core/queue/effect.ts';
import {
  BulkResultSchema,
  JobPageSchema,
  JobSchema,
  JobWithHistorySchema,
  ProblemSchema,
  QueueSchema,
  QueuesSchema,
  StatsSchema,
} from '../../runtime/http/wire-schema.ts';

/** An answer that has arrived whole. */
export type Answered = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where there is no JSON. */
  readonly body: unknown;
};

const STATUS_OF_REFUSAL: Readonly<Record<Refusal['reason'], number>> = {
  'not-found': 404,
  'wrong-state': 409,
  'lease-lost': 409,
  'unknown-type': 422,
  'payload-mismatch': 422,
  'key-reused': 422,
  'depth-limit': 429,
  'bytes-limit': 429,
  draining: 503,
  overloaded: 503,
  'read-only': 503,
  'disk-failed': 503,
  'outcome-unknown': 503,
};

export async function arrived(response: Response): Promise<Answered> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as unknown) : undefined,
  };
}

/** @throws {AssertionError} unless the answer tells what the queue replied, in the form that the contract promises. */
export function checkAnswer(command: ClientCommand, reply: Reply, answer: Answered): void {
  switch (reply.kind) {
    case 'refused':
      return checkRefusal(reply.refusals, answer);
    case 'submitted':
      return checkSubmitted(command, reply.outcomes, answer);
    case 'job': {
      assert.equal(answer.status, 200);
      if (command.kind !== 'get') return sameJob(JobSchema.parse(answer.body), reply.job);
      const { history, ...job } = JobWithHistorySchema.parse(answer.body);
      sameJob(job, reply.job);
      assert.deepEqual(
        history.map(({ seq, at, kind, attempt }) => [seq, at, kind, attempt]),
        reply.history.map(({ seq, at, kind, attempt }) => [seq, instant(at), kind, attempt]),
      );
      return;
    }
    case 'jobs': {
      assert.equal(answer.status, 200);
      const page = JobPageSchema.parse(answer.body);
      assert.equal(page.jobs.length, reply.jobs.length);
      for (const [index, job] of reply.jobs.entries()) sameJob(page.jobs[index], job);
      assert.equal(page.next_cursor, reply.nextBefore === null ? null : String(reply.nextBefore));
      return;
    }
    case 'stats': {
      assert.equal(answer.status, 200);
      const { stats } = reply;
      const told = StatsSchema.parse(answer.body);
      assert.deepEqual(told.jobs, stats.jobs);
      assert.deepEqual(told.types, Object.fromEntries(stats.types));
      const queues = stats.queues.map((queue) => [queue.name, queueCounts(queue)]);
      assert.deepEqual(told.queues, Object.fromEntries(queues));
      const { abandoned, depth, depthLimit, bytes, bytesLimit, durableSeq } = stats;
      assert.deepEqual(
        [told.abandoned, told.depth, told.depth_limit, told.bytes, told.bytes_limit, told.durable_seq],
        [abandoned, depth, depthLimit, bytes, bytesLimit, durableSeq],
      );
      return;
    }
    case 'queues':
      assert.equal(answer.status, 200);
      assert.deepEqual(
        QueuesSchema.parse(answer.body).queues,
        reply.queues.map((queue) => ({ name: queue.name, ...queueCounts(queue) })),
      );
      return;
    case 'queue':
      assert.equal(answer.status, 200);
      assert.deepEqual(QueueSchema.parse(answer.body), { name: reply.queue.name, ...queueCounts(reply.queue) });
      return;
    case 'deleted':
      assert.equal(answer.status, 204);
      assert.equal(answer.text, '');
      return;
    default:
      assert.fail(`${reply.kind} is no reply to a client`);
  }
}

/** A problem of the given status, typed, and with nothing of the machine in it. */
export function checkProblem(answer: Answered, status: number): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  const problem = ProblemSchema.parse(answer.body);
  assert.equal(problem.status, status);
  assert.match(problem.type, /^urn:perdure:problem:[a-z-]+$/);
  assert.doesNotMatch(answer.text, /node_modules|\.ts\b|\n\s+at /);
}

/** Of several refusals the lowest status counts. */
function checkRefusal(refusals: readonly Refusal[], answer: Answered): void {
  const status = Math.min(...refusals.map(({ reason }) => STATUS_OF_REFUSAL[reason]));
  checkProblem(answer, status);
  const mustWait = status === 429 || status === 503;
  assert.equal(/^\d+$/.test(answer.headers.get('retry-after') ?? ''), mustWait);
  const isUnknown = refusals.some(({ reason }) => reason === 'outcome-unknown');
  if (status === 503) assert.equal(answer.text.includes('outcome is unknown'), isUnknown);
}

type Outcomes = Extract<Reply, { kind: 'submitted' }>['outcomes'];

function checkSubmitted(command: ClientCommand, outcomes: Outcomes, answer: Answered): void {
  assert.equal(answer.status, outcomes.every(({ replayed }) => replayed) ? 200 : 201);
  const [first] = outcomes;
  const isSingle = command.kind === 'submit' && command.submissions.length === 1;
  if (!isSingle || first === undefined) {
    const { jobs } = BulkResultSchema.parse(answer.body);
    assert.deepEqual(
      jobs,
      outcomes.map(({ job, replayed }) => ({ id: job.id, state: job.state, replayed })),
    );
    return;
  }
  sameJob(JobSchema.parse(answer.body), first.job);
  assert.equal(answer.headers.get('idempotency-replayed'), first.replayed ? 'true' : null);
  assert.equal(answer.headers.get('location'), first.replayed ? null : `/jobs/${first.job.id}`);
}

function sameJob(told: unknown, job: Job): void {
  assert.deepEqual(told, {
    id: job.id,
    type: job.type,
    queue: job.queue,
    payload: JSON.parse(job.payload) as unknown,
    state: job.state,
    priority: job.priority,
    attempt: job.attempt,
    failures: job.failures,
    crashes: job.crashes,
    max_retries: job.maxRetries,
    timeout_ms: job.timeoutMs,
    run_at: instant(job.runAt),
    idempotency_key: job.idempotencyKey,
    created_at: instant(job.createdAt),
    started_at: job.startedAt === null ? null : instant(job.startedAt),
    finished_at: 'finishedAt' in job ? instant(job.finishedAt) : null,
    lease_until: job.state === 'running' ? instant(job.leaseUntil) : null,
    progress: job.progress === null ? null : (JSON.parse(job.progress) as unknown),
    result: job.state === 'succeeded' ? (JSON.parse(job.result) as unknown) : null,
    last_error: job.lastError === null ? null : { ...job.lastError, at: instant(job.lastError.at) },
  });
}

const queueCounts = ({ paused, pending, running, oldestPendingMs }: QueueView) => ({
  paused,
  pending,
  running,
  oldest_pending_ms: oldestPendingMs,
});

const instant = (milliseconds: number): string => new Date(milliseconds).toISOString();

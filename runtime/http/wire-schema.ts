// The answers as the OpenAPI document describes them. They are written by wire.ts; a test holds the two together.

import { z } from '@hono/zod-openapi';
import { HISTORY_KINDS } from '../../core/job/event.ts';
import { JOB_STATES } from '../../core/job/job.ts';

const instant = z.string().openapi({ format: 'date-time', example: '2030-01-31T12:00:00.000Z' });
const count = z.int().min(0);
const state = z.enum(JOB_STATES);
const counts = z.strictObject({
  pending: count,
  running: count,
  succeeded: count,
  dead: count,
  cancelled: count,
});

const lastError = z
  .strictObject({ name: z.string(), message: z.string(), stack: z.string().nullable(), at: instant })
  .openapi({ description: 'The latest failure; it stays.' });

const jobFields = {
  id: z.string().openapi({ example: '01943d6e-7c2f-7a31-9c55-2f6d1c1f0a77' }),
  type: z.string().openapi({ example: 'email' }),
  queue: z.string().openapi({ example: 'default' }),
  payload: z.unknown().openapi({ example: { email: 'ada@example.com', subject: 'Hello', message: 'It is stored.' } }),
  state,
  priority: z.int(),
  attempt: count.openapi({ description: 'Starts so far.' }),
  failures: count.openapi({ description: 'Attempts that threw or outlived their lease.' }),
  crashes: count.openapi({ description: 'Attempts whose process died under them.' }),
  max_retries: count,
  timeout_ms: count,
  run_at: instant,
  idempotency_key: z.string().nullable(),
  created_at: instant,
  started_at: instant.nullable().openapi({ description: 'The latest start.' }),
  finished_at: instant.nullable(),
  lease_until: instant.nullable().openapi({ description: 'Null unless running.' }),
  progress: z.unknown().openapi({ description: 'What the handler reported last.' }),
  result: z.unknown().openapi({ description: 'What the handler returned.' }),
  last_error: lastError.nullable(),
};

/** The generator takes fields of any JSON value for optional ones, but all fields are always there. */
const alwaysThere = (fields: object): { required: string[] } => ({ required: Object.keys(fields) });

export const JobSchema = z.strictObject(jobFields).openapi('Job', alwaysThere(jobFields));

// Not an extension of Job: the document would say "a Job, and a history", and a Job has no further fields.
export const JobWithHistorySchema = z
  .strictObject({
    ...jobFields,
    history: z.array(
      z.strictObject({
        seq: count,
        at: instant,
        kind: z.enum([...HISTORY_KINDS]),
        attempt: count.nullable(),
        run_at: instant.optional(),
        lease_until: instant.optional(),
        error: z.strictObject({ name: z.string(), message: z.string() }).optional(),
      }),
    ),
  })
  .openapi('JobWithHistory', alwaysThere({ ...jobFields, history: true }));

export const JobPageSchema = z
  .strictObject({ jobs: z.array(JobSchema), next_cursor: z.string().nullable() })
  .openapi('JobPage');

export const BulkResultSchema = z
  .strictObject({ jobs: z.array(z.strictObject({ id: z.string(), state, replayed: z.boolean() })) })
  .openapi('BulkResult');

const oldestPendingMs = count.nullable();

export const QueueSchema = z
  .strictObject({
    name: z.string(),
    paused: z.boolean(),
    pending: count,
    running: count,
    oldest_pending_ms: oldestPendingMs,
  })
  .openapi('Queue');

export const QueuesSchema = z.strictObject({ queues: z.array(QueueSchema) }).openapi('Queues');

export const StatsSchema = z
  .strictObject({
    jobs: counts,
    queues: z.record(
      z.string(),
      z.strictObject({ pending: count, running: count, paused: z.boolean(), oldest_pending_ms: oldestPendingMs }),
    ),
    types: z.record(z.string(), counts),
    abandoned: count,
    depth: count,
    depth_limit: count,
    bytes: count,
    bytes_limit: count,
    durable_seq: count,
    uptime_ms: count,
  })
  .openapi('Stats');

export const FeedEventSchema = z
  .strictObject({
    seq: count,
    at: instant,
    kind: z.string(),
    job_id: z.string().nullable(),
    type: z.string().nullable(),
    queue: z.string(),
    state: state.nullable(),
    attempt: count.nullable(),
  })
  .openapi('FeedEvent');

export const FeedGapSchema = z
  .strictObject({
    kind: z.literal('gap'),
    after: count.openapi({ description: 'Behind this number events are forgotten.' }),
    next: count.nullable().openapi({ description: 'The oldest event behind it that is kept.' }),
  })
  .openapi('FeedGap');

export const HealthSchema = z.strictObject({ status: z.literal('ok') }).openapi('Health');

export const ReadinessSchema = z
  .strictObject({ status: z.literal('ready'), warnings: z.array(z.string()) })
  .openapi('Readiness');

export const ProblemSchema = z
  .strictObject({
    type: z.string().openapi({ format: 'uri', example: 'urn:perdure:problem:not-found' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    errors: z
      .array(z.strictObject({ path: z.string().openapi({ description: 'A JSON Pointer.' }), message: z.string() }))
      .optional(),
  })
  .openapi('Problem');

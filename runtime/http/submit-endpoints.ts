// POST /createJob, POST /jobs (the same operation) and POST /createJobs.
//
// What is checked, in order: content type (415), size (413), UTF-8 and JSON and fields (400). The rest (known
// type, key, the verdict of the type's schema, limits) is the queue's to decide, because only it knows a replay.

import { z } from '@hono/zod-openapi';
import type { RouteConfig } from '@hono/zod-openapi';
import type { Submission } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import { withBody } from './body.ts';
import type { BodyBudget } from './body.ts';
import { parseBulk } from './bulk.ts';
import type { Endpoint } from './endpoint.ts';
import { askToSubmit } from './payload-schema.ts';
import { accept, invalid, pointer, problemResponse, refuse } from './problem.ts';
import type { FieldError, Outcome, Problem } from './problem.ts';
import { refusalProblem } from './refusal.ts';
import { json } from './reply.ts';
import { headerLines } from './request.ts';
import type { HttpContext } from './request.ts';
import { jsonResponse, problemResponses } from './responses.ts';
import type { Services } from './services.ts';
import { BULK_BODY_FACTOR } from './settings.ts';
import { parseSubmission } from './submission.ts';
import { BulkSubmissionSchema, SubmissionSchema } from './submission-schema.ts';
import { jobText, submittedText } from './wire.ts';
import { BulkResultSchema, JobSchema } from './wire-schema.ts';

type Submitted = Extract<Reply, { kind: 'submitted' }>['outcomes'];

const single = (): string => '';
const inBulk = (index: number): string => pointer('jobs', index);

const KEY_IN_BULK: FieldError = {
  path: '/Idempotency-Key',
  message: 'is not taken here: each job has its own idempotency_key',
};

/** Beside every other error of the same status. */
function keyInBulk(parsed: Outcome<unknown>): Problem {
  const others = parsed.ok || parsed.problem.kind !== 'invalid-request' ? [] : (parsed.problem.errors ?? []);
  return invalid([KEY_IN_BULK, ...others]);
}

export function submitEndpoints(services: Services): Endpoint[] {
  const { queue, http } = services;
  const budget: BodyBudget = { bytes: 0 };
  const newJobId = () => queue.newJobId();

  const submitOne = async (context: HttpContext): Promise<Response> => {
    const keyLines = headerLines(context, 'idempotency-key');
    const outcome = await withBody(context, { bytesMax: http.bodyBytesMax, budget }, async (text) => {
      const parsed = parseSubmission(text, { keyLines, newJobId });
      if (!parsed.ok) return parsed;
      return answer(await submit(services, [parsed.value], single), oneSubmitted);
    });
    return outcome.ok ? outcome.value : problemResponse(outcome.problem);
  };

  const submitMany = async (context: HttpContext): Promise<Response> => {
    const hasKey = headerLines(context, 'idempotency-key').length > 0;
    const bytesMax = http.bodyBytesMax * BULK_BODY_FACTOR;
    const outcome = await withBody(context, { bytesMax, budget }, async (text) => {
      const parsed = await parseBulk(text, { jobBytesMax: http.bodyBytesMax, newJobId });
      if (hasKey) return refuse(keyInBulk(parsed));
      if (!parsed.ok) return parsed;
      return answer(await submit(services, parsed.value, inBulk), manySubmitted);
    });
    return outcome.ok ? outcome.value : problemResponse(outcome.problem);
  };

  const guarded = http.authToken !== null;
  return [
    { route: submitRoute('/createJob', guarded), query: [], answer: submitOne },
    { route: submitRoute('/jobs', guarded), query: [], answer: submitOne },
    { route: bulkRoute(guarded), query: [], answer: submitMany },
  ];
}

async function submit(
  { queue }: Services,
  submissions: readonly Submission[],
  prefix: (index: number) => string,
): Promise<Outcome<Submitted>> {
  const reply = await askToSubmit(queue, submissions);
  if (reply.kind === 'submitted') return accept(reply.outcomes);
  const refusals = reply.kind === 'refused' ? reply.refusals : [];
  return refuse(refusalProblem(refusals, { types: queue.types.keys(), prefix }));
}

const answer = (outcome: Outcome<Submitted>, build: (submitted: Submitted) => Response): Outcome<Response> =>
  outcome.ok ? accept(build(outcome.value)) : outcome;

function oneSubmitted([outcome]: Submitted): Response {
  if (outcome === undefined) return problemResponse({ kind: 'internal', detail: 'The queue stored no job.' });
  const text = jobText(outcome.job);
  if (outcome.replayed) return json(200, text, { 'idempotency-replayed': 'true' });
  return json(201, text, { location: `/jobs/${outcome.job.id}` });
}

function manySubmitted(outcomes: Submitted): Response {
  return json(outcomes.every(({ replayed }) => replayed) ? 200 : 201, submittedText(outcomes));
}

const STATUSES = [408, 413, 415, 422, 429, 503];

function submitRoute(path: string, guarded: boolean): RouteConfig {
  return {
    method: 'post',
    path,
    operationId: path === '/jobs' ? 'createJobUnderJobs' : 'createJob',
    summary: 'Submit a job',
    description: 'Answered when the job is durable: it survives a power cut from then on.',
    tags: ['Submit'],
    request: {
      headers: z.object({
        'Idempotency-Key': z.string().min(1).optional().openapi({
          description: 'The same as the field `idempotency_key`, bare or in double quotes.',
          example: 'order-1017',
        }),
      }),
      body: { required: true, content: { 'application/json': { schema: SubmissionSchema } } },
    },
    responses: {
      201: jsonResponse(
        JobSchema,
        'The job is durable',
        z.object({ Location: z.string().openapi({ description: 'The path of the job.' }) }),
      ),
      200: jsonResponse(
        JobSchema,
        'The same key came before with the same request: the job it made',
        z.object({ 'Idempotency-Replayed': z.literal('true') }),
      ),
      ...problemResponses(STATUSES, { unsafe: true, guarded }),
    },
  };
}

function bulkRoute(guarded: boolean): RouteConfig {
  return {
    method: 'post',
    path: '/createJobs',
    operationId: 'createJobs',
    summary: 'Submit many jobs, all or nothing',
    tags: ['Submit'],
    request: { body: { required: true, content: { 'application/json': { schema: BulkSubmissionSchema } } } },
    responses: {
      201: jsonResponse(BulkResultSchema, 'The jobs are durable, in the order of the request'),
      200: jsonResponse(BulkResultSchema, 'All of them are replays'),
      ...problemResponses(STATUSES, { unsafe: true, guarded }),
    },
  };
}

// GET /jobs, GET and DELETE /jobs/{id}, POST /jobs/{id}/cancel and /retry.

import { z } from '@hono/zod-openapi';
import type { RouteConfig } from '@hono/zod-openapi';
import { JOB_STATES, JobId } from '../../core/job/job.ts';
import { PAGE_JOBS_MAX } from '../../core/job/limits.ts';
import type { ClientCommand } from '../../core/queue/command.ts';
import type { Endpoint } from './endpoint.ts';
import { problemResponse } from './problem.ts';
import { cursorText, LIST_PARAMETERS, listQuery, PAGE_JOBS_DEFAULT } from './query.ts';
import { replyResponse } from './reply-response.ts';
import { json, noContent } from './reply.ts';
import type { HttpContext } from './request.ts';
import { jsonResponse, problemResponses } from './responses.ts';
import type { Services } from './services.ts';
import { NAME_PATTERN } from './submission-schema.ts';
import { fittingPage, jobText, jobWithHistoryText, pageText } from './wire.ts';
import { JobPageSchema, JobSchema, JobWithHistorySchema } from './wire-schema.ts';

const idOf = (context: HttpContext): JobId => JobId(context.req.param('id') ?? '');

export function jobEndpoints({ queue, http }: Services): Endpoint[] {
  const guarded = http.authToken !== null;
  const ask = async (command: ClientCommand, expected: Parameters<typeof replyResponse>[1]): Promise<Response> =>
    replyResponse(await queue.ask(command), expected);
  return [
    {
      route: listRoute(guarded),
      query: LIST_PARAMETERS,
      answer: (_, values) => {
        const query = listQuery(values);
        if (!query.ok) return problemResponse(query.problem);
        return ask({ kind: 'list', ...query.value }, (reply) => {
          if (reply.kind !== 'jobs') return undefined;
          const { jobs, nextBefore } = fittingPage(reply);
          return json(200, pageText(jobs, cursorText(nextBefore)));
        });
      },
    },
    {
      route: jobRoute('get', '/jobs/{id}', {
        operationId: 'getJob',
        summary: 'A job and what happened to it',
        success: { 200: jsonResponse(JobWithHistorySchema, 'The job with its history, oldest first') },
        statuses: [404, 503],
        guarded,
      }),
      query: [],
      answer: (context) =>
        ask({ kind: 'get', jobId: idOf(context) }, (reply) =>
          reply.kind === 'job' ? json(200, jobWithHistoryText(reply.job, reply.history)) : undefined,
        ),
    },
    {
      route: jobRoute('delete', '/jobs/{id}', {
        operationId: 'deleteJob',
        summary: 'Forget a job that is over, its key with it',
        success: { 204: { description: 'The job is forgotten' } },
        statuses: [404, 409, 503],
        guarded,
      }),
      query: [],
      answer: (context) =>
        ask({ kind: 'delete', jobId: idOf(context) }, (reply) => (reply.kind === 'deleted' ? noContent() : undefined)),
    },
    ...(['cancel', 'retry'] as const).map((kind): Endpoint => ({
      route: jobRoute('post', `/jobs/{id}/${kind}`, {
        operationId: `${kind}Job`,
        summary: kind === 'cancel' ? 'Cancel a job that is not over' : 'Run a dead or cancelled job again, from now on',
        success: { 200: jsonResponse(JobSchema, kind === 'cancel' ? 'The cancelled job' : 'The pending job') },
        statuses: [404, 409, 503],
        guarded,
      }),
      query: [],
      answer: (context) =>
        ask({ kind, jobId: idOf(context) }, (reply) =>
          reply.kind === 'job' ? json(200, jobText(reply.job)) : undefined,
        ),
    })),
  ];
}

function listRoute(guarded: boolean): RouteConfig {
  return {
    method: 'get',
    path: '/jobs',
    operationId: 'listJobs',
    summary: 'Jobs, newest first',
    description:
      'A page neither skips nor repeats a job while others are added. It may end before its limit where the jobs are large.',
    tags: ['Jobs'],
    request: {
      query: z.object({
        state: z.enum(JOB_STATES).optional(),
        type: z.string().regex(NAME_PATTERN).optional(),
        queue: z.string().regex(NAME_PATTERN).optional(),
        limit: z.int().min(1).max(PAGE_JOBS_MAX).optional().openapi({ default: PAGE_JOBS_DEFAULT }),
        cursor: z
          .string()
          .regex(/^[1-9]\d*$/)
          .optional()
          .openapi({ description: '`next_cursor` of the page before.' }),
      }),
    },
    responses: {
      200: jsonResponse(JobPageSchema, 'One page; `next_cursor` is null on the last one'),
      ...problemResponses([503], { unsafe: false, guarded }),
    },
  };
}

function jobRoute(
  method: 'get' | 'post' | 'delete',
  path: string,
  options: {
    readonly operationId: string;
    readonly summary: string;
    readonly success: RouteConfig['responses'];
    readonly statuses: readonly number[];
    readonly guarded: boolean;
  },
): RouteConfig {
  const { operationId, summary, success, statuses, guarded } = options;
  return {
    method,
    path,
    operationId,
    summary,
    tags: ['Jobs'],
    request: { params: z.object({ id: z.string() }) },
    responses: { ...success, ...problemResponses(statuses, { unsafe: method !== 'get', guarded }) },
  };
}

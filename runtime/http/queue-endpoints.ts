// GET /stats, GET /queues, POST /queues/{name}/pause and /resume.

import { z } from '@hono/zod-openapi';
import type { RouteConfig } from '@hono/zod-openapi';
import type { Endpoint } from './endpoint.ts';
import { invalid, problemResponse } from './problem.ts';
import { replyResponse } from './reply-response.ts';
import { json } from './reply.ts';
import { jsonResponse, problemResponses } from './responses.ts';
import type { Services } from './services.ts';
import { NAME_PATTERN } from './submission-schema.ts';
import { queuesText, queueText, statsText } from './wire.ts';
import { QueueSchema, QueuesSchema, StatsSchema } from './wire-schema.ts';

export function queueEndpoints({ queue, http }: Services): Endpoint[] {
  const guarded = http.authToken !== null;
  return [
    {
      route: readRoute('/stats', {
        summary: 'Counts',
        success: jsonResponse(StatsSchema, 'Counts of all jobs'),
        guarded,
      }),
      query: [],
      answer: async () =>
        replyResponse(await queue.ask({ kind: 'stats' }), (reply) =>
          reply.kind === 'stats' ? json(200, statsText(reply.stats, queue.uptimeMs())) : undefined,
        ),
    },
    {
      route: readRoute('/queues', {
        summary: 'All queues',
        success: jsonResponse(QueuesSchema, 'The queues'),
        guarded,
      }),
      query: [],
      answer: async () =>
        replyResponse(await queue.ask({ kind: 'queues' }), (reply) =>
          reply.kind === 'queues' ? json(200, queuesText(reply.queues)) : undefined,
        ),
    },
    ...(['pause', 'resume'] as const).map((kind): Endpoint => ({
      route: switchRoute(kind, guarded),
      query: [],
      answer: async (context) => {
        const name = context.req.param('name') ?? '';
        if (!NAME_PATTERN.test(name)) return problemResponse(BAD_NAME);
        return replyResponse(await queue.ask({ kind, queue: name }), (reply) =>
          reply.kind === 'queue' ? json(200, queueText(reply.queue)) : undefined,
        );
      },
    })),
  ];
}

const BAD_NAME = invalid([{ path: '/name', message: 'must be 1 to 128 of A-Z a-z 0-9 . _ : -' }]);

function readRoute(
  path: string,
  options: {
    readonly summary: string;
    readonly success: RouteConfig['responses'][string];
    readonly guarded: boolean;
  },
): RouteConfig {
  return {
    method: 'get',
    path,
    operationId: path === '/stats' ? 'getStats' : 'listQueues',
    summary: options.summary,
    tags: ['Queues'],
    responses: { 200: options.success, ...problemResponses([503], { unsafe: false, guarded: options.guarded }) },
  };
}

function switchRoute(kind: 'pause' | 'resume', guarded: boolean): RouteConfig {
  return {
    method: 'post',
    path: `/queues/{name}/${kind}`,
    operationId: `${kind}Queue`,
    summary: kind === 'pause' ? 'Start no job of a queue until it is resumed' : 'Let a queue go on',
    description: 'The queue need not be known. What is running goes on. It survives restarts.',
    tags: ['Queues'],
    request: { params: z.object({ name: z.string().regex(NAME_PATTERN) }) },
    responses: { 200: jsonResponse(QueueSchema, 'The queue'), ...problemResponses([503], { unsafe: true, guarded }) },
  };
}

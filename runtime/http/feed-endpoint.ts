// GET /events: the live feed as server-sent events (feed-reader.ts has its rules).

import { z } from '@hono/zod-openapi';
import { markEndless } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import { Feed } from './feed.ts';
import { problemResponse } from './problem.ts';
import type { Problem } from './problem.ts';
import { feedStart } from './query.ts';
import { eventStream } from './reply.ts';
import { header } from './request.ts';
import { problemResponses } from './responses.ts';
import type { Services } from './services.ts';
import { FeedEventSchema, FeedGapSchema } from './wire-schema.ts';

const TOO_MANY: Problem = { kind: 'overloaded', detail: 'There are as many live feeds as this server holds.' };

export function feedEndpoint({ queue, http }: Services): Endpoint {
  const feed = new Feed(queue, http.feedConnectionsMax);
  return {
    route: {
      method: 'get',
      path: '/events',
      operationId: 'readEvents',
      summary: 'Every event of every job, live',
      description:
        '`id` is the sequence number, `event` the kind, `data` a FeedEvent. Without a number it starts with the next ' +
        'event. Where events after the number are forgotten, an event `gap` says so first: its `data` is a FeedGap.',
      tags: ['Events'],
      request: {
        headers: z.object({
          'Last-Event-ID': z
            .string()
            .regex(/^\d+$/)
            .optional()
            .openapi({ description: 'Resumes after it; 0 from the oldest event kept.', example: '0' }),
        }),
        query: z.object({
          after: z
            .string()
            .regex(/^\d+$/)
            .optional()
            .openapi({ description: 'The same as Last-Event-ID, which goes first.', example: '0' }),
        }),
      },
      responses: {
        200: {
          description: 'The feed; it ends when the server stops or the reader does not read',
          content: { 'text/event-stream': { schema: z.union([FeedEventSchema, FeedGapSchema]) } },
        },
        ...problemResponses([503], { unsafe: false, guarded: http.authToken !== null }),
      },
    },
    query: ['after'],
    answer: (context, query) => {
      const start = feedStart({ lastEventId: header(context, 'last-event-id'), after: query.get('after') });
      if (!start.ok) return problemResponse(start.problem);
      if (feed.isFull) return problemResponse(TOO_MANY);
      if (context.req.method === 'HEAD') return eventStream(null);
      const { incoming, outgoing, closing } = context.env ?? {};
      // One who shuts his writing side may be gone: a silent feed would find out only at its next comment.
      if (incoming?.socket.readableEnded === true) return eventStream(null);
      if (outgoing !== undefined) markEndless(outgoing);
      const cut = outgoing === undefined ? undefined : (): void => void outgoing.destroy();
      if (cut !== undefined) incoming?.socket.once('end', cut);
      const stream = feed.open({ after: start.value, cut, closing });
      return stream === undefined ? problemResponse(TOO_MANY) : eventStream(stream);
    },
  };
}

// The HTTP interface of the queue: a Hono app without a server, so that it is tested without one.
//
// Order of checks: Host, Origin, token (guard.ts); path (404) and method (405); query parameters (400); and then what the
// endpoint asks of its body. Every answer that is not a success is a problem (problem.ts), and whatever is thrown is
// logged here and told to nobody.

import { OpenAPIHono } from '@hono/zod-openapi';
import { ClientGone } from './body.ts';
import { methodsByPath, mount } from './endpoint.ts';
import { feedEndpoint } from './feed-endpoint.ts';
import { createGuard } from './guard.ts';
import { jobEndpoints } from './job-endpoints.ts';
import { openApiEndpoints } from './openapi.ts';
import { probeEndpoints } from './probe-endpoints.ts';
import { problemResponse } from './problem.ts';
import type { Problem } from './problem.ts';
import { queueEndpoints } from './queue-endpoints.ts';
import type { HttpEnv } from './request.ts';
import type { Services } from './services.ts';
import { submitEndpoints } from './submit-endpoints.ts';

export const SERVER_FAILED: Problem = { kind: 'internal', detail: 'The server failed. Its log says more.' };
const GONE: Problem = { kind: 'invalid-request', detail: 'The body ended early.' };

export function createApp(services: Services): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>();
  const guard = createGuard(services.http);
  const endpoints = [
    ...submitEndpoints(services),
    ...jobEndpoints(services),
    ...queueEndpoints(services),
    feedEndpoint(services),
    ...probeEndpoints(services),
    ...openApiEndpoints(app, services),
  ];
  for (const endpoint of endpoints) mount(app, endpoint, guard);

  const methodsOf = methodsByPath(endpoints);
  app.notFound((context) => {
    const problem = guard(context);
    if (problem !== undefined) return problemResponse(problem);
    const methods = methodsOf(context.req.path);
    if (methods === undefined)
      return problemResponse({ kind: 'not-found', detail: 'There is nothing under this path.' });
    const allow = methods.join(', ');
    return problemResponse({ kind: 'method-not-allowed', detail: `Allowed here: ${allow}.`, headers: { allow } });
  });
  app.onError((error, context) => {
    if (error instanceof ClientGone) return problemResponse(GONE);
    services.log.error({ err: error, method: context.req.method, path: context.req.path }, 'a request failed');
    return problemResponse(SERVER_FAILED);
  });
  return app;
}

// GET /openapi.json: the document is generated from the schemas that validate, once, when it is first asked for.

import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Endpoint } from './endpoint.ts';
import { json } from './reply.ts';
import type { HttpEnv } from './request.ts';
import { problemResponses } from './responses.ts';
import type { Services } from './services.ts';

const VERSION = '0.1.0';

const DESCRIPTION =
  'A background job queue that does not lose jobs. Every error is `application/problem+json` (RFC 9457). HEAD is GET ' +
  'without the body; other methods get 405, unknown paths 404, unknown or repeated query parameters 400.';

export function openApiEndpoint(app: OpenAPIHono<HttpEnv>, { http }: Services): Endpoint {
  let document: string | undefined;
  return {
    route: {
      method: 'get',
      path: '/openapi.json',
      operationId: 'getOpenApi',
      summary: 'This document',
      tags: ['Operation'],
      responses: {
        200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
        ...problemResponses([], { unsafe: false, guarded: http.authToken !== null }),
      },
    },
    query: [],
    answer: () => json(200, (document ??= write(app, http.authToken !== null))),
  };
}

function write(app: OpenAPIHono<HttpEnv>, guarded: boolean): string {
  if (guarded) app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  return JSON.stringify(
    app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'perdure',
        version: VERSION,
        description: DESCRIPTION,
        license: { name: 'MIT' },
      },
      servers: [{ url: '/' }],
      ...(guarded ? { security: [{ bearer: [] }] } : {}),
    }),
  );
}

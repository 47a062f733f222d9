// GET /openapi.json, and the same as a page under /docs: both are generated from the schemas that validate, once, when
// they are first asked for.

import type { OpenAPIHono } from '@hono/zod-openapi';
import type { OpenApiDocument } from './docs/document.ts';
import { renderPage } from './docs/page.ts';
import { STYLE } from './docs/style.ts';
import type { Endpoint } from './endpoint.ts';
import { json, page } from './reply.ts';
import type { HttpEnv } from './request.ts';
import { problemResponses } from './responses.ts';
import type { Services } from './services.ts';

const VERSION = '0.1.0';

const DESCRIPTION =
  'A background job queue that does not lose jobs. Every error is `application/problem+json` (RFC 9457). HEAD is GET ' +
  'without the body; other methods get 405, unknown paths 404, unknown or repeated query parameters 400.';

export function openApiEndpoints(app: OpenAPIHono<HttpEnv>, { http }: Services): Endpoint[] {
  const guarded = http.authToken !== null;
  const problems = problemResponses([], { unsafe: false, guarded });
  let document: string | undefined;
  let html: string | undefined;
  const write = (): string => (document ??= generate(app, guarded));
  const render = async (): Promise<string> =>
    (html ??= String(await renderPage(JSON.parse(write()) as OpenApiDocument)));
  return [
    {
      route: {
        method: 'get',
        path: '/openapi.json',
        operationId: 'getOpenApi',
        summary: 'This document',
        tags: ['Operation'],
        responses: {
          200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
          ...problems,
        },
      },
      query: [],
      answer: () => json(200, write()),
    },
    {
      route: {
        method: 'get',
        path: '/docs',
        operationId: 'getDocs',
        summary: 'This document as a page',
        tags: ['Operation'],
        responses: {
          200: { description: 'A page that loads nothing', content: { 'text/html': { schema: { type: 'string' } } } },
          ...problems,
        },
      },
      query: [],
      answer: async () => page(200, await render(), STYLE),
    },
  ];
}

function generate(app: OpenAPIHono<HttpEnv>, guarded: boolean): string {
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

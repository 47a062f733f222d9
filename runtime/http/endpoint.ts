// One operation of the API: how it is described, which parameters it takes, and what it does.

import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi';
import type { Guard } from './guard.ts';
import { withLength } from './head.ts';
import { problemResponse } from './problem.ts';
import { readQuery } from './query.ts';
import type { HttpContext, HttpEnv } from './request.ts';

export type Endpoint = {
  /** What the OpenAPI document says of it; `path` in its notation (`/jobs/{id}`). */
  readonly route: RouteConfig;
  /** Names of the query parameters; every other one is refused. */
  readonly query: readonly string[];
  readonly answer: (context: HttpContext, query: ReadonlyMap<string, string>) => Response | Promise<Response>;
};

/** One function for one route, instead of a chain of middleware: this is the hot path. */
export function mount(app: OpenAPIHono<HttpEnv>, endpoint: Endpoint, guard: Guard): void {
  const { route, query, answer } = endpoint;
  app.openAPIRegistry.registerPath(route);
  const respond = (context: HttpContext): Response | Promise<Response> => {
    const problem = guard(context);
    if (problem !== undefined) return problemResponse(problem);
    const values = readQuery(context.req.url, query);
    return values.ok ? answer(context, values.value) : problemResponse(values.problem);
  };
  app.on(route.method, honoPath(route.path), (context): Response | Promise<Response> => {
    const response = respond(context);
    return context.req.method === 'HEAD' ? Promise.resolve(response).then(withLength) : response;
  });
}

const honoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

/** Which methods a path takes, HEAD included; undefined for a path that no endpoint has. */
export function methodsByPath(endpoints: readonly Endpoint[]): (path: string) => readonly string[] | undefined {
  const methods = new Map<string, string[]>();
  for (const { route } of endpoints) {
    const method = route.method.toUpperCase();
    const known = methods.get(route.path) ?? [];
    methods.set(route.path, [...known, ...(method === 'GET' ? ['GET', 'HEAD'] : [method])].sort());
  }
  const patterns = [...methods].map(([path, allowed]) => ({
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    allowed,
  }));
  return (path) => patterns.find(({ pattern }) => pattern.test(path))?.allowed;
}

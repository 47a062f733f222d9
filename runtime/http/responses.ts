// The answers that the OpenAPI document lists for an operation.

import { z } from '@hono/zod-openapi';
import type { RouteConfig } from '@hono/zod-openapi';
import { PROBLEMS } from './problem.ts';
import { ProblemSchema } from './wire-schema.ts';

type Responses = RouteConfig['responses'];
type Response = Responses[string];

export const jsonResponse = (schema: z.ZodType, description: string, headers?: z.ZodObject): Response => ({
  description,
  content: { 'application/json': { schema } },
  ...(headers === undefined ? {} : { headers }),
});

/** The problems that any operation can answer with; 403 only unsafe methods, 401 only where a token is asked for. */
export function problemResponses(
  statuses: readonly number[],
  options: { readonly unsafe: boolean; readonly guarded: boolean },
): Responses {
  const all = new Set([400, 421, 500, ...statuses]);
  if (options.unsafe) all.add(403);
  if (options.guarded) all.add(401);
  return Object.fromEntries([...all].sort((a, b) => a - b).map((status) => [status, problemResponse(status)]));
}

const PROBLEM_CONTENT = { 'application/problem+json': { schema: ProblemSchema } };

const PROBLEM_HEADERS: Readonly<Record<number, z.ZodObject>> = {
  401: z.object({ 'WWW-Authenticate': z.string() }),
  429: z.object({ 'Retry-After': z.string().openapi({ description: 'Seconds.' }) }),
  503: z.object({ 'Retry-After': z.string().openapi({ description: 'Seconds.' }) }),
};

function problemResponse(status: number): Response {
  const headers = PROBLEM_HEADERS[status];
  const titles = Object.values(PROBLEMS)
    .filter((problem) => problem.status === status)
    .map(({ title }) => title);
  return { description: titles.join('; '), content: PROBLEM_CONTENT, ...(headers === undefined ? {} : { headers }) };
}

// GET /healthz, /readyz, /metrics.

import type { Endpoint } from './endpoint.ts';
import { problemResponse } from './problem.ts';
import { json, text } from './reply.ts';
import { jsonResponse, problemResponses } from './responses.ts';
import type { Services } from './services.ts';
import { HealthSchema, ReadinessSchema } from './wire-schema.ts';

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

export function probeEndpoints({ queue, http, metrics }: Services): Endpoint[] {
  const probes: Endpoint[] = [
    {
      route: {
        method: 'get',
        path: '/healthz',
        operationId: 'getHealth',
        summary: 'Whether the process lives',
        tags: ['Operation'],
        security: [],
        responses: {
          200: jsonResponse(HealthSchema, 'It lives'),
          ...problemResponses([], { unsafe: false, guarded: false }),
        },
      },
      query: [],
      answer: () => json(200, '{"status":"ok"}'),
    },
    {
      route: {
        method: 'get',
        path: '/readyz',
        operationId: 'getReadiness',
        summary: 'Whether jobs can be stored',
        tags: ['Operation'],
        security: [],
        responses: {
          200: jsonResponse(ReadinessSchema, 'Jobs can be stored'),
          ...problemResponses([503], { unsafe: false, guarded: false }),
        },
      },
      query: [],
      answer: () => {
        const { refusing, warnings } = queue.readiness();
        if (refusing === null) return json(200, JSON.stringify({ status: 'ready', warnings }));
        return problemResponse({ kind: 'unavailable', detail: [refusing, ...warnings].join(' ') });
      },
    },
  ];
  if (metrics === undefined) return probes;
  return [
    ...probes,
    {
      route: {
        method: 'get',
        path: '/metrics',
        operationId: 'getMetrics',
        summary: "Metrics in Prometheus' text format",
        tags: ['Operation'],
        responses: {
          200: { description: 'The metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
          ...problemResponses([], { unsafe: false, guarded: http.authToken !== null }),
        },
      },
      query: [],
      answer: async () => text(200, await metrics(), PROMETHEUS),
    },
  ];
}

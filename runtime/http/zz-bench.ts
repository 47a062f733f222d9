import { Hono } from 'hono';
import { serve } from '@hono/node-server';
import { createApp } from './app.ts';
import { startServer } from './server.ts';
import { JobId } from '../../core/job/job.ts';
const kind = process.argv[2];
const types = new Map([['email', { schema: null }]]);
let n = 0;
const queue: any = {
  types, newJobId: () => JobId(`01943d6e-7c2f-7a31-9c55-${String((n += 1)).padStart(12, '0')}`),
  subscribe: () => () => {}, readiness: () => ({ refusing: null, warnings: [] }), uptimeMs: () => 1,
  ask: async (c: any) => ({ kind: 'submitted', outcomes: c.submissions.map((s: any) => ({ replayed: false, job: { ...s, state: 'pending', maxRetries: 3, timeoutMs: 30000, runAt: 1893456000000, createdAt: 1893456000000, startedAt: null, attempt: 0, failures: 0, crashes: 0, progress: null, lastError: null } })) }),
};
if (kind === 'bare') {
  const app = new Hono();
  app.post('/createJob', async (c) => c.json(await c.req.json(), 201));
  serve({ fetch: app.fetch, port: 18099, hostname: '127.0.0.1' });
} else {
  const http = { host: '127.0.0.1', port: 18099, allowedHosts: [], authToken: null, bodyBytesMax: 1048576, feedConnectionsMax: 100, connectionsMax: 1000 };
  await startServer(createApp({ queue, http, log: console }), http);
}

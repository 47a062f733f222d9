// What any server in this language must do at least: take a JSON body and answer one.

import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const app = new Hono();
let lastId = 0;
app.post('/createJob', async (context) => {
  const body: object = await context.req.json();
  return context.json({ id: String((lastId += 1)), state: 'pending', ...body }, 201);
});
app.get('/metrics', (context) => context.text(''));

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  console.log(JSON.stringify({ msg: 'listening', url: `http://127.0.0.1:${port}` }));
});

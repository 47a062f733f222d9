// What is asked of every request: Host, Origin, token, path, method and query; and what every answer carries.

import { describe, expect, it } from 'vitest';
import { createApi, pathsOf, problemOf } from '../support/http-api.ts';

const TOKEN = 'a-token-of-24-characters';

describe('the Host header', () => {
  it.each([
    'localhost',
    'localhost:8080',
    'LOCALHOST',
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost:65535',
    '127.255.255.254',
    '[::1]',
    '[::1]:8080',
    '[0:0:0:0:0:0:0:1]',
    '192.0.2.7:8080',
    'queue.example.com',
    'Queue.Example.COM:443',
    'other.example.com:8443',
  ])('%s is served', async (host) => {
    const { call } = createApi({
      http: { host: '192.0.2.7', allowedHosts: ['queue.example.com', 'other.example.com:8443'] },
    });
    expect((await call('GET', '/stats', { headers: { host } })).status).toBe(200);
  });

  it.each([
    'example.com',
    'evil.localhost.example.com',
    'localhost.evil.com',
    'localhost@evil.com',
    'localhost:8080@evil.com',
    'localhost:80:80',
    'localhost:x',
    'localhost:65536',
    'localhost:99999',
    'queue.example.com:65536',
    'localhost.',
    '127.0.0.1.nip.io',
    '127.1',
    '127.0.0.256',
    '2130706433',
    '0x7f.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::ffff:127.0.0.1]',
    '10.0.0.1',
    'other.example.com',
    'a.queue.example.com',
    'local host',
    'localhost/',
    'localhost, evil.com',
    '',
  ])('%j is refused with 421', async (host) => {
    const { call, queue } = createApi({ http: { allowedHosts: ['queue.example.com', 'other.example.com:8443'] } });
    for (const path of ['/stats', '/healthz', '/nope']) {
      expect((await call('GET', path, { headers: { host } })).status).toBe(421);
    }
    expect(queue.asked).toEqual([]);
  });
});

describe('the Origin header', () => {
  const host = 'localhost:8080';

  it.each(['http://localhost:8080', 'HTTP://LOCALHOST:8080', 'https://localhost:8080'])(
    '%s is our own',
    async (origin) => {
      const { post } = createApi();
      expect((await post('/createJob', { type: 'email' }, { host, origin })).status).toBe(201);
    },
  );

  it('without the port is our own where the Host has none or the usual one', async () => {
    const { post } = createApi({ http: { allowedHosts: ['q.example.com'] } });
    const job = { type: 'email' };
    expect((await post('/createJob', job, { host: 'q.example.com', origin: 'https://q.example.com' })).status).toBe(
      201,
    );
    expect((await post('/createJob', job, { host: 'q.example.com:443', origin: 'https://q.example.com' })).status).toBe(
      201,
    );
    expect((await post('/createJob', job, { host: 'q.example.com:80', origin: 'https://q.example.com' })).status).toBe(
      403,
    );
  });

  it.each([
    'null',
    '',
    'http://evil.com',
    'http://localhost',
    'http://localhost:8081',
    'http://127.0.0.1:8080',
    'http://localhost:8080.evil.com',
    'http://evil.com#localhost:8080',
    'http://localhost:8080/',
    'file://localhost:8080',
    'localhost:8080',
    'http://localhost:8080, http://evil.com',
  ])('%j is refused with 403 on unsafe methods only', async (origin) => {
    const api = createApi();
    const headers = { host, origin };
    for (const [method, path] of [
      ['POST', '/createJob'],
      ['POST', '/createJobs'],
      ['POST', '/jobs/x/cancel'],
      ['POST', '/queues/x/pause'],
      ['DELETE', '/jobs/x'],
      ['PUT', '/nope'],
    ] as const) {
      expect((await api.call(method, path, { headers })).status).toBe(403);
    }
    expect(api.queue.asked).toEqual([]);
    expect((await api.call('GET', '/stats', { headers })).status).toBe(200);
  });

  it('of another site gets no leave to read', async () => {
    const { call } = createApi();
    const { headers } = await call('GET', '/stats', { headers: { origin: 'http://evil.com' } });
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('the token', () => {
  const api = () => createApi({ http: { authToken: TOKEN }, metrics: async () => '' });

  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN}`])('%s opens every call', async (authorization) => {
    const { call } = api();
    for (const path of ['/stats', '/jobs', '/queues', '/metrics', '/openapi.json']) {
      expect((await call('GET', path, { headers: { authorization } })).status).toBe(200);
    }
    expect((await call('GET', '/nope', { headers: { authorization } })).status).toBe(404);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer x${TOKEN}`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Bearer ${TOKEN}, Bearer ${TOKEN}`,
    `Bearer "${TOKEN}"`,
  ])('%j is refused with 401 everywhere but at the probes', async (authorization) => {
    const { call, queue } = api();
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    for (const [method, path] of [
      ['GET', '/stats'],
      ['GET', '/events'],
      ['GET', '/metrics'],
      ['GET', '/openapi.json'],
      ['GET', '/nope'],
      ['PUT', '/jobs'],
      ['POST', '/createJob'],
      ['DELETE', '/jobs/x'],
      ['GET', '/healthz/'],
    ] as const) {
      const called = await call(method, path, { headers });
      expect(called.status).toBe(401);
      expect(called.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(called.headers.get('content-type')).toBe('application/problem+json');
    }
    expect((await call('GET', '/healthz', { headers })).status).toBe(200);
    expect((await call('GET', '/readyz', { headers })).status).toBe(200);
    expect(queue.asked).toEqual([]);
  });

  it('is not taken from the URL', async () => {
    const { call } = api();
    expect((await call('GET', `/stats?access_token=${TOKEN}`)).status).toBe(401);
  });
});

describe('paths, methods and queries', () => {
  it.each([
    '/',
    '/nope',
    '/jobs/',
    '/Jobs',
    '/jobs//cancel',
    '/createjob',
    '//jobs',
    '/queues/x',
    '/jobs/x/y/z',
    '/%2e',
    '/*',
  ])('%s is 404', async (path) => {
    const { app } = createApi();
    for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'OPTIONS', 'HEAD']) {
      const response = await app.request(`http://localhost${path}`, { method });
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    }
  });

  it.each([
    ['/createJob', 'POST'],
    ['/createJobs', 'POST'],
    ['/jobs', 'GET, HEAD, POST'],
    ['/jobs/x', 'DELETE, GET, HEAD'],
    ['/jobs/x/cancel', 'POST'],
    ['/jobs/x/retry', 'POST'],
    ['/stats', 'GET, HEAD'],
    ['/queues', 'GET, HEAD'],
    ['/queues/x/pause', 'POST'],
    ['/queues/x/resume', 'POST'],
    ['/events', 'GET, HEAD'],
    ['/healthz', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/openapi.json', 'GET, HEAD'],
  ])('%s allows %s; every other method gets 405', async (path, allow) => {
    const { call } = createApi();
    const allowed = allow.split(', ');
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      if (allowed.includes(method)) continue;
      const called = await call(method, path);
      expect([method, called.status]).toEqual([method, 405]);
      expect(called.headers.get('allow')).toBe(allow);
    }
  });

  it.each([
    ['POST', '/createJob'],
    ['POST', '/createJobs'],
    ['GET', '/jobs/x'],
    ['DELETE', '/jobs/x'],
    ['POST', '/jobs/x/cancel'],
    ['GET', '/stats'],
    ['GET', '/queues'],
    ['POST', '/queues/x/pause'],
    ['GET', '/events'],
    ['GET', '/healthz'],
    ['GET', '/readyz'],
    ['GET', '/openapi.json'],
  ])('%s %s refuses a query parameter it does not know', async (method, path) => {
    const { call, queue } = createApi();
    const called = await call(method, `${path}?verbose=1`);
    expect(called.status).toBe(400);
    expect(pathsOf(called)).toEqual(['/verbose']);
    expect(queue.asked.filter(({ kind }) => kind === 'submit')).toEqual([]);
  });

  it.each(['/stats', '/jobs', '/queues', '/healthz', '/readyz', '/openapi.json', '/events'])(
    'HEAD %s is GET without the body',
    async (path) => {
      const { call, queue } = createApi();
      const called = await call('HEAD', path);
      expect([called.status, called.text]).toEqual([200, '']);
      expect(called.headers.get('content-type')).toMatch(/json|event-stream/);
      expect(queue.listeners).toBe(0);
    },
  );

  it('every answer says that nothing is to be kept, sniffed, framed or run', async () => {
    const { call, post } = createApi();
    for (const called of [
      await call('GET', '/stats'),
      await call('GET', '/nope'),
      await post('/createJob', { type: 'email' }),
      await post('/createJob', ''),
      await call('HEAD', '/events'),
    ]) {
      expect(called.headers.get('cache-control')).toBe('no-store');
      expect(called.headers.get('x-content-type-options')).toBe('nosniff');
      expect(called.headers.get('x-frame-options')).toBe('DENY');
      expect(called.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  it('a problem has type, title, status and detail', async () => {
    const { call } = createApi();
    const problem = problemOf(await call('GET', '/nope'));
    expect(Object.keys(problem)).toEqual(['type', 'title', 'status', 'detail']);
    expect(problem.status).toBe(404);
  });
});

// The published document agrees with what the server does: its paths, methods, statuses, headers and shapes.

import { describe, expect, it } from 'vitest';
import { createApi } from '../support/http-api.ts';
import type { Api } from '../support/http-api.ts';

type Operation = {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, { readonly content?: object; readonly headers?: object }>>;
  readonly security?: readonly object[];
};

type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>>; readonly securitySchemes?: object };
  readonly security?: readonly object[];
};

type Schema = {
  readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
};

const documentOf = async (api: Api, headers: Record<string, string> = {}): Promise<Document> =>
  (await api.call('GET', '/openapi.json', { headers })).body as Document;

const withMetrics = { metrics: async () => '' };

function operations(document: Document): { method: string; path: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

describe('the OpenAPI document', () => {
  it('lists every operation of the contract and no other', async () => {
    const document = await documentOf(createApi(withMetrics));
    expect(document.openapi).toBe('3.1.0');
    expect(
      operations(document)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual([
      'DELETE /jobs/{id}',
      'GET /docs',
      'GET /events',
      'GET /healthz',
      'GET /jobs',
      'GET /jobs/{id}',
      'GET /metrics',
      'GET /openapi.json',
      'GET /queues',
      'GET /readyz',
      'GET /stats',
      'POST /createJob',
      'POST /createJobs',
      'POST /jobs',
      'POST /jobs/{id}/cancel',
      'POST /jobs/{id}/retry',
      'POST /queues/{name}/pause',
      'POST /queues/{name}/resume',
    ]);
    const ids = operations(document).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('lists exactly the methods that are not answered 405', async () => {
    const api = createApi(withMetrics);
    for (const [path, methods] of Object.entries((await documentOf(api)).paths)) {
      const called = await api.call('PUT', path.replaceAll(/\{\w+\}/g, 'x'));
      const listed = Object.keys(methods).map((method) => method.toUpperCase());
      const allowed = (called.headers.get('allow') ?? '').split(', ').filter((method) => method !== 'HEAD');
      expect(allowed).toEqual(listed.sort());
    }
  });

  it('lists every status that is answered', async () => {
    const api = createApi(withMetrics);
    const { paths } = await documentOf(api);
    const key = { 'idempotency-key': 'k' };
    const job = { type: 'email' };
    const answered: [method: string, path: string, status: number][] = [];
    const note = async (method: string, path: string, called: Promise<{ status: number }>): Promise<void> => {
      answered.push([method, path, (await called).status]);
    };
    for (const path of ['/createJob', '/jobs']) {
      await note('post', path, api.post(path, job, { 'idempotency-key': path }));
      await note('post', path, api.post(path, job, { 'idempotency-key': path }));
      await note('post', path, api.post(path, { type: 'nope' }));
      await note('post', path, api.post(path, '{'));
      await note('post', path, api.post(path, 'x'.repeat(2_000_000)));
      await note('post', path, api.post(path, job, { 'content-type': 'text/plain' }));
      await note('post', path, api.post(path, job, { origin: 'null' }));
      await note('post', path, api.post(path, job, { host: 'evil.com' }));
    }
    await note('post', '/createJobs', api.post('/createJobs', { jobs: [job] }));
    await note('post', '/createJobs', api.post('/createJobs', { jobs: [] }, key));
    for (const { method, path } of operations(await documentOf(api))) {
      if (path === '/events' || path.startsWith('/create')) continue;
      const real = path.replaceAll(/\{\w+\}/g, 'x');
      const lower = method.toLowerCase();
      await note(lower, path, api.call(method, real));
      await note(lower, path, api.call(method, `${real}?nope`));
      await note(lower, path, api.call(method, real, { headers: { host: 'evil.com' } }));
    }
    api.queue.refuse([{ reason: 'overloaded' }]);
    api.queue.state = { refusing: 'no', warnings: [] };
    for (const { method, path } of operations(await documentOf(api))) {
      if (path === '/events' || path.startsWith('/create')) continue;
      await note(method.toLowerCase(), path, api.call(method, path.replaceAll(/\{\w+\}/g, 'x')));
    }
    for (const [method, path, status] of answered) {
      expect(Object.keys(paths[path]?.[method]?.responses ?? {}), `${method} ${path}`).toContain(String(status));
    }
    expect(new Set(answered.map(([, , status]) => status))).toEqual(
      new Set([200, 201, 400, 403, 404, 413, 415, 421, 422, 503]),
    );
  });

  it('describes the fields of a submission with their bounds, and refuses others', async () => {
    const { components, paths } = await documentOf(createApi());
    const schema = components.schemas['Submission'];
    expect(Object.keys(schema?.properties ?? {})).toEqual(
      'type payload max_retries idempotency_key queue priority run_at delay_ms timeout_ms'.split(' '),
    );
    expect(schema?.required).toEqual(['type']);
    expect(schema?.additionalProperties).toBe(false);
    expect(schema?.properties?.['max_retries']).toMatchObject({ type: ['integer', 'null'], minimum: 0, maximum: 100 });
    expect(schema?.properties?.['delay_ms']).toMatchObject({ minimum: 0, maximum: 31_536_000_000 });
    expect(schema?.properties?.['idempotency_key']).toMatchObject({ minLength: 1, maxLength: 255 });
    expect(schema?.properties?.['type']).toMatchObject({ pattern: '^[A-Za-z0-9._:-]{1,128}$', example: 'email' });
    const submit = paths['/createJob']?.['post'];
    expect(submit?.requestBody?.required).toBe(true);
    expect(Object.keys(submit?.requestBody?.content ?? {})).toEqual(['application/json']);
    expect(submit?.parameters?.map(({ name, in: place, required }) => [name, place, required ?? false])).toEqual([
      ['Idempotency-Key', 'header', false],
    ]);
    expect(Object.keys(submit?.responses['201']?.headers ?? {})).toEqual(['Location']);
    expect(Object.keys(submit?.responses['200']?.headers ?? {})).toEqual(['Idempotency-Replayed']);
    expect(Object.keys(submit?.responses['429']?.headers ?? {})).toEqual(['Retry-After']);
    expect(Object.keys(submit?.responses['422']?.content ?? {})).toEqual(['application/problem+json']);
  });

  it('lists the parameters of lists and feeds', async () => {
    const { paths } = await documentOf(createApi());
    const names = (path: string, method: string): string[] =>
      (paths[path]?.[method]?.parameters ?? []).map(({ name }) => name);
    expect(names('/jobs', 'get')).toEqual(['state', 'type', 'queue', 'limit', 'cursor']);
    expect(names('/events', 'get').sort()).toEqual(['Last-Event-ID', 'after']);
    expect(names('/jobs/{id}/cancel', 'post')).toEqual(['id']);
    expect(names('/queues/{name}/pause', 'post')).toEqual(['name']);
  });

  it('asks for a token where one is asked for, and only there', async () => {
    const open = await documentOf(createApi());
    expect(open.security).toBeUndefined();
    expect(open.paths['/stats']?.['get']?.responses).not.toHaveProperty('401');
    const authToken = 'a-token-of-24-characters';
    const guarded = await documentOf(createApi({ http: { authToken } }), { authorization: `Bearer ${authToken}` });
    expect(guarded.components.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } });
    expect(guarded.security).toEqual([{ bearer: [] }]);
    expect(guarded.paths['/stats']?.['get']?.responses).toHaveProperty('401');
    expect(guarded.paths['/healthz']?.['get']?.security).toEqual([]);
    expect(guarded.paths['/readyz']?.['get']?.security).toEqual([]);
  });

  it('refers only to schemas that it has', async () => {
    const document = await documentOf(createApi(withMetrics));
    const references = JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g);
    const known = Object.keys(document.components.schemas);
    for (const [, name] of references) expect(known).toContain(name);
    expect(known).toContain('Problem');
  });
});

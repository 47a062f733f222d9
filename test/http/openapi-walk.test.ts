// A walk over every path, method and status of the published document: each is provoked on the running app, and what
// comes back is held against what the document says of it.

import { describe, expect, it } from 'vitest';
import { createApi } from '../support/http-api.ts';
import type { Api, Called } from '../support/http-api.ts';
import { resolve, schemaErrors } from '../support/json-schema.ts';
import type { JsonSchema } from '../support/json-schema.ts';

type Answer = {
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
  readonly headers?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
};
type Operation = {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name: string; in: string; required?: boolean; schema?: JsonSchema }[];
  readonly responses: Readonly<Record<string, Answer>>;
};
type Document = JsonSchema & {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

const TOKEN = 'a-token-of-24-characters';
const BEARER = { authorization: `Bearer ${TOKEN}` };
const guarded = (): Api => createApi({ http: { authToken: TOKEN, bodyBytesMax: 1_000 }, metrics: async () => '' });

const documentOf = async (api: Api): Promise<Document> =>
  (await api.call('GET', '/openapi.json', { headers: BEARER })).body as Document;

/** Nothing here makes these: a body that is too slow needs a socket (server.test.ts), and a defect is none to have. */
const NOT_PROVOKED = new Set(['408', '500']);

type Request = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  body?: string;
};

const JSON_BODY = { 'content-type': 'application/json' };

const isSubmission = (path: string): boolean => path === '/createJob' || path === '/jobs';

/** A request that the operation answers with success, on an app that holds the jobs it needs. */
async function goodRequest(api: Api, method: string, path: string): Promise<Request> {
  if (method === 'POST' && isSubmission(path)) return { method, path, headers: JSON_BODY, body: '{"type":"email"}' };
  if (path === '/createJobs') return { method, path, headers: JSON_BODY, body: '{"jobs":[{"type":"email"}]}' };
  if (!path.includes('{id}')) return { method, path: path.replace('{name}', 'default') };
  const { id } = api.queue.submitted[0] ?? (await seed(api));
  if (path.endsWith('/retry') || method === 'DELETE') await send(api, { method: 'POST', path: `/jobs/${id}/cancel` });
  return { method, path: path.replace('{id}', id) };
}

async function seed(api: Api): Promise<{ readonly id: string }> {
  const called = await send(api, await goodRequest(api, 'POST', '/createJob'));
  return called.body as { readonly id: string };
}

function send(api: Api, { method, path, headers, body }: Request): Promise<Called> {
  return api.call(method, path, { headers: { ...BEARER, ...headers }, ...(body === undefined ? {} : { body }) });
}

/** Provokes the status on a fresh app. */
async function provoke(status: string, method: string, path: string): Promise<Called> {
  const api = guarded();
  const good = await goodRequest(api, method, path);
  const altered = (change: Partial<Request>): Promise<Called> =>
    send(api, { ...good, ...change, headers: { ...good.headers, ...change.headers } });
  switch (status) {
    case '200':
      if (method === 'POST' && (isSubmission(path) || path === '/createJobs')) return replay(api, good);
      return altered({});
    case '201':
    case '204':
      return altered({});
    case '400':
      return altered({ path: `${good.path}?nope=1` });
    case '401':
      return altered({ headers: { authorization: 'Bearer another-token-altogether' } });
    case '403':
      return altered({ headers: { origin: 'https://elsewhere.example' } });
    case '404':
      return altered({ path: path.replace('{id}', 'nope') });
    case '409':
      // Cancelled and retried once, a job can be neither retried nor deleted; cancelled twice, not cancelled.
      await send(api, { method: 'POST', path: good.path.replace(/(\/cancel|\/retry)?$/, '/retry') });
      if (path.endsWith('/cancel')) await altered({});
      return altered({});
    case '413':
      return altered({ body: `{"type":"email","payload":"${'x'.repeat(70_000)}"}` });
    case '415':
      return altered({ headers: { 'content-type': 'text/plain' } });
    case '421':
      return altered({ headers: { host: 'elsewhere.example' } });
    case '422':
      return altered({ body: (good.body ?? '').replace('email', 'emial') });
    case '429':
      api.queue.refuse([{ reason: 'depth-limit', depth: 1, limit: 1 }]);
      return altered({});
    case '503':
      if (path === '/events') return createApi({ http: { feedConnectionsMax: 0 } }).call('GET', '/events');
      api.queue.refuse([{ reason: 'draining' }]);
      api.queue.state = { refusing: 'The disk is full.', warnings: [] };
      return altered({});
    default:
      throw new Error(`nobody knows how to provoke ${status}`);
  }
}

async function replay(api: Api, good: Request): Promise<Called> {
  const keyed = { ...good, body: (good.body ?? '').replace('"email"', '"email","idempotency_key":"k"') };
  await send(api, keyed);
  return send(api, keyed);
}

const { paths, ...rest } = await documentOf(guarded());
const document: Document = { paths, ...rest } as Document;
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

describe('the structure of the OpenAPI document', () => {
  it('is that of OpenAPI 3.1', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'perdure', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    const references = JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g);
    for (const [, reference = ''] of references) expect(() => resolve(document, reference)).not.toThrow();
  });

  it.each(operations)('$method $path is whole', ({ path, operation }) => {
    expect(operation.operationId).toMatch(/^[a-z]\w+$/i);
    expect(operation.summary).toBeTruthy();
    expect(operation.tags).toHaveLength(1);
    const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    for (const parameter of operation.parameters ?? []) {
      expect(parameter.schema).toBeTypeOf('object');
      if (parameter.in === 'path') expect(parameter.required).toBe(true);
    }
    const statuses = Object.keys(operation.responses);
    expect(statuses.some((status) => status.startsWith('2'))).toBe(true);
    for (const answer of Object.values(operation.responses)) expect(answer.description).toBeTruthy();
  });
});

describe('every status of the OpenAPI document', () => {
  const cases = operations.flatMap(({ method, path, operation }) =>
    Object.entries(operation.responses)
      .filter(([status]) => !NOT_PROVOKED.has(status))
      .map(([status, answer]) => ({ method, path, status, answer })),
  );

  it.each(cases)('$method $path answers $status as described', async ({ method, path, status, answer }) => {
    if (path === '/events' && status === '200') return expectFeed(answer);
    const called = await provoke(status, method, path);
    expect(String(called.status)).toBe(status);
    const [type, media] = Object.entries(answer.content ?? {})[0] ?? [];
    if (media === undefined) expect(called.text).toBe('');
    else {
      expect(called.headers.get('content-type')?.split(';')[0]).toBe(type);
      const value = type?.startsWith('text/') === true ? called.text : called.body;
      expect(schemaErrors(media.schema, value, document)).toEqual([]);
    }
    for (const [name, header] of Object.entries(answer.headers ?? {})) {
      expect(schemaErrors(header.schema, called.headers.get(name), document)).toEqual([]);
    }
    if (called.status >= 400) expect(called.body).toMatchObject({ status: called.status });
  });
});

/** A feed has no end to wait for: the first event of it is read. */
async function expectFeed(answer: Answer): Promise<void> {
  const api = guarded();
  await seed(api);
  const response = await api.app.request('/events?after=0', { headers: BEARER });
  const reader = response.body?.getReader();
  let text = '';
  while (!text.includes('data:')) text += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  const schema = answer.content?.['text/event-stream']?.schema ?? {};
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(schemaErrors(schema, JSON.parse(/data: (.*)/.exec(text)?.[1] ?? ''), document)).toEqual([]);
}

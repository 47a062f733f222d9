// The page of the API: whole, without a script or any other resource, and true to the document.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { renderPage } from '../../runtime/http/docs/page.ts';
import type { OpenApiDocument } from '../../runtime/http/docs/document.ts';
import { createApi } from '../support/http-api.ts';

const TOKEN = 'a-token-of-24-characters';

const api = createApi({ metrics: async () => '' });
const page = await api.call('GET', '/docs');
const document = (await api.call('GET', '/openapi.json')).body as OpenApiDocument;

describe('GET /docs', () => {
  it('is a page of HTML with the secure headers of every answer', () => {
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  it('allows itself nothing but its own style, by its hash', () => {
    const [style = '', ...others] = [...page.text.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(
      ([, text]) => text ?? '',
    );
    expect(others).toEqual([]);
    const hash = createHash('sha256').update(style).digest('base64');
    expect(page.headers.get('content-security-policy')?.split('; ').sort()).toEqual([
      "base-uri 'none'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      `style-src 'sha256-${hash}'`,
    ]);
  });

  it('needs no network: it loads nothing and links nowhere but into this server', () => {
    expect(page.text).not.toMatch(
      /<(script|link|img|iframe|object|embed|base|form)\b|\bsrc=|\bstyle="|url\(|@import|\son\w+=/i,
    );
    const targets = [...page.text.matchAll(/href="([^"]*)"/g)].map(([, target]) => target ?? '');
    expect(targets.filter((target) => !target.startsWith('#') && target !== '/openapi.json')).toEqual([]);
  });

  it('shows every operation, parameter, answer and schema of the document', () => {
    const text = page.text.replaceAll(/<[^>]*>/g, ' ');
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { operationId, summary, parameters = [], responses } of Object.values(methods)) {
        const shown = sectionOf(operationId);
        expect(page.text).toContain(`id="${operationId}"`);
        expect(text).toContain(path);
        expect(text).toContain(escaped(summary));
        for (const { name } of parameters) expect(shown).toContain(`<code>${name}</code>`);
        for (const status of Object.keys(responses)) expect(shown).toContain(`<code>${status}</code>`);
      }
    }
    for (const [name, { properties = {} }] of Object.entries(document.components.schemas)) {
      for (const field of Object.keys(properties))
        expect(sectionOf(`schema-${name}`)).toContain(`<code>${field}</code>`);
    }
  });

  it('has a target for each of its own links, once', () => {
    const ids = [...page.text.matchAll(/\bid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of page.text.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target);
  });

  it('gives an example that the server takes', async () => {
    const command = /<pre>([\s\S]*?)<\/pre>/.exec(sectionOf('createJob'))?.[1] ?? '';
    const body = /-d '([\s\S]*)'$/.exec(unescaped(command))?.[1] ?? '';
    expect((await api.post('/createJob', body)).status).toBe(201);
  });

  it('asks for the token that the document asks for', async () => {
    const guarded = createApi({ http: { authToken: TOKEN } });
    expect((await guarded.call('GET', '/docs')).status).toBe(401);
    const shown = await guarded.call('GET', '/docs', { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(shown.status).toBe(200);
    expect(shown.text).toContain('Authorization: Bearer');
    expect(shown.text).not.toContain(TOKEN);
    expect(page.text).not.toContain('Authorization');
  });

  it('takes everything that the document says for text', async () => {
    const hostile = '"><script>alert(1)</script>`<b>`';
    const operation = {
      ...document.paths['/createJob']?.['post'],
      operationId: hostile,
      summary: hostile,
      description: hostile,
      tags: [hostile],
      parameters: [
        { name: hostile, in: hostile, schema: { type: hostile, enum: [hostile], default: hostile, pattern: hostile } },
      ],
      responses: { [hostile]: { description: hostile, headers: { [hostile]: {} }, content: { [hostile]: {} } } },
    } as OpenApiDocument['paths'][string][string];
    const html = String(
      await renderPage({
        info: { title: hostile, version: hostile, description: hostile },
        paths: { [hostile]: { [hostile]: operation } },
        components: { schemas: { [hostile]: { properties: { [hostile]: { example: hostile } } } } },
      }),
    );
    expect(html).not.toMatch(/<script|<b>/);
    expect(html.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(20);
  });
});

/** From the target of the links to the end of its part. */
function sectionOf(id: string): string {
  const from = page.text.indexOf(`id="${id}"`);
  return page.text.slice(from, page.text.indexOf('</details>', from));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll("'", '&#39;').replaceAll('"', '&quot;');
}

function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

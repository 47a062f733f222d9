// The OpenAPI document as a page that needs nothing but itself: no script, no font, no other request.
//
// Rule: what the document says is text. Everything goes through the escaping template, and nothing is
//       marked as raw but what is written here.

import { html, raw } from 'hono/html';
import { exampleOf, nameOf, operationsByTag } from './document.ts';
import type { Answer, Content, Listed, OpenApiDocument, Parameter } from './document.ts';
import { fieldTable, formatted } from './schema.ts';
import type { Markup } from './schema.ts';
import { STYLE } from './style.ts';

/** Not a character more than STYLE is in it: its hash is what the page's headers allow. */
const STYLE_ELEMENT = raw(`<style>${STYLE}</style>`);

export function renderPage(document: OpenApiDocument): Markup {
  const { info } = document;
  const byTag = [...operationsByTag(document)];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title}: API</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <div class="layout">
          <nav aria-label="Operations">
            ${byTag.map(
              ([tag, listed]) =>
                html`<h2>${tag}</h2>
                  <ul>
                    ${listed.map(entry)}
                  </ul>`,
            )}
            <h2>Schemas</h2>
            <ul>
              ${Object.keys(document.components.schemas).map((name) => html`<li><a href="#schema-${name}">${name}</a></li>`)}
            </ul>
          </nav>
          <main>
            <h1>${info.title} <small>${info.version}</small></h1>
            <p>${formatted(info.description)}</p>
            ${document.security === undefined ? '' : TOKEN_NEEDED}
            <p>For programs: <a href="/openapi.json">openapi.json</a></p>
            ${byTag.map(
              ([tag, listed]) =>
                html`<h2>${tag}</h2>
                  ${listed.map((each) => operationOf(document, each))}`,
            )}
            <h2>Schemas</h2>
            ${Object.entries(document.components.schemas).map(
              ([name, schema]) =>
                html`<details>
                  <summary><code>${name}</code></summary>
                  <div class="inner" id="schema-${name}">${fieldTable(schema)}</div>
                </details>`,
            )}
          </main>
        </div>
      </body>
    </html> `;
}

const TOKEN_NEEDED = html`<p>Send <code>Authorization: Bearer …</code> with the token of this server.</p>`;

const method = (name: string): Markup => html`<span class="method ${name.toLowerCase()}">${name}</span>`;

const entry = ({ method: name, path, operation }: Listed): Markup =>
  html`<li>
    <a href="#${operation.operationId}">${method(name)}<code>${path}</code></a>
  </li>`;

function operationOf(document: OpenApiDocument, listed: Listed): Markup {
  const { path, operation } = listed;
  const { parameters = [], requestBody, responses } = operation;
  return html`<details ${path === '/createJob' ? raw('open') : ''}>
    <summary>${method(listed.method)}<code>${path}</code><span class="what">${operation.summary}</span></summary>
    <div class="inner" id="${operation.operationId}">
      ${operation.description === undefined ? '' : html`<p>${formatted(operation.description)}</p>`}
      ${
        parameters.length === 0
          ? ''
          : html`<h4>Parameters</h4>
              ${parameterTable(parameters)}`
      }
      ${requestBody === undefined ? '' : bodyOf(document, listed, requestBody.content)}
      <h4>Answers</h4>
      ${answerTable(responses)}
    </div>
  </details>`;
}

function parameterTable(parameters: readonly Parameter[]): Markup {
  const properties = parameters.map(({ name, schema = {}, description }) => [
    name,
    description === undefined ? schema : { ...schema, description },
  ]);
  const places = new Map(parameters.map((parameter) => [parameter.name, parameter.in]));
  const required = parameters.filter((parameter) => parameter.required === true).map(({ name }) => name);
  return fieldTable({ type: 'object', properties: Object.fromEntries(properties), required }, places);
}

function bodyOf(document: OpenApiDocument, listed: Listed, content: Content): Markup {
  const [[type, { schema = {} }] = ['', {}]] = Object.entries(content);
  const example = exampleOf(document, schema);
  return html`<h4>Body: <code>${type}</code> ${schemaLink(content)}</h4>
    ${nameOf(schema) === undefined ? fieldTable(schema) : fieldTable(document.components.schemas[nameOf(schema) ?? ''] ?? {})}
    ${
      example === undefined
        ? ''
        : html`<h4>Example</h4>
            <pre>${curl(document, listed, { type, example })}</pre>`
    }`;
}

function curl(document: OpenApiDocument, listed: Listed, body: { type: string; example: unknown }): string {
  const token = document.security === undefined ? '' : `  -H "Authorization: Bearer $AUTH_TOKEN" \\\n`;
  const text = JSON.stringify(body.example, null, 2).replaceAll("'", String.raw`'\''`);
  return `curl -X ${listed.method} "$PERDURE_URL${listed.path}" \\\n${token}  -H 'Content-Type: ${body.type}' \\\n  -d '${text}'`;
}

function answerTable(responses: Readonly<Record<string, Answer>>): Markup {
  const row = ([status, answer]: [string, Answer]): Markup => {
    const headers = Object.keys(answer.headers ?? {});
    return html`<tr>
      <td><code>${status}</code></td>
      <td>
        ${formatted(answer.description)}
        ${headers.length === 0 ? '' : html`<span class="soft">with ${headers.map((name) => html`<code>${name}</code> `)}</span>`}
      </td>
      <td>${schemaLink(answer.content)}</td>
    </tr>`;
  };
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th>Status</th>
          <th>When</th>
          <th>Body</th>
        </tr>
      </thead>
      <tbody>
        ${Object.entries(responses).map(row)}
      </tbody>
    </table>
  </div>`;
}

/** The schema by its name, else the media type. */
function schemaLink(content: Content = {}): Markup | string {
  const [first] = Object.entries(content);
  if (first === undefined) return '';
  const name = nameOf(first[1].schema);
  return name === undefined ? html`<code>${first[0]}</code>` : html`<a href="#schema-${name}">${name}</a>`;
}

// A schema as a table of its fields: what each is called, what it may be, and what it means.

import { html } from 'hono/html';
import { nameOf } from './document.ts';
import type { Schema } from './document.ts';

export type Markup = ReturnType<typeof html>;

type Field = { readonly path: string; readonly schema: Schema; readonly isRequired: boolean };

/** `places` says of a parameter where it stands. That a field is required is said where others are not. */
export function fieldTable(schema: Schema, places: ReadonlyMap<string, string> = new Map()): Markup {
  const fields = fieldsOf(schema, '');
  const areAllRequired = fields.every(({ isRequired }) => isRequired);
  const row = ({ path, schema: field, isRequired }: Field): Markup => {
    const place = places.get(path);
    return html`<tr>
      <td><code>${path}</code>${isRequired && !areAllRequired ? html` <span class="must">required</span>` : ''}</td>
      <td>${kindOf(field)}${place === undefined ? '' : html` <span class="soft">in the ${place}</span>`}</td>
      <td>
        ${field.description === undefined ? '' : formatted(field.description)}
        <span class="soft">${boundsOf(field)}</span>
      </td>
    </tr>`;
  };
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th>Name</th>
          <th>Type</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${fields.map(row)}
      </tbody>
    </table>
  </div>`;
}

/** Text with its `code` marked as such. */
export const formatted = (text: string): Markup[] =>
  text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));

/** The fields of an object, and of the objects in it, by their paths. What is referred to by name is not written out. */
function fieldsOf(schema: Schema, prefix: string): Field[] {
  const { properties = {}, required = [], additionalProperties, items } = schema;
  const own = Object.entries(properties).flatMap(([name, property]): Field[] => {
    const path = prefix + name;
    return [{ path, schema: property, isRequired: required.includes(name) }, ...nestedIn(property, path)];
  });
  if (typeof additionalProperties === 'object') own.push(...fieldsOf(additionalProperties, `${prefix}{name}.`));
  if (items !== undefined && prefix === '') own.push(...fieldsOf(items, '[].'));
  return own;
}

function nestedIn({ items, ...schema }: Schema, path: string): Field[] {
  return items === undefined ? fieldsOf(schema, `${path}.`) : fieldsOf(items, `${path}[].`);
}

function kindOf(schema: Schema): Markup | string {
  const name = nameOf(schema);
  if (name !== undefined) return html`<a href="#schema-${name}">${name}</a>`;
  if (schema.items !== undefined) return html`array of ${kindOf(schema.items)}`;
  const kinds = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['any JSON value']);
  return `${kinds.join(' or ')}${schema.format === undefined ? '' : ` (${schema.format})`}`;
}

function boundsOf(schema: Schema): Markup[] {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  const bounds: Markup[] = [];
  if (schema.enum !== undefined)
    bounds.push(html`one of ${schema.enum.map((value) => html`<code>${String(value)}</code> `)}`);
  if (schema.pattern !== undefined) bounds.push(html`like <code>${schema.pattern}</code> `);
  if (schema.default !== undefined) bounds.push(html`if absent <code>${JSON.stringify(schema.default)}</code> `);
  const ranges = [
    range(minimum, maximum, ''),
    range(minLength, maxLength, ' characters'),
    range(minItems, maxItems, ' of them'),
  ];
  for (const text of ranges) if (text !== '') bounds.push(html`${text} `);
  return bounds;
}

function range(min: number | undefined, max: number | undefined, unit: string): string {
  if (max === undefined) return min === undefined || min === 0 ? '' : `${min} or more${unit}`;
  return `${min === undefined ? 'up to' : `${min} to`} ${max}${unit}`;
}

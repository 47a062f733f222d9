// Holds a value against a JSON Schema as an OpenAPI document carries it: the keywords that the document of this project
// uses, and an error for every other one, so that nothing passes because nobody looked.

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Keywords that only describe. */
const NOTES = new Set(['description', 'example', 'default', 'format']);

/** What is wrong, each with the path to it; empty if the value fits. `root` is the document that references start from. */
export function schemaErrors(schema: JsonSchema, value: unknown, root: JsonSchema, at = ''): string[] {
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    if (NOTES.has(keyword)) return [];
    const wrong = (fits: boolean): string[] =>
      fits ? [] : [`${at || '/'} breaks ${keyword} ${JSON.stringify(rule)}: ${JSON.stringify(value)}`];
    switch (keyword) {
      case '$ref':
        return schemaErrors(resolve(root, String(rule)), value, root, at);
      case 'type':
        return wrong([rule].flat().some((type) => isOfType(value, String(type))));
      case 'enum':
        return wrong((rule as unknown[]).includes(value));
      case 'minimum':
        return wrong(typeof value !== 'number' || value >= Number(rule));
      case 'maximum':
        return wrong(typeof value !== 'number' || value <= Number(rule));
      case 'minLength':
        return wrong(typeof value !== 'string' || value.length >= Number(rule));
      case 'maxLength':
        return wrong(typeof value !== 'string' || value.length <= Number(rule));
      case 'pattern':
        return wrong(typeof value !== 'string' || new RegExp(String(rule), 'u').test(value));
      case 'required':
        return wrong(!isObject(value) || (rule as string[]).every((name) => Object.hasOwn(value, name)));
      case 'properties':
        return Object.entries(rule as Record<string, JsonSchema>).flatMap(([name, inner]) =>
          isObject(value) && Object.hasOwn(value, name) ? schemaErrors(inner, value[name], root, `${at}/${name}`) : [],
        );
      case 'additionalProperties': {
        const known = Object.keys((schema['properties'] as object | undefined) ?? {});
        const others = isObject(value) ? Object.keys(value).filter((name) => !known.includes(name)) : [];
        if (rule === false) return wrong(others.length === 0);
        return others.flatMap((name) =>
          schemaErrors(rule as JsonSchema, (value as JsonSchema)[name], root, `${at}/${name}`),
        );
      }
      case 'items':
        return !Array.isArray(value)
          ? []
          : value.flatMap((item, index) => schemaErrors(rule as JsonSchema, item, root, `${at}/${index}`));
      case 'allOf':
        return (rule as JsonSchema[]).flatMap((inner) => schemaErrors(inner, value, root, at));
      case 'anyOf':
        return wrong((rule as JsonSchema[]).some((inner) => schemaErrors(inner, value, root, at).length === 0));
      default:
        return [`${at || '/'} has a keyword that is not checked: ${keyword}`];
    }
  });
}

/** @throws if the reference leads nowhere. */
export function resolve(root: JsonSchema, reference: string): JsonSchema {
  let found: unknown = root;
  for (const part of reference.replace(/^#\//, '').split('/')) {
    found = isObject(found) && Object.hasOwn(found, part) ? found[part] : undefined;
  }
  if (!reference.startsWith('#/') || !isObject(found)) throw new Error(`${reference} leads nowhere`);
  return found;
}

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

// The parts of an OpenAPI 3.1 document that the page shows.

export type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly example?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** False: no others. A schema: a map whose values are like it. */
  readonly additionalProperties?: boolean | Schema;
};

export type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

export type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
};

export type Answer = {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description?: string }>>;
  readonly content?: Content;
};

export type Operation = {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
  /** Empty: it takes no token, whatever the document says. */
  readonly security?: readonly object[];
};

export type OpenApiDocument = {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly security?: readonly object[];
};

export type Listed = { readonly method: string; readonly path: string; readonly operation: Operation };

/** The operations by their tag, in the order of the document. */
export function operationsByTag({ paths }: OpenApiDocument): ReadonlyMap<string, readonly Listed[]> {
  const byTag = new Map<string, Listed[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0] ?? '';
      const listed = byTag.get(tag) ?? [];
      listed.push({ method: method.toUpperCase(), path, operation });
      byTag.set(tag, listed);
    }
  }
  return byTag;
}

/** The name of the schema that is referred to; undefined where it is written out. */
export const nameOf = (schema: Schema | undefined): string | undefined => schema?.$ref?.split('/').at(-1);

export function resolve({ components }: OpenApiDocument, schema: Schema): Schema {
  const name = nameOf(schema);
  return name === undefined ? schema : (components.schemas[name] ?? {});
}

/** A value of the schema, made of the examples that it has; undefined where it has none. */
export function exampleOf(document: OpenApiDocument, schema: Schema): unknown {
  const { example, properties, items } = resolve(document, schema);
  if (example !== undefined) return example;
  if (items !== undefined) {
    const item = exampleOf(document, items);
    return item === undefined ? undefined : [item];
  }
  if (properties === undefined) return undefined;
  const examples = Object.entries(properties)
    .map(([name, property]) => [name, exampleOf(document, property)] as const)
    .filter(([, value]) => value !== undefined);
  return examples.length === 0 ? undefined : Object.fromEntries(examples);
}

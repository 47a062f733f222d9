// The handlers of this process by type, checked once at start.
//
// Rule 1: names, fields and values that break a rule are refused with the path of what is wrong; a misspelt field never
//         silently means its default.
// Rule 2: what the module exports is read, never merged into anything; types live in a Map, so that one named
//         `__proto__` or `constructor` is a name like any other.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { DEFAULT_BACKOFF, RETRY_DELAY_MS_MAX } from '../../core/job/retry.ts';
import type { Backoff, BackoffFunction } from '../../core/job/retry.ts';
import { DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_MS } from '../../core/queue/settings.ts';
import type { TypeSettings } from '../../core/queue/settings.ts';
import type { Handler } from './handler.ts';

export type RegisteredHandler = {
  readonly handler: Handler;
  readonly settings: TypeSettings;
  readonly schema: StandardSchemaV1 | null;
};

export type HandlerRegistry = ReadonlyMap<string, RegisteredHandler>;

/** The handlers' author's mistake. The message is one line for the operator; the process exits 1. */
export class HandlersError extends Error {
  override readonly name = 'HandlersError';
}

const TYPE_NAME = /^[A-Za-z0-9._:-]{1,128}$/;
const DEFINITION_FIELDS = ['handler', 'concurrency', 'maxRetries', 'timeoutMs', 'backoff', 'schema'];
const BACKOFF_FIELDS = ['baseMs', 'maxMs', 'factor'];

/**
 * Reads a module's default export: an object or a Map from types to functions or definitions.
 * @throws {HandlersError} at the first thing that breaks a rule.
 */
export function registerHandlers(exported: unknown): HandlerRegistry {
  if (!isObject(exported)) throw new HandlersError('the default export must be an object that maps types to handlers');
  const entries: Iterable<[unknown, unknown]> = exported instanceof Map ? exported : Object.entries(exported);
  const registry = new Map<string, RegisteredHandler>();
  for (const [type, definition] of entries) {
    if (typeof type !== 'string' || !TYPE_NAME.test(type)) {
      throw new HandlersError(`${pathOf(type)}: a type must have 1 to 128 of the characters A-Z a-z 0-9 . _ : -`);
    }
    registry.set(type, registered(pathOf(type), definition));
  }
  if (registry.size === 0) throw new HandlersError('the default export must have at least one handler');
  return registry;
}

/** What the queue decides by. */
export function settingsOf(registry: HandlerRegistry): ReadonlyMap<string, TypeSettings> {
  return new Map([...registry].map(([type, { settings }]) => [type, settings]));
}

function registered(path: string, definition: unknown): RegisteredHandler {
  if (typeof definition === 'function') return registered(path, { handler: definition });
  if (!isObject(definition)) throw new HandlersError(`${path} must be a function or an object with a handler`);
  refuseUnknownFields(path, definition, DEFINITION_FIELDS);
  const { handler, concurrency, maxRetries, timeoutMs, backoff, schema } = definition;
  if (typeof handler !== 'function') throw new HandlersError(`${path}.handler must be a function`);
  return {
    handler: handler as Handler,
    settings: {
      concurrency: wholeNumber(`${path}.concurrency`, concurrency, { min: 1, max: 1_000, fallback: null }),
      maxRetries: wholeNumber(`${path}.maxRetries`, maxRetries, { min: 0, max: 100, fallback: DEFAULT_MAX_RETRIES }),
      timeoutMs: wholeNumber(`${path}.timeoutMs`, timeoutMs, {
        min: 100,
        max: 86_400_000,
        fallback: DEFAULT_TIMEOUT_MS,
      }),
      backoff: readBackoff(`${path}.backoff`, backoff),
    },
    schema: readSchema(`${path}.schema`, schema),
  };
}

function readBackoff(path: string, backoff: unknown): Backoff {
  if (backoff === undefined) return DEFAULT_BACKOFF;
  if (typeof backoff === 'function') return backoff as BackoffFunction;
  if (!isObject(backoff)) throw new HandlersError(`${path} must be a function or an object with baseMs, maxMs, factor`);
  refuseUnknownFields(path, backoff, BACKOFF_FIELDS);
  const { baseMs, maxMs, factor = DEFAULT_BACKOFF.factor } = backoff;
  if (typeof factor !== 'number' || !(factor >= 1 && factor <= 1_000)) {
    throw new HandlersError(`${path}.factor must be a number from 1 to 1000`);
  }
  const range = { min: 0, max: RETRY_DELAY_MS_MAX };
  return {
    baseMs: wholeNumber(`${path}.baseMs`, baseMs, { ...range, fallback: DEFAULT_BACKOFF.baseMs }),
    maxMs: wholeNumber(`${path}.maxMs`, maxMs, { ...range, fallback: DEFAULT_BACKOFF.maxMs }),
    factor,
  };
}

/** Schemas may be functions (ArkType's are). */
function readSchema(path: string, schema: unknown): StandardSchemaV1 | null {
  if (schema === undefined) return null;
  const standard = isObject(schema) || typeof schema === 'function' ? Reflect.get(schema, '~standard') : undefined;
  if (!isObject(standard) || standard['version'] !== 1 || typeof standard['validate'] !== 'function') {
    throw new HandlersError(`${path} must be a Standard Schema (Zod, Valibot, ArkType and others make them)`);
  }
  return schema as StandardSchemaV1;
}

function wholeNumber<Fallback extends number | null>(
  path: string,
  value: unknown,
  { min, max, fallback }: { min: number; max: number; fallback: Fallback },
): number | Fallback {
  if (value === undefined) return fallback;
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw new HandlersError(`${path} must be a whole number from ${min} to ${max}`);
}

function refuseUnknownFields(path: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  if (unknown === undefined) return;
  throw new HandlersError(`${path} has an unknown field ${JSON.stringify(unknown)}; known are ${known.join(', ')}`);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const pathOf = (type: unknown): string => {
  const name = String(type);
  return /^[A-Za-z_]\w*$/.test(name) ? `handlers.${name}` : `handlers[${JSON.stringify(name.slice(0, 200))}]`;
};

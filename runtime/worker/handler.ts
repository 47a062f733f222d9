// What the author of handlers writes against: the shapes of the module that HANDLERS names.
//
// Rule: a job runs at least once. An attempt may have done its work and died before the queue heard of it, so a handler
//       must bear being run again; `context.id` is the same in every attempt and `context.attempt` never repeats.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { BackoffFunction, ExponentialBackoff } from '../../core/job/retry.ts';
import type { Log } from '../log.ts';

/**
 * Does the work of one attempt. What it returns is the job's result: a JSON value up to 1 MiB, anything else is stored
 * as null. What it throws is a failure; an error whose `retryable` is false makes the job dead at once.
 */
export type Handler<Payload = unknown> = (payload: Payload, context: HandlerContext) => unknown;

export type HandlerContext = {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  /** The number of this start, from 1. */
  readonly attempt: number;
  /** Attempts before this one that threw or outlived their lease. */
  readonly failures: number;
  readonly maxRetries: number;
  /**
   * Aborted when the attempt is no longer wanted: its lease is over, the job was cancelled, or the server shuts down
   * and the grace has passed. The reason is an error named TimeoutError, CancelledError or ShutdownError.
   */
  readonly signal: AbortSignal;
  /**
   * Renews the lease, so that it ends this many milliseconds from now: 100 to 86 400 000, by default the job's
   * visibility timeout. Resolves when it or a later renewal is durable; of those that wait for the disk only the latest
   * is stored.
   * @throws {LeaseLostError} if the attempt has no lease any more: stop, another attempt may be running.
   * @throws {RangeError} if the duration is out of range; the lease is as before.
   */
  extend(durationMs?: number): Promise<void>;
  /**
   * Tells how far the work has come: any JSON value up to 64 KiB. Resolves when it or a later value is durable; call it
   * as often as you like, only the latest of the waiting values is stored.
   * @throws {LeaseLostError} if the attempt has no lease any more.
   * @throws {TypeError} if the value is not JSON or too large.
   */
  progress(value: unknown): Promise<void>;
  /** Lines carry the job's id, type and attempt. */
  readonly log: Log;
};

type Settings = {
  /** Attempts of this type running at once: 1 to 1000; bounded by WORKER_COUNT alone if absent. */
  readonly concurrency?: number;
  /** Failures forgiven unless the submission says otherwise: 0 to 100, 3 if absent. */
  readonly maxRetries?: number;
  /** The visibility timeout unless the submission says otherwise: 100 to 86 400 000, 30 000 if absent. */
  readonly timeoutMs?: number;
  /** Failure n waits random(0, min(baseMs · factor^(n−1), maxMs)), or what the function says. */
  readonly backoff?: Partial<ExponentialBackoff> | BackoffFunction;
};

export type HandlerDefinition<Payload = unknown> = Settings & {
  readonly handler: Handler<Payload>;
  /** Submissions whose payload does not fit are refused; the handler gets the schema's output. */
  readonly schema?: StandardSchemaV1;
};

export type DefinitionWithSchema<Schema extends StandardSchemaV1> = Settings & {
  readonly handler: Handler<StandardSchemaV1.InferOutput<Schema>>;
  readonly schema: Schema;
};

/** The default export of a handlers' module: what runs each type of job. */
export type HandlerMap = Readonly<Record<string, Handler<never> | HandlerDefinition<never>>>;

/**
 * Gives a map of handlers back as it is, for the types alone: the payload that each type takes is what its handler's
 * first parameter, or its schema, says.
 */
export function defineHandlers<Map extends HandlerMap>(handlers: Map): Map {
  return handlers;
}

/** Gives one definition back as it is: the handler's payload is typed by the schema's output. */
export function defineHandler<Schema extends StandardSchemaV1>(
  definition: DefinitionWithSchema<Schema>,
): DefinitionWithSchema<Schema> {
  return definition;
}

/** What a submission to the handler must carry: the schema's input, else the handler's first parameter. */
export type PayloadOf<Definition> = Definition extends { readonly schema: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<Schema>
  : Definition extends { readonly handler: (payload: infer Payload, ...rest: never[]) => unknown }
    ? Payload
    : Definition extends (payload: infer Payload, ...rest: never[]) => unknown
      ? Payload
      : unknown;

/** The attempt's lease is gone: what it does from now on counts for nothing. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

// The queue inside a program of one's own: the same durability, without HTTP. Its HTTP app can be mounted all the same.

import type { Hono } from 'hono';
import { createApp } from '../http/app.ts';
import { CONNECTIONS_MAX, FEED_CONNECTIONS_MAX } from '../http/settings.ts';
import { Service } from '../service.ts';
import type { LoopEnd } from '../loop.ts';
import type { HandlerMap } from '../worker/handler.ts';
import { registerHandlers } from '../worker/registry.ts';
import { QueueCalls } from './calls.ts';
import { whenDrained } from './drain.ts';
import { readOptions } from './options.ts';
import type { QueueOptions } from './options.ts';

export type AppOptions = {
  /** Names under which clients may call, beside loopback: checked against `Host`. */
  readonly allowedHosts?: readonly string[];
  /** Bearer token of every call but the probes; none if absent. */
  readonly authToken?: string;
  /** Bytes of one job in a request; 1 MiB if absent. */
  readonly maxBodyBytes?: number;
};

/** Milliseconds that running handlers get at `close`. */
const GRACE_MS = 10_000;

const BODY_BYTES_MAX = 1_048_576;

export class Queue<Handlers extends HandlerMap = HandlerMap> extends QueueCalls<Handlers> {
  readonly #service: Service;
  readonly #options: QueueOptions<Handlers>;

  constructor(service: Service, options: QueueOptions<Handlers>) {
    super(service);
    this.#service = service;
    this.#options = options;
  }

  /** The HTTP API on this queue, to mount in a server of one's own: `server.route('/', queue.app())`. */
  app({ allowedHosts = [], authToken, maxBodyBytes = BODY_BYTES_MAX }: AppOptions = {}): Hono {
    const http = {
      host: '127.0.0.1',
      port: 0,
      allowedHosts: allowedHosts.map((host) => host.toLowerCase()),
      authToken: authToken ?? null,
      bodyBytesMax: maxBodyBytes,
      feedConnectionsMax: FEED_CONNECTIONS_MAX,
      connectionsMax: CONNECTIONS_MAX,
    };
    const { log } = readOptions(this.#options);
    return createApp({ queue: this.#service, http, log }) as unknown as Hono;
  }

  /** Resolves when no job is pending or running; those that wait for their time or for a paused queue count. */
  drain(): Promise<void> {
    return whenDrained(this.#service);
  }

  /**
   * Shuts down in order: submissions are refused from now on, running handlers get the grace, what does not finish is
   * given back, and everything is durable when this resolves. Further calls wait for the same end.
   * @throws {DiskError} if the disk failed, then or before; the next start then recovers as from a crash.
   */
  async close({ graceMs = GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    const end = await this.#service.close({ graceMs });
    if (end !== null) throw errorOf(end);
  }
}

/**
 * Opens the data directory, recovers it and starts to run jobs.
 *
 * ```ts
 * const queue = await createQueue({ directory: './data', handlers });
 * const { job } = await queue.submit('greet', { name: 'Ada' }, { idempotencyKey: 'greet-ada' });
 * ```
 *
 * @throws {ConfigError} for an option that breaks its rule, {HandlersError} for a handler that does.
 * @throws {LockedError} if another process holds the directory.
 * @throws {DamageError | FormatError} if it must not be opened; nothing was changed.
 * @throws {DiskError} if the disk failed.
 */
export async function createQueue<Handlers extends HandlerMap>(
  options: QueueOptions<Handlers>,
): Promise<Queue<Handlers>> {
  const service = await Service.open({
    ...readOptions(options),
    handlers: registerHandlers(options.handlers),
    onEnd: (end) => fail(end, options.onFailure),
  });
  return new Queue(service, options);
}

function fail(end: LoopEnd, onFailure: ((error: unknown) => void) | undefined): void {
  const error = errorOf(end);
  if (onFailure !== undefined) return onFailure(error);
  setImmediate(() => {
    throw error;
  });
}

const errorOf = (end: LoopEnd): unknown => ('failure' in end ? end.failure : end.defect);

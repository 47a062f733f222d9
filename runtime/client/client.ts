// The HTTP API for programs that run elsewhere.
//
// Rule: a submission always carries a key, given or made up, and what is sent again carries the same one. So trying again
// after a broken connection is safe: the job is stored once.

import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { JobPage, ListOptions, SubmitOptions, Submitted } from '../embed/calls.ts';
import type { EventView, JobView, JobWithHistory } from '../embed/job-view.ts';
import { readEventStream } from './event-stream.ts';
import { ProblemError } from './problem-error.ts';
import { readEvent, readJob, readJobWithHistory } from './wire.ts';
import type { WireEvent, WireJob, WireJobWithHistory, WireStats } from './wire.ts';

export type ClientOptions = {
  /** Where the server listens; `http://127.0.0.1:8080` if absent. */
  readonly url?: string;
  /** Bearer token, where the server asks for one. */
  readonly token?: string;
  /** Tries of a submission in all, 5 if absent; others are sent once. */
  readonly triesMax?: number;
  /** `fetch` of one's own: a proxy, an agent, or the app's `request` in a test. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response> | Response;
};

/** The pause before try n, n from 1: doubled each time, unless the server said how long. */
const FIRST_PAUSE_MS = 100;
const PAUSE_MS_MAX = 5_000;

export class Client {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #triesMax: number;
  readonly #fetch: NonNullable<ClientOptions['fetch']>;

  /** @throws {TypeError} if the URL is none of HTTP. */
  constructor({ url = 'http://127.0.0.1:8080', token, triesMax = 5, fetch = globalThis.fetch }: ClientOptions = {}) {
    // `localhost:8080` is a URL too, of the scheme `localhost`: `fetch` would only say that it failed.
    if (!/^https?:\/\/[^/]/i.test(url))
      throw new TypeError(`url is ${JSON.stringify(url)}: it must begin with http:// or https://`);
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
    this.#triesMax = triesMax;
    this.#fetch = fetch;
  }

  /**
   * Resolves when the job is durable. What was not answered, or refused for now (429, 503), is sent again.
   * @throws {ProblemError} if the server refuses it for good, or still does at the last try.
   * @throws {TypeError} `fetch`'s own, if no server answers even at the last try: the outcome is unknown.
   */
  async submit(type: string, payload: unknown = null, options: SubmitOptions = {}): Promise<Submitted> {
    const { idempotencyKey = randomUUID(), maxRetries, queue, priority, runAt, delayMs, timeoutMs } = options;
    const body = {
      type,
      payload,
      idempotency_key: idempotencyKey,
      max_retries: maxRetries,
      queue,
      priority,
      run_at: runAt,
      delay_ms: delayMs,
      timeout_ms: timeoutMs,
    };
    // The body is read inside the try: an answer that breaks off was no answer.
    return this.#persist(async () => {
      const response = await this.#send('POST', '/jobs', body);
      return { job: readJob((await response.json()) as WireJob), replayed: response.status === 200 };
    });
  }

  /** The job with its history; null if there is none. */
  async get(id: string): Promise<JobWithHistory | null> {
    try {
      const response = await this.#send('GET', `/jobs/${encodeURIComponent(id)}`);
      return readJobWithHistory((await response.json()) as WireJobWithHistory);
    } catch (error) {
      if (error instanceof ProblemError && error.status === 404) return null;
      throw error;
    }
  }

  /** One page, newest first. */
  async list(options: ListOptions = {}): Promise<JobPage> {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
    const response = await this.#send('GET', `/jobs${query === '' ? '' : `?${query}`}`);
    const page = (await response.json()) as { readonly jobs: readonly WireJob[]; readonly next_cursor: string | null };
    return { jobs: page.jobs.map(readJob), nextCursor: page.next_cursor };
  }

  /** All jobs, newest first, page by page; neither skips nor repeats one while others are added. */
  async *jobs(options: Omit<ListOptions, 'cursor'> = {}): AsyncGenerator<JobView> {
    let cursor: string | null = null;
    do {
      const page: JobPage = await this.list(cursor === null ? options : { ...options, cursor });
      yield* page.jobs;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  cancel(id: string): Promise<JobView> {
    return this.#job('POST', `/jobs/${encodeURIComponent(id)}/cancel`);
  }

  retry(id: string): Promise<JobView> {
    return this.#job('POST', `/jobs/${encodeURIComponent(id)}/retry`);
  }

  async delete(id: string): Promise<void> {
    await this.#send('DELETE', `/jobs/${encodeURIComponent(id)}`);
  }

  async pause(queue: string): Promise<void> {
    await this.#send('POST', `/queues/${encodeURIComponent(queue)}/pause`);
  }

  async resume(queue: string): Promise<void> {
    await this.#send('POST', `/queues/${encodeURIComponent(queue)}/resume`);
  }

  async stats(): Promise<WireStats> {
    return (await (await this.#send('GET', '/stats')).json()) as WireStats;
  }

  /**
   * Every event as it becomes durable, from now on or after the given number; goes on where it was after a broken
   * connection. Ends when the signal is aborted.
   * @throws {ProblemError} if the server refuses the feed for good.
   */
  async *events({ after, signal }: { after?: number; signal?: AbortSignal } = {}): AsyncGenerator<EventView> {
    let last = after;
    const isOver = (): boolean => signal?.aborted === true;
    for (let failures = 0; !isOver(); failures += 1) {
      try {
        const path = last === undefined ? '/events' : `/events?after=${last}`;
        const { body } = await this.#send('GET', path, undefined, signal);
        if (body === null) return;
        for await (const { event, data } of readEventStream(body)) {
          failures = 0;
          if (event === 'gap') continue;
          const read = readEvent(JSON.parse(data) as WireEvent);
          last = read.seq;
          yield read;
          if (isOver()) return;
        }
      } catch (error) {
        if (isOver()) return;
        if (error instanceof ProblemError && error.isFinal) throw error;
      }
      await wait(pauseMs(failures), undefined, { signal }).catch(() => undefined);
    }
  }

  async #job(method: string, path: string): Promise<JobView> {
    return readJob((await (await this.#send(method, path)).json()) as WireJob);
  }

  async #persist<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await send();
      } catch (error) {
        const isFinal = error instanceof ProblemError ? error.isFinal : !isBrokenConnection(error);
        if (isFinal || tries >= this.#triesMax) throw error;
        const askedMs = error instanceof ProblemError ? error.retryAfterMs : null;
        await wait(Math.min(askedMs ?? pauseMs(tries - 1), PAUSE_MS_MAX));
      }
    }
  }

  async #send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`;
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (signal !== undefined) init.signal = signal;
    const response = await this.#fetch(`${this.#url}${path}`, init);
    if (response.ok) return response;
    const text = await response.text();
    throw new ProblemError({
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: parse(text),
    });
  }
}

export const createClient = (options: ClientOptions = {}): Client => new Client(options);

const pauseMs = (failures: number): number => Math.min(FIRST_PAUSE_MS * 2 ** failures, PAUSE_MS_MAX);

/** What `fetch` rejects with where no whole answer came: its own TypeError, or a body of JSON that breaks off. */
const isBrokenConnection = (error: unknown): boolean => error instanceof TypeError || error instanceof SyntaxError;

/** A proxy in between may answer anything. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

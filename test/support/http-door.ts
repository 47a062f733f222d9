// The HTTP interface as the door of a simulated server: what clients send goes as real requests through the production app,
// whose queue is the simulated one, and what the app answers is held against what the queue replied.
//
// Rule 1: simulated time stands still while the app computes. `settle` gives it turns of the event loop until every request
//         is answered or waits for the queue; only then does the next event come. So a seed always lives alike.
// Rule 2: a process has an app of its own. What waits for a queue that died is never answered, as its connection is gone.
// Rule 3: no answer is a 500, none differs from what the contract says of the queue's reply, and nothing is logged.

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { JobId } from '../../core/job/job.ts';
import type { ClientCommand, Submission } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import { createApp } from '../../runtime/http/app.ts';
import type { QueuePort } from '../../runtime/queue-port.ts';
import type { Message } from '../../sim/actors/exchange.ts';
import type { Server } from '../../sim/actors/server.ts';
import type { Stream } from '../../sim/world/tape.ts';
import type { World } from '../../sim/world/world.ts';
import { broken, wrong } from './bad-requests.ts';
import type { BadRequest } from './bad-requests.ts';
import { HTTP } from './http-api.ts';
import { arrived, checkAnswer, checkProblem } from './http-answers.ts';
import type { Answered } from './http-answers.ts';
import { tablesText } from './tables-text.ts';

export const ORIGIN = 'http://localhost';
/** More than any submission of the simulated clients has. */
const BODY_BYTES_MAX = 65_536;
const BULK_BODY_BYTES_MAX = 64 * BODY_BYTES_MAX;
/** Turns of the event loop that a request may take: beyond, it waits for something that does not come. */
const TURNS_MAX = 10_000;
/** Chances in a million that a message is preceded by a broken copy of itself, or by nonsense. */
const BAD_PER_MILLION = 300_000;

/** A request under way. */
type Conversation = {
  readonly client: string;
  readonly shownSeq: number;
  readonly refused: () => void;
  /** Time stands still until it is answered. */
  readonly isAwaited: boolean;
  asked: { readonly command: ClientCommand; reply: Reply | null } | null;
};

export type Sent = {
  readonly client: string;
  readonly request: Request;
  readonly answered: (answer: Answered, reply: Reply | null) => void;
  /** Nobody listens, or the connection broke. */
  readonly refused: () => void;
  readonly shownSeq?: number;
};

export class HttpDoor {
  readonly #world: World;
  readonly #server: Server;
  readonly #current = new AsyncLocalStorage<Conversation>();
  readonly #hash = createHash('sha256');
  #app: ReturnType<typeof createApp> | null = null;
  #recoveries = 0;
  #computing = 0;
  #jobs = 0;
  #failure: unknown = null;
  /** How often each status was answered, and how many requests were bad from the start. */
  readonly statuses = new Map<number, number>();
  bad = 0;
  readonly returned: Server['returned'];

  constructor({ world, server }: { readonly world: World; readonly server: Server }) {
    this.#world = world;
    this.#server = server;
    this.returned = server.returned;
  }

  /** A client's message, as a request; the feed alone is asked of the server itself, since a stream has no end. */
  receive(message: Message): void {
    const command = message.command(() => JobId(''));
    const request = requestOf(command);
    if (request === null) return this.#server.receive(message);
    const { client, shownSeq } = message;
    const send = (): void => {
      const answered = (_: Answered, reply: Reply | null): void => {
        if (reply === null) throw new Error(`${command.kind} is answered, and the queue was never asked`);
        message.answer(reply);
      };
      this.send({ client, shownSeq, request, answered, refused: message.refused });
    };
    const stream = this.#world.tape.stream('bad requests');
    if (this.#world.faults.isHealed || !stream.chance('bad', BAD_PER_MILLION)) return send();
    void this.#offend(badRequest(stream, command)).then(send);
  }

  send(sent: Sent): void {
    const { client, shownSeq = 0, refused } = sent;
    const conversation: Conversation = { client, shownSeq, refused, isAwaited: true, asked: null };
    void this.#computed(async () => {
      const answer = await this.#answer(sent.request, conversation);
      const { asked } = conversation;
      if (asked?.reply != null) checkAnswer(asked.command, asked.reply, answer);
      sent.answered(answer, asked?.reply ?? null);
    });
  }

  /** @throws what broke a rule while the app computed. */
  async settle(): Promise<void> {
    for (let turns = 0; this.#computing > 0; turns += 1) {
      if (turns > TURNS_MAX) throw new Error('a request waits for something that does not come');
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** A checksum of all answers, in order. */
  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** A stream of events, as it comes. */
  async open(path: string): Promise<ReadableStream<Uint8Array>> {
    const conversation: Conversation = { ...UNNAMED, isAwaited: false, asked: null };
    const response = await this.#current.run(conversation, () => this.#living().request(path));
    if (response.body === null) throw new Error(`${path} has no body`);
    return response.body;
  }

  /** Sends what must be refused, and sees that it is: the queue hears nothing of it. */
  async #offend(bad: BadRequest): Promise<void> {
    this.bad += 1;
    const conversation: Conversation = { ...UNNAMED, isAwaited: true, asked: null };
    await this.#computed(async () => {
      const before = this.#stored();
      const answer = await this.#answer(bad.request, conversation);
      checkProblem(answer, bad.status);
      if (conversation.asked !== null) throw new Error(`S30 ${bad.label}: the queue was asked for it`);
      const after = this.#stored();
      // A process that died in between has stored nothing either, but can no longer be asked.
      if (before !== null && after !== null && after !== before)
        throw new Error(`S30 ${bad.label}: it changed what is stored`);
    });
  }

  #stored(): string | null {
    const tables = this.#server.restingTables;
    return tables === null ? null : tablesText(tables);
  }

  async #answer(request: Request, conversation: Conversation): Promise<Answered> {
    const answer = await this.#current.run(conversation, async () => arrived(await this.#living().fetch(request)));
    const { status, text } = answer;
    if (status === 500) throw new Error(`S30 ${request.method} ${request.url} is answered 500: ${text}`);
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const headers = [...answer.headers].map((header) => header.join(': ')).join('\n');
    this.#hash.update(`${request.method} ${request.url} ${status}\n${headers}\n${text}\n`);
    return answer;
  }

  async #computed(act: () => Promise<void>): Promise<void> {
    this.#computing += 1;
    try {
      await act();
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#computing -= 1;
    }
  }

  /** The app of the process that listens now. */
  #living(): ReturnType<typeof createApp> {
    if (this.#app === null || this.#recoveries !== this.#server.recoveries) {
      this.#recoveries = this.#server.recoveries;
      this.#app = createApp({ queue: this.#port(), http: { ...HTTP, bodyBytesMax: BODY_BYTES_MAX }, log: this.#log() });
    }
    return this.#app;
  }

  #port(): QueuePort {
    const types = new Map([...this.#world.plan.settings.types.keys()].map((type) => [type, { schema: null }]));
    return {
      types,
      ask: (command) => this.#ask(command),
      subscribe: () => () => undefined,
      readiness: () => ({ refusing: null, warnings: [] }),
      newJobId: () => JobId(`h${String((this.#jobs += 1)).padStart(6, '0')}`),
      uptimeMs: () => this.#world.clock.monotonicMs,
    };
  }

  /** While the queue is asked, the app does not compute. */
  #ask(command: ClientCommand): Promise<Reply> {
    const conversation = this.#current.getStore();
    if (conversation === undefined) throw new Error('every request has a conversation');
    const asked: NonNullable<Conversation['asked']> = { command, reply: null };
    conversation.asked = asked;
    const { client, shownSeq, refused, isAwaited } = conversation;
    const weight = isAwaited ? 1 : 0;
    return new Promise((resolve) => {
      this.#computing -= weight;
      const answer = (reply: Reply): void => {
        this.#computing += weight;
        asked.reply = reply;
        resolve(reply);
      };
      this.#server.receive({ client, command: () => command, shownSeq, answer, refused });
    });
  }

  #log() {
    const complain = (fields: object, message: string): void => {
      this.#failure ??= new Error(`S30 the server logs: ${message}`, { cause: fields });
    };
    return { warn: complain, error: complain };
  }
}

const UNNAMED = { client: 'a stranger', shownSeq: 0, refused: () => undefined };

function badRequest(stream: Stream, command: ClientCommand): BadRequest {
  if (command.kind !== 'submit') return wrong(stream, { origin: ORIGIN, bodyBytesMax: BODY_BYTES_MAX });
  const submission = submissionOf(command.submissions);
  const bodyBytesMax = submission.path === '/createJobs' ? BULK_BODY_BYTES_MAX : BODY_BYTES_MAX;
  return broken(stream, submission, { origin: ORIGIN, bodyBytesMax });
}

function requestOf(command: ClientCommand): Request | null {
  const ask = (method: string, path: string): Request => new Request(ORIGIN + path, { method });
  switch (command.kind) {
    case 'submit': {
      const { path, text } = submissionOf(command.submissions);
      return new Request(ORIGIN + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: text,
      });
    }
    case 'get':
      return ask('GET', `/jobs/${command.jobId}`);
    case 'delete':
      return ask('DELETE', `/jobs/${command.jobId}`);
    case 'cancel':
    case 'retry':
      return ask('POST', `/jobs/${command.jobId}/${command.kind}`);
    case 'list': {
      const { filter, before, limit } = command;
      const asked = { state: filter.state, type: filter.type, queue: filter.queue, cursor: before, limit };
      const given = Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
      return ask('GET', `/jobs?${given.join('&')}`);
    }
    case 'stats':
    case 'queues':
      return ask('GET', `/${command.kind}`);
    case 'pause':
    case 'resume':
      return ask('POST', `/queues/${command.queue}/${command.kind}`);
    case 'feed':
      return null;
  }
}

export function submissionOf(submissions: readonly Submission[]): { readonly path: string; readonly text: string } {
  const texts = submissions.map(submissionText);
  const [first, ...others] = texts;
  if (first === undefined || others.length > 0) return { path: '/createJobs', text: `{"jobs":[${texts.join(',')}]}` };
  // Both paths are the same operation.
  return { path: first.length % 2 === 0 ? '/createJob' : '/jobs', text: first };
}

function submissionText(submission: Submission): string {
  const { type, queue, payload, priority, maxRetries, timeoutMs, idempotencyKey, start } = submission;
  const fields = {
    queue,
    priority,
    max_retries: maxRetries,
    timeout_ms: timeoutMs,
    idempotency_key: idempotencyKey,
    delay_ms: start.kind === 'after' ? start.delayMs : null,
    run_at: start.kind === 'at' ? writable(start.instant) : null,
  };
  // The payload goes as the text it is.
  return `{"type":${JSON.stringify(type)},"payload":${payload},${JSON.stringify(fields).slice(1)}`;
}

const LAST_INSTANT = Date.UTC(10_000, 0, 1) - 1;

/** A client can only ask for the years 1970 to 9999, whatever its clock shows. */
const writable = (instant: number): string => new Date(Math.min(Math.max(instant, 0), LAST_INSTANT)).toISOString();

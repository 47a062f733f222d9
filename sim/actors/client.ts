// A client: submits, reads and manages, retries with its key, times out, forgets, and never trusts silence.

import type { ClientCommand, Start, Submission } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import { Instant, JOB_STATES, JsonText } from '../../core/job/job.ts';
import type { JobId } from '../../core/job/job.ts';
import type { Timer } from '../world/clock.ts';
import type { Stream } from '../world/tape.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import { carry } from './network.ts';
import type { Message } from './exchange.ts';
import type { Server } from './server.ts';

const YEAR_MS = 31_536_000_000;

/** A submission as a client means it; each arrival at the server gets a new id. */
type Wish = Omit<Submission, 'id'>;

type Request = {
  readonly label: string;
  readonly command: Message['command'];
  /** Safe to send again, since its key or its nature makes a second time harmless. */
  readonly isRepeatable: boolean;
};

/** What all clients of a life know together. */
export class Society {
  /** Ids that somebody was told of. */
  readonly jobs: JobId[] = [];
  /** Submissions that carried a key. */
  readonly keyed: Wish[] = [];
  wishes = 0;
}

export type ClientOptions = {
  readonly name: string;
  readonly world: World;
  /** The server, or the door that leads to it. A door of its own judges what comes in part or garbled by itself. */
  readonly server: Pick<Server, 'receive' | 'returned'> & Partial<Pick<Server, 'receiveHead' | 'receiveGarbled'>>;
  readonly society: Society;
  readonly shownSeq: () => number;
};

export class Client {
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #stream: Stream;
  #operationsLeft: number;
  #timeout: Timer | null = null;
  isDone = false;

  constructor(options: ClientOptions) {
    this.name = options.name;
    this.#options = options;
    this.#stream = options.world.tape.stream(options.name);
    this.#operationsLeft = options.world.plan.operationsPerClient;
  }

  /** Thinks, then sends the next request; comes to its end when there is none left or all faults have stopped. */
  next(): void {
    const { world } = this.#options;
    if (this.#operationsLeft === 0 || world.faults.isHealed) {
      this.isDone = true;
      return;
    }
    this.#operationsLeft -= 1;
    const thinkUs = this.#stream.between('think', 0, world.plan.thinkMsMax) * 1000;
    this.#wait(thinkUs, (isAtDoor) => this.#send(this.#draw(), 1, isAtDoor));
  }

  /** Does it after a while, or when the server comes back and all are at its door. */
  #wait(delayUs: number, act: (isAtDoor: boolean) => void): void {
    const { world, server } = this.#options;
    const go = (isAtDoor: boolean): void => {
      server.returned.delete(hurry);
      act(isAtDoor);
    };
    const pause = world.clock.after(delayUs, null, () => go(false));
    const hurry = (): void => {
      pause.cancelled = true;
      go(true);
    };
    server.returned.add(hurry);
  }

  #send(request: Request, attempt: number, isAtDoor = false): void {
    const { world, server, shownSeq } = this.#options;
    let isOver = false;
    const over = (act: () => void): void => {
      if (isOver) return;
      isOver = true;
      if (this.#timeout !== null) this.#timeout.cancelled = true;
      act();
    };
    const again = (why: string): void => {
      note(world, this.name, () => `${request.label}: ${why}`);
      if (!request.isRepeatable || attempt >= world.plan.requestTriesMax) return this.next();
      const pauseUs = this.#stream.between('pause', 1, 1_000) * 1000;
      this.#wait(pauseUs, (isAtDoor) => this.#send(request, attempt + 1, isAtDoor));
    };

    note(world, this.name, () => `${request.label}${attempt === 1 ? '' : ` (try ${attempt})`}`);
    this.#timeout = world.clock.after(world.plan.requestTimeoutMs * 1000, null, () => over(() => again('no answer')));
    const message: Message = {
      client: this.name,
      command: request.command,
      shownSeq: shownSeq(),
      answer: (reply) => {
        const arrive = (): void => over(() => this.#answered(reply, again));
        carry(world, { label: `reply to ${this.name}`, lostBy: 'N2', arrive });
      },
      refused: () => over(() => again('connection refused')),
    };
    const arrive = (): void => {
      if (!world.faults.strikes('N6')) return server.receive(message);
      note(world, 'net', `the request of ${this.name} arrives garbled`, 'N6');
      server.receiveGarbled?.(message);
      over(() => again('answered 400'));
    };
    const arriveHead = (): void => server.receiveHead?.(message);
    carry(world, { label: `request of ${this.name}`, lostBy: 'N1', arrive, arriveHead, isAtDoor });
  }

  #answered(reply: Reply, again: (why: string) => void): void {
    const { world, society } = this.#options;
    if (reply.kind === 'submitted') {
      society.jobs.push(...reply.outcomes.map(({ job }) => job.id));
      if (world.faults.strikes('N11')) return this.#forget();
    }
    if (reply.kind === 'refused' && reply.refusals.some(({ reason }) => TRANSIENT.has(reason))) {
      return again(`refused, ${reply.refusals[0]?.reason ?? ''}`);
    }
    this.next();
  }

  /** The client crashes before it has written its answer down, and submits again under the same key. */
  #forget(): void {
    const { world, society } = this.#options;
    const wish = society.keyed.at(-1);
    if (wish === undefined) return this.next();
    note(world, this.name, `forgets that it sent "${wish.idempotencyKey ?? ''}"`, 'N11');
    this.#send(submission([wish]), 1);
  }

  #draw(): Request {
    const stream = this.#stream;
    const { jobs } = this.#options.society;
    const kind = stream.weighted('operation', [
      [10, 'submit'],
      [3, 'get'],
      [1, 'list'],
      [1, 'stats'],
      [1, 'queues'],
      [1, 'feed'],
      [1, 'cancel'],
      [1, 'retry'],
      [1, 'delete'],
    ] as const);
    const fixed = (command: ClientCommand): Request => ({
      label: `${command.kind}${'jobId' in command ? ` ${command.jobId}` : ''}`,
      command: () => command,
      isRepeatable: true,
    });
    const known = jobs.length === 0 ? undefined : stream.pick('which job', jobs);
    switch (kind) {
      case 'submit':
        return submission(this.#drawWishes());
      case 'get':
      case 'cancel':
      case 'retry':
      case 'delete':
        return known === undefined ? submission(this.#drawWishes()) : fixed({ kind, jobId: known });
      case 'list': {
        const state = stream.pick('state', ['any', ...JOB_STATES] as const);
        return fixed({
          kind,
          filter: state === 'any' ? {} : { state },
          before: undefined,
          limit: stream.between('limit', 1, 50),
        });
      }
      case 'stats':
      case 'queues':
        return fixed({ kind });
      case 'feed':
        return fixed({ kind, after: stream.choose('after', 200), limit: 100 });
    }
  }

  #drawWishes(): Wish[] {
    const { world } = this.#options;
    const count = this.#stream.between('jobs', 1, world.plan.bulkJobsMax);
    return Array.from({ length: count }, () => this.#drawWish());
  }

  #drawWish(): Wish {
    const { world, society } = this.#options;
    const { plan, faults } = world;
    const stream = this.#stream;
    if (society.keyed.length > 0 && faults.strikes('N10')) {
      const wish = stream.pick('which key', society.keyed);
      return { ...wish, payload: JsonText({ other: stream.choose('other', 3) }) };
    }
    society.wishes += 1;
    const isKeyed = stream.chance('keyed', plan.keyed);
    const isDelayed = stream.chance('delayed', plan.delayed);
    const usual: Start = isDelayed
      ? { kind: 'after', delayMs: stream.choose('delay', plan.delayMsMax + 1) }
      : { kind: 'now' };
    const start = faults.strikes('C8') ? this.#drawExtreme() : usual;
    const wish: Wish = {
      type: stream.pick('type', [...plan.settings.types.keys()]),
      queue: stream.pick('queue', plan.queues),
      payload: this.#drawPayload(society.wishes),
      priority: stream.choose('priority', plan.priorities),
      maxRetries: stream.pick('retries', [null, 0, 2]),
      timeoutMs: stream.pick('timeout', [null, 100, 1_000]),
      idempotencyKey: isKeyed ? `pay-${society.wishes}` : null,
      start,
    };
    if (isKeyed) society.keyed.push(wish);
    return wish;
  }

  /** An instant at an end of what may be asked for, or just beside now; what timers cannot reach is among them. */
  #drawExtreme(): Start {
    const { wallMs } = this.#options.world.clock;
    const instants = [0, 1, wallMs - 1, wallMs, wallMs + 1, wallMs + 2 ** 31, wallMs + YEAR_MS];
    return { kind: 'at', instant: Instant(this.#stream.pick('instant', instants)) };
  }

  #drawPayload(number: number): JsonText {
    const { plan, faults } = this.#options.world;
    const poison = faults.strikes('W3');
    const text = this.#stream.pick('text', ['', 'x', '\n', '\u2028é', '\ud800']);
    const length = text === '' ? 0 : this.#stream.choose('length', plan.payloadLengthMax);
    return JsonText(poison ? { number, poison } : { number, text: text.repeat(length) });
  }
}

const TRANSIENT: ReadonlySet<string> = new Set([
  'draining',
  'overloaded',
  'read-only',
  'disk-failed',
  'outcome-unknown',
  'depth-limit',
  'bytes-limit',
]);

function submission(wishes: readonly Wish[]): Request {
  const keys = wishes.flatMap(({ idempotencyKey: key }) => key ?? []).join(' ');
  return {
    label: `submit ${wishes.length === 1 ? '' : `${wishes.length} jobs `}${keys === '' ? 'without a key' : keys}`,
    command: (newJobId) => ({ kind: 'submit', submissions: wishes.map((wish) => ({ id: newJobId(), ...wish })) }),
    isRepeatable: wishes.every(({ idempotencyKey }) => idempotencyKey !== null),
  };
}

// A tape's world in the open: the built server in a process of its own, real files, and `kill -9`.

import { join } from 'node:path';
import { handlersIn } from './process.ts';
import { TestServer, waitUntil } from './server.ts';
import type { RunningServer } from './server.ts';
import { TAPE_ENVIRONMENT } from './tape-simulated.ts';
import type { Death } from './tape-workload.ts';
import { answerOf, initOf } from './tape-world.ts';
import type { Answer, Call, TapeWorld } from './tape-world.ts';

/** DIE_AT_START is the start of a handler, counted in one process, at which that process dies of a kill. */
const HANDLERS = `
import { setTimeout as wait } from 'node:timers/promises';
import { fateOf } from ${JSON.stringify(new URL('tape-fates.mjs', import.meta.url).href)};
let starts = 0;
async function handler(payload, { failures }) {
  starts += 1;
  if (starts === Number(process.env.DIE_AT_START)) process.kill(process.pid, 'SIGKILL');
  await wait(payload.ms);
  const { result, error, retryable } = fateOf(payload, failures);
  if (error === undefined) return result;
  throw Object.assign(new Error(error.message), { name: error.name, retryable });
}
const backoff = { baseMs: 1, maxMs: 5, factor: 1 };
export default { quick: { handler, backoff }, serial: { handler, backoff, concurrency: 1 } };
`;

type Stats = { readonly jobs: { readonly pending: number; readonly running: number } };

export class RealTapeWorld implements TapeWorld {
  readonly #directory: string;
  readonly #handlers: string;
  readonly #deaths: Death[];
  #server: RunningServer | null = null;
  #death: Death | undefined;
  #counts = { answer: 0, burst: 0 };
  #isDoomed = false;
  deaths = 0;

  constructor(options: { readonly directory: string; readonly deaths: readonly Death[] }) {
    this.#directory = options.directory;
    this.#handlers = handlersIn(options.directory, HANDLERS);
    this.#deaths = [...options.deaths];
  }

  async burst(calls: readonly Call[]): Promise<readonly (Answer | null)[]> {
    const server = this.#server ?? (await this.#start());
    this.#counts.burst += 1;
    const answers = Promise.all(calls.map((call) => this.#ask(server, call)));
    if (this.#isDeath('burst')) await this.#killAmid(server);
    const told = await answers;
    if (this.#isDoomed || told.includes(null)) await this.#bury(server);
    return told;
  }

  async rest(pending: number): Promise<void> {
    await waitUntil(
      async () => {
        const [answer] = await this.burst([{ method: 'GET', path: '/stats' }]);
        return (answer?.body ?? null) as Stats | null;
      },
      (stats) => stats?.jobs.running === 0 && stats.jobs.pending === pending,
    );
  }

  async end(): Promise<void> {
    await this.#server?.stop('SIGKILL');
  }

  /** Null: the connection broke. */
  async #ask(server: RunningServer, call: Call): Promise<Answer | null> {
    let answer: Answer;
    try {
      answer = await answerOf(await fetch(server.url + call.path, initOf(call)));
    } catch {
      return null;
    }
    this.#counts.answer += 1;
    if (this.#isDeath('answer')) this.#kill(server);
    return answer;
  }

  /** The requests are on their way, or there, or decided, or stored: which of it is not known, as in life. */
  async #killAmid(server: RunningServer): Promise<void> {
    const turns = this.#death?.count ?? 0;
    for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    this.#kill(server);
  }

  #kill(server: RunningServer): void {
    this.#isDoomed = true;
    server.kill('SIGKILL');
  }

  #isDeath(at: 'answer' | 'burst'): boolean {
    return this.#death?.at === at && this.#death.count === this.#counts[at];
  }

  /** @throws if it has not died: then nothing explains why it did not answer. */
  async #bury(server: RunningServer): Promise<void> {
    const { signal } = await server.ended();
    if (signal !== 'SIGKILL') throw new Error(`the server ended by itself: ${server.stderr}`);
    this.deaths += 1;
    await this.#start();
  }

  async #start(): Promise<RunningServer> {
    this.#death = this.#deaths.shift();
    this.#counts = { answer: 0, burst: 0 };
    this.#isDoomed = false;
    const dieAtStart = this.#death?.at === 'start' ? String(this.#death.count) : '';
    const server = await TestServer.start({
      ...TAPE_ENVIRONMENT,
      DATA_DIR: join(this.#directory, 'data'),
      HANDLERS: this.#handlers,
      DIE_AT_START: dieAtStart,
    });
    this.#server = server;
    return server;
  }
}

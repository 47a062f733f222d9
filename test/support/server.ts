// The real server in a process of its own, on a real directory: what is tested is what a user runs.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { vi } from 'vitest';
import { BUILT } from './built.ts';

const MAIN = join(BUILT, 'main.js');

/** How long a server may take to say that it listens, or to end. */
const PATIENCE_MS = 60_000;

// A test starts several processes, and a busy machine takes seconds for each.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

export const scratchDirectory = (): string => mkdtempSync(join(tmpdir(), 'perdure-test-'));
export const removeDirectory = (directory: string): void => rmSync(directory, { recursive: true, force: true });

export type ServerOptions = { readonly preload?: string };
export type RunningServer = TestServer & { readonly url: string };

export class TestServer {
  readonly process: ChildProcess;
  /** Lines of standard output; what is not JSON is kept as `{ msg }` with `isPlain`. */
  readonly log: LogLine[] = [];
  stderr = '';
  readonly exited: Promise<Exit>;
  readonly #listening: Promise<string>;
  readonly #awaited = new Set<{ isIt: (line: LogLine) => boolean; resolve: (line: LogLine) => void }>();

  /** `preload` is a module that runs in the process before the server. */
  constructor(environment: Readonly<Record<string, string>>, { preload }: ServerOptions = {}) {
    const { PATH, HOME } = process.env;
    const execArgv = preload === undefined ? [] : ['--import', pathToFileURL(preload).href];
    this.process = spawn(process.execPath, [...execArgv, MAIN], {
      env: { PATH, HOME, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = new Promise((done) => this.process.once('close', (code, signal) => done({ code, signal })));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#listening = new Promise((found) => {
      if (this.process.stdout === null) return;
      createInterface({ input: this.process.stdout }).on('line', (text) => {
        const line = parseLine(text);
        this.log.push(line);
        for (const { isIt, resolve } of this.#awaited) if (isIt(line)) resolve(line);
        if (line.msg === 'listening' && typeof line['url'] === 'string') found(line['url']);
      });
    });
  }

  /** Starts a server and waits until it listens. */
  static async start(environment: Readonly<Record<string, string>>, options?: ServerOptions): Promise<RunningServer> {
    const server = new TestServer(environment, options);
    const url = await server.#within(server.#listening, 'listen');
    return Object.assign(server, { url });
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Waits for the end. */
  ended(): Promise<Exit> {
    return this.#within(this.exited, 'end');
  }

  /** Resolves when a line of the log satisfies. */
  logged(isIt: (line: LogLine) => boolean): Promise<LogLine> {
    const found = new Promise<LogLine>((resolve) => {
      const line = this.log.find(isIt);
      if (line !== undefined) resolve(line);
      else this.#awaited.add({ isIt, resolve });
    });
    const logged = this.#within(found, 'log what is waited for');
    logged.catch(() => undefined); // whoever waits for it later will hear
    return logged;
  }

  /** Ends it by the signal, SIGTERM unless said otherwise, and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.kill(signal);
    return this.ended();
  }

  #within<Value>(promise: Promise<Value>, what: string): Promise<Value> {
    return new Promise((done, fail) => {
      const explain = (why: string) => new Error(`${why}\n${this.stderr}\n${JSON.stringify(this.log.slice(-20))}`);
      const timer = setTimeout(() => fail(explain(`the server did not ${what} within ${PATIENCE_MS} ms`)), PATIENCE_MS);
      void this.exited.then(
        ({ code, signal }) => what !== 'end' && fail(explain(`the server ended: ${code} ${signal}`)),
      );
      void promise.then((value) => {
        clearTimeout(timer);
        done(value);
      });
    });
  }
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { msg: text, isPlain: true };
  }
}

/** Asks until the answer satisfies, at most for the time; events of the server would do no better from outside. */
export async function waitUntil<Value>(
  ask: () => Promise<Value>,
  isSatisfied: (value: Value) => boolean,
  { withinMs = 60_000 } = {},
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await ask();
    if (isSatisfied(value)) return value;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms; last: ${JSON.stringify(value)}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

// A real server in a process of its own, which can be killed.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { CommandError } from '../failure.ts';

/** `.ts` where this runs from sources, `.js` where it was compiled: the server runs likewise. */
const EXTENSION = extname(import.meta.filename);
const ENTRY = join(import.meta.dirname, `../../cli${EXTENSION}`);
const HANDLERS = join(import.meta.dirname, `../../handlers/demo${EXTENSION}`);

const START_MS = 20_000;

export class DemoServer {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  /** @throws {CommandError} with what it printed, if it ends instead of listening. */
  static async start({ dataDir, ledger }: { dataDir: string; ledger: string }): Promise<DemoServer> {
    const { PATH, HOME, TMPDIR } = process.env;
    const child = fork(ENTRY, ['serve'], {
      execArgv: EXTENSION === '.ts' ? ['--import', import.meta.resolve('tsx')] : [],
      env: {
        ...{ PATH, HOME, TMPDIR },
        ...{ PORT: '0', DATA_DIR: dataDir, HANDLERS, DEMO_LEDGER: ledger },
        // Every kill is a crash to the jobs that were running; three of them would make an unlucky one dead.
        MAX_CRASHES: '1000',
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    try {
      return new DemoServer(child, await urlOf(child));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Ends it by the signal, and waits for the end. Resolves with the exit code, null if a signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return this.#process.exitCode;
    const ended = once(this.#process, 'exit') as Promise<[number | null]>;
    this.#process.kill(signal);
    return (await ended)[0];
  }
}

async function urlOf(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new CommandError(`the demo's server ${why}: ${said.join('').trim()}`));
    };
    const timer = setTimeout(() => fail('did not start in time'), START_MS);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (text) => {
      const url = listeningUrl(text);
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}

function listeningUrl(line: string): string | undefined {
  try {
    const { msg, url } = JSON.parse(line) as { readonly msg?: unknown; readonly url?: unknown };
    return msg === 'listening' && typeof url === 'string' ? url : undefined;
  } catch {
    return undefined;
  }
}

// What a command may touch of the world: its streams, its environment and the network. Tests give it others.

import { buffer } from 'node:stream/consumers';
import { styleText } from 'node:util';
import type { ClientOptions } from '../client/client.ts';
import type { Environment } from '../config.ts';
import { EXIT } from '../exit.ts';
import type { ShutdownSignal } from '../shutdown-signal.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export type Terminal = {
  readonly environment: Environment;
  /** What was asked for. Resolves when the output has taken it, so that a long list waits for a slow reader. */
  write(text: string): Promise<void>;
  /** What is said beside it: errors, warnings, progress. */
  tell(text: string): void;
  /** The whole standard input. */
  read(): Promise<Uint8Array>;
  /** Colours the text where a person reads standard output on a terminal and has not set NO_COLOR. */
  paint(style: Style, text: string): string;
  /** What is told goes to a terminal: a line of progress may be rewritten there. */
  readonly canRewrite: boolean;
  /** The way to the server; the global `fetch` if absent. */
  readonly fetch?: NonNullable<ClientOptions['fetch']>;
  /** The signals, of which `serve` alone makes use. */
  readonly shutdown: ShutdownSignal | null;
};

/** The terminal of this process. */
export function processTerminal({ shutdown }: { shutdown: ShutdownSignal | null }): Terminal {
  // A server outlives the reader of its log, and sees to that itself; a list whose reader has gone away is over.
  process.stdout.on('error', shutdown === null ? endWithReader : () => undefined);
  const { NO_COLOR: noColor = '', TERM: kind } = process.env;
  const hasColours = process.stdout.isTTY === true && noColor === '' && kind !== 'dumb';
  return {
    environment: process.env,
    write: (text) => new Promise((resolve) => process.stdout.write(text, () => resolve())),
    tell: (text) => void process.stderr.write(text),
    read: () => buffer(process.stdin),
    paint: (style, text) => (hasColours ? styleText(style, text) : text),
    canRewrite: process.stderr.isTTY === true && kind !== 'dumb',
    shutdown,
  };
}

/** `perdure list | head`: what was read is all that was wanted. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.orderly);
  process.stderr.write(`perdure: standard output: ${error.message}\n`);
  process.exit(EXIT.refused);
}

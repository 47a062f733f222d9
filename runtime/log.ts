// The log: JSON lines on standard output, readable ones on a terminal.
//
// Rule 1: a line is written before the call returns, so that a kill does not eat what was logged before it.
// Rule 2: neither a closed, full or stuck standard output nor a hostile value stops the server. Lines that cannot leave
//         wait in bounded memory, and are lost beyond it.

import { inspect } from 'node:util';
import { pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { LogLevel } from './config-variables.ts';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A log whose lines all carry the fields. */
  child(fields: object): Log;
}

type Severity = 'debug' | 'info' | 'warn' | 'error';

/** Bytes of lines that wait while standard output takes none. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** Milliseconds between two tries of an output that took none. */
const OUTPUT_RETRY_MS = 50;

/** Writes to the file descriptor; `isTerminal` makes the lines readable for people. */
export function createLog(options: { level: LogLevel; fd?: number; isTerminal?: boolean }): Log {
  // Reading `process.stdout` makes a pipe non-blocking: one whose reader sleeps then refuses a line (EAGAIN) instead of
  // stopping the whole process inside the write.
  const { level, fd = 1, isTerminal = process.stdout.isTTY === true } = options;
  const destination = pino.destination({
    dest: fd,
    sync: true,
    maxLength: WAITING_BYTES_MAX,
    retryEAGAIN: () => false,
  });
  let isRetryArmed = false;
  destination.on('error', () => {
    if (isRetryArmed) return;
    isRetryArmed = true;
    setTimeout(() => {
      isRetryArmed = false;
      destination.write(''); // takes what waits along
    }, OUTPUT_RETRY_MS).unref();
  });
  const settings = { level, base: null };
  return wrap(isTerminal ? pino(settings, PinoPretty({ destination, sync: true })) : pino(settings, destination));
}

function wrap(logger: pino.Logger): Log {
  const write = (severity: Severity) => (fields: object, message: string) => {
    // A handler may be no TypeScript: what is not text would make a line that is no JSON.
    const text = typeof message === 'string' ? message : inspect(message);
    try {
      logger[severity](fields, text);
    } catch (thrown) {
      // A getter of the fields threw: the message is still worth its line.
      logger[severity]({ unloggable: thrown instanceof Error }, text);
    }
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(logger.child(fields)),
  };
}

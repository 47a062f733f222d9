// The way to a running server, the same for every command that needs one.

import { createClient } from '../client/client.ts';
import type { Client } from '../client/client.ts';
import { textOf } from '../config.ts';
import { JSON_OPTION, UsageError } from './arguments.ts';
import { CommandError } from './failure.ts';
import type { Terminal } from './terminal.ts';

export const CONNECTION_OPTIONS = {
  ...JSON_OPTION,
  url: { type: 'string' },
  token: { type: 'string' },
} as const;

export const CONNECTION_HELP = `      --url URL      where the server is (default: PERDURE_URL, or http://127.0.0.1:8080)
      --token TOKEN  its bearer token; AUTH_TOKEN keeps it out of the list of processes
      --json         print JSON, as the HTTP API has it
`;

/** Tries of a submission in all: it is sent again under the same key while the server restarts. */
const TRIES_MAX = 5;

type Given = { readonly url?: string | undefined; readonly token?: string | undefined };

/**
 * Calls the server.
 * @throws {CommandError} if none answers. @throws {ProblemError} if it refuses. @throws {UsageError} for a URL that is none.
 */
export async function withServer<Result>(
  terminal: Terminal,
  given: Given,
  call: (client: Client) => Promise<Result>,
): Promise<Result> {
  const url = serverUrl(given.url ?? textOf(terminal.environment, 'PERDURE_URL') ?? 'http://127.0.0.1:8080');
  const token = given.token ?? textOf(terminal.environment, 'AUTH_TOKEN');
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new UsageError('a token is visible ASCII without spaces');
  const { fetch } = terminal;
  const options = { url, triesMax: TRIES_MAX, ...(token === undefined ? {} : { token }) };
  try {
    return await call(createClient(fetch === undefined ? options : { ...options, fetch }));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const advice = 'Is it running? `perdure serve` starts one; --url or PERDURE_URL says where it is.';
    throw new CommandError(`no server answers at ${url} (${reasonOf(error)}). ${advice}`, { cause: error });
  }
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new UsageError(`${JSON.stringify(text)} is not the URL of a server, such as http://127.0.0.1:8080`);
  }
  if (url.username !== '' || url.password !== '')
    throw new UsageError('a server is asked with --token, not by a name in its URL');
  return text;
}

/** What lies below fetch's "fetch failed"; of several addresses the first one's. */
function reasonOf(error: TypeError): string {
  const { cause } = error;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return first instanceof Error && first.message !== '' ? first.message : error.message;
}

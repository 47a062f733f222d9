// `perdure serve`: the server, as serve.ts runs it.

import { VARIABLES } from '../config-variables.ts';
import { EXIT } from '../exit.ts';
import { ShutdownSignal } from '../shutdown-signal.ts';
import { readArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { columns } from './table.ts';

const variables = columns(
  Object.entries(VARIABLES).map(([name, { fallback, meaning }]) => [
    `  ${name}`,
    fallback === null ? meaning : `${meaning} (default: ${fallback})`,
  ]),
);

const HELP = `Runs the server until SIGTERM or SIGINT, which shut it down in order.

Usage: perdure serve

It is configured by environment variables; an empty value is unset:

${variables}

Examples:
  perdure serve
  PORT=9000 DATA_DIR=/var/lib/perdure HANDLERS=./handlers.ts perdure serve
`;

export const serve: Command = {
  help: HELP,
  run: async (argv, { environment, shutdown }) => {
    readArguments(argv, { options: {}, positionalsMax: 0 });
    const server = await import('../serve.ts');
    await server.serve({ environment, signal: shutdown ?? new ShutdownSignal() });
    return EXIT.orderly; // of the start: from here on the server itself ends the process
  },
};

// From the arguments to the exit code: finds the command, explains, and tells what went wrong.

import { nearestFirst } from '../http/nearest.ts';
import { EXIT } from '../exit.ts';
import type { ExitCode } from '../exit.ts';
import { UsageError } from './arguments.ts';
import { COMMANDS } from './command.ts';
import { failureOf } from './failure.ts';
import { columns } from './table.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

export const overview = (): string => `perdure: a background job queue that does not lose jobs

Usage: perdure <command> [arguments]

${columns([...COMMANDS].map(([name, { summary }]) => [`  ${name}`, summary]))}

  perdure <command> --help   explains a command, with examples
  perdure --version          prints the version

submit, list, show, retry, cancel and stats talk to a running server: --url or PERDURE_URL says where it is
(http://127.0.0.1:8080 otherwise), --token or AUTH_TOKEN what it asks for. verify, journal and salvage read
a data directory.

Exit codes: 0 done, 1 refused or failed for the reason that is printed, 2 wrong use, 3 damage, 4 the disk failed
`;

/** Runs one command line to its end. Never rejects. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [first, ...rest] = argv;
  const name = first === 'help' ? rest[0] : first;
  try {
    if (name === undefined || name === '--help' || name === '-h') {
      if (first === undefined) return wrongUse(terminal, 'which command?', overview());
      await terminal.write(overview());
      return EXIT.orderly;
    }
    if (name === '--version' || name === '-V') {
      await terminal.write(`${version()}\n`);
      return EXIT.orderly;
    }
    const entry = COMMANDS.get(name);
    if (entry === undefined) return wrongUse(terminal, unknownCommand(name), 'perdure --help lists the commands\n');
    const { help, run } = await entry.load();
    if (first === 'help' || asksForHelp(rest)) {
      await terminal.write(help);
      return EXIT.orderly;
    }
    return await run(rest, terminal);
  } catch (error) {
    if (error instanceof UsageError) return wrongUse(terminal, error.message, `perdure ${name} --help explains it\n`);
    const { code, text } = failureOf(error);
    terminal.tell(`perdure: ${text}\n`);
    return code;
  }
}

function wrongUse(terminal: Terminal, message: string, advice: string): ExitCode {
  terminal.tell(`perdure: ${message}\n${advice}`);
  return EXIT.usage;
}

function unknownCommand(name: string): string {
  const [nearest] = nearestFirst(name, [...COMMANDS.keys()]);
  const kind = name.startsWith('-') ? 'option' : 'command';
  return `there is no ${kind} ${JSON.stringify(name)}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const options = end === -1 ? argv : argv.slice(0, end);
  return options.includes('--help') || options.includes('-h');
}

// Reading a command's arguments. What makes no sense is a UsageError: exit 2, with the command's way to ask for help.

import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

type Parsed<Given extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Given; allowPositionals: true; strict: true }>
>;

/** The caller's fault: exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Output for machines; every command that reports something takes it. */
export const JSON_OPTION = { json: { type: 'boolean' } } as const satisfies Options;

/** @throws {UsageError} for an unknown option, one without its value, or more than `positionalsMax` positionals. */
export function readArguments<const Given extends Options>(
  argv: readonly string[],
  { options, positionalsMax }: { options: Given; positionalsMax: number },
): Parsed<Given> {
  const parsed = parse(joinNegativeNumbers(argv), options);
  const extra = parsed.positionals[positionalsMax];
  if (extra !== undefined) throw new UsageError(`there is no place for ${JSON.stringify(extra)}`);
  return parsed;
}

function parse<const Given extends Options>(args: string[], options: Given): Parsed<Given> {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's message goes on with advice for other programs after its first sentence.
    const [message = ''] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new UsageError(message.replace(/\.$/, ''), { cause: error });
  }
}

/** `--priority -5` means what it says; Node takes the value for an option. */
function joinNegativeNumbers(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const argument of argv) {
    const previous = joined.at(-1) ?? '';
    const isOption = /^--[a-z][a-z-]*$/.test(previous) && !joined.slice(0, -1).includes('--');
    if (isOption && /^-\d/.test(argument)) joined[joined.length - 1] = `${previous}=${argument}`;
    else joined.push(argument);
  }
  return joined;
}

/** @throws {UsageError} if the text is no whole number. Its range is for the server to judge. */
export function readInteger(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new UsageError(`--${option} must be a whole number, not ${JSON.stringify(text)}`);
  return value;
}

/** @throws {UsageError} if the text is none of the choices. */
export function readChoice<Choice extends string>(
  option: string,
  text: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  const choice = choices.find((each) => each === text);
  if (text !== undefined && choice === undefined) {
    throw new UsageError(`--${option} must be one of ${choices.join(', ')}, not ${JSON.stringify(text)}`);
  }
  return choice;
}

/** @throws {UsageError} if there is none. */
export function required(value: string | undefined, what: string): string {
  if (value === undefined || value === '') throw new UsageError(`${what} is missing`);
  return value;
}

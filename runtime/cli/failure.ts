// What went wrong, in words and as an exit code: the server's refusals here, everything else as the server itself tells it.

import { ProblemError } from '../client/problem-error.ts';
import { describeFailure, EXIT } from '../exit.ts';
import type { ExitCode } from '../exit.ts';
import { printable } from './table.ts';

/** Refused or failed, for a reason that the operator can do something about: exit 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export function failureOf(error: unknown): { readonly code: ExitCode; readonly text: string } {
  if (error instanceof CommandError) return { code: EXIT.refused, text: error.message };
  if (error instanceof ProblemError) return { code: EXIT.refused, text: problemText(error) };
  return describeFailure(error);
}

/** The detail, and then every field that is wrong. A proxy may have answered: nothing of it is taken on trust. */
export function problemText({ message, errors, status }: ProblemError): string {
  const advice = status === 401 ? ' Give its token by AUTH_TOKEN or --token.' : '';
  const lines = errors.map(({ path, message: rule }) => `  ${path === '' ? '(the job)' : path} ${rule}`);
  return [`${message}${advice}`, ...lines].map((line) => printable(String(line))).join('\n');
}

// A terminal that remembers, for commands that run inside the test.

import { runCommandLine } from '../../runtime/cli/run.ts';
import type { Terminal } from '../../runtime/cli/terminal.ts';
import type { ExitCode } from '../../runtime/exit.ts';

export type Outcome = { readonly code: ExitCode; readonly out: string; readonly err: string };

type Setting = {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly fetch?: NonNullable<Terminal['fetch']>;
};

/** Runs one command line to its end. Nothing is coloured. */
export async function perdure(argv: readonly string[], setting: Setting = {}): Promise<Outcome> {
  const { environment = {}, input = '', fetch } = setting;
  let [out, err] = ['', ''];
  const terminal: Terminal = {
    environment,
    write: async (text) => {
      out += text;
    },
    tell: (text) => {
      err += text;
    },
    read: async () => (typeof input === 'string' ? new TextEncoder().encode(input) : input),
    paint: (_, text) => text,
    canRewrite: false,
    shutdown: null,
    ...(fetch === undefined ? {} : { fetch }),
  };
  const code = await runCommandLine(argv, terminal);
  return { code, out, err };
}

/** The JSON lines of an output. */
export const jsonLines = (out: string): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

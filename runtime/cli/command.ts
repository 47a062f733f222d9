// The commands, in the order in which they are explained. Each is loaded only when it is called: a submission should not
// wait for the database to load.

import type { ExitCode } from '../exit.ts';
import type { Terminal } from './terminal.ts';

export type Command = {
  /** What `perdure <command> --help` prints. */
  readonly help: string;
  /** @throws {UsageError} if the arguments make no sense; what else is thrown is told by failure.ts. */
  readonly run: (argv: readonly string[], terminal: Terminal) => Promise<ExitCode>;
};

type Entry = { readonly summary: string; readonly load: () => Promise<Command> };

export const COMMANDS: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  ['serve', { summary: 'run the server', load: async () => (await import('./serve.ts')).serve }],
  ['submit', { summary: 'submit a job', load: async () => (await import('./submit.ts')).submit }],
  ['list', { summary: 'list jobs, newest first', load: async () => (await import('./list.ts')).list }],
  ['show', { summary: 'show one job with its history', load: async () => (await import('./show.ts')).show }],
  ['retry', { summary: 'run dead or cancelled jobs again', load: async () => (await import('./change.ts')).retry }],
  ['cancel', { summary: 'cancel pending or running jobs', load: async () => (await import('./change.ts')).cancel }],
  ['stats', { summary: 'count jobs by state, queue and type', load: async () => (await import('./stats.ts')).stats }],
  ['verify', { summary: 'check a data directory, offline', load: async () => (await import('./verify.ts')).verify }],
  ['journal', { summary: 'print what a journal says', load: async () => (await import('./journal.ts')).journal }],
  [
    'salvage',
    { summary: 'copy what is left of a damaged directory', load: async () => (await import('./salvage.ts')).salvage },
  ],
  ['demo', { summary: 'watch kill -9 lose nothing', load: async () => (await import('./demo.ts')).demo }],
]);

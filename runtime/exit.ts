// How the process ends, and what the operator is told. The one place that knows the exit codes.

import { InvariantError } from '../core/job/assert.ts';
import { DamageError, FormatError } from '../core/store/damage.ts';
import { DiskError } from '../core/store/disk.ts';
import { ConfigError } from './config.ts';
import { LockedError } from './disk/holder.ts';
import { HandlersError } from './worker/registry.ts';

export const EXIT = {
  orderly: 0,
  refused: 1,
  usage: 2,
  damage: 3,
  diskFailed: 4,
  defect: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a start failed, by blame. `lines` are for standard error. */
export function describeFailure(error: unknown): { code: ExitCode; text: string } {
  if (error instanceof ConfigError || error instanceof LockedError || error instanceof HandlersError) {
    return { code: EXIT.refused, text: onOneLine(error.message) };
  }
  if (error instanceof FormatError) return { code: EXIT.refused, text: error.message };
  if (error instanceof DamageError) return { code: EXIT.damage, text: error.message };
  if (error instanceof DiskError) return { code: EXIT.diskFailed, text: describeDiskError(error) };
  const syscall = syscallOf(error);
  if (ADDRESS_SYSCALLS.has(syscall))
    return { code: EXIT.refused, text: `PORT or HOST cannot be used: ${messageOf(error)}` };
  if (DIRECTORY_SYSCALLS.has(syscall))
    return { code: EXIT.refused, text: onOneLine(`DATA_DIR cannot be used: ${messageOf(error)}`) };
  if (error instanceof InvariantError) return { code: EXIT.defect, text: `a broken invariant: ${error.message}` };
  return { code: EXIT.defect, text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function describeDiskError(error: DiskError): string {
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}`;
}

/** A path or a name in it may hold line feeds. */
const onOneLine = (text: string): string => text.replaceAll(/\s*[\r\n]\s*/g, ' ');

const ADDRESS_SYSCALLS: ReadonlySet<unknown> = new Set(['listen', 'bind', 'getaddrinfo']);
const DIRECTORY_SYSCALLS: ReadonlySet<unknown> = new Set(['mkdir', 'stat', 'statfs', 'chmod', 'open', 'fsync']);

const syscallOf = (error: unknown): unknown => (error instanceof Error ? Reflect.get(error, 'syscall') : undefined);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

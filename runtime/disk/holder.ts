// Who holds a data directory: what a process writes of itself into its lock, and what another can tell from that.
//
// Rule: a holder is dead only if that is proven. A process of another container or machine may bear any number, so its
//       number proves nothing.

import fs from 'node:fs';
import { isRemoteFileSystem } from './file-system.ts';

export type Holder = {
  readonly pid: number;
  /** RFC 3339: when the lock was taken, for people. */
  readonly since: string;
  /** Clock ticks from boot to the process's start: tells it from a later one of the same number. */
  readonly startTime: string | null;
  readonly bootId: string | null;
  /** Process numbers are unique only within one. */
  readonly pidNamespace: string | null;
};

export type Judgement = 'alive' | 'dead' | 'unknown';

/** Another process holds the data directory, or may. The message is for the operator; the process exits 1. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
}

export function thisProcess(): Holder {
  return {
    pid: process.pid,
    since: new Date().toISOString(),
    startTime: lookUp(process.pid)?.startTime ?? null,
    bootId: readProc('/proc/sys/kernel/random/boot_id'),
    pidNamespace: pidNamespace(),
  };
}

export const encodeHolder = (holder: Holder): string => `${JSON.stringify(holder)}\n`;

/** Undefined if the text is empty, cut short or not a holder's. */
export function decodeHolder(text: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, since, startTime, bootId, pidNamespace: namespace } = value as Record<string, unknown>;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || typeof since !== 'string') return undefined;
  return {
    pid,
    since: since.slice(0, 40),
    startTime: textOrNull(startTime),
    bootId: textOrNull(bootId),
    pidNamespace: textOrNull(namespace),
  };
}

/** Whether the holder of a lock in the directory still lives. */
export function judge(holder: Holder, directory: string): Judgement {
  const self = thisProcess();
  if (holder.bootId !== self.bootId) {
    // Another boot of this machine, unless another machine can reach the directory.
    return holder.bootId === null || self.bootId === null || isRemoteFileSystem(directory) ? 'unknown' : 'dead';
  }
  if (holder.pidNamespace !== self.pidNamespace) return 'unknown';
  if (self.startTime === null || holder.startTime === null) return doesAnswer(holder.pid) ? 'unknown' : 'dead';
  const found = lookUp(holder.pid);
  return found === undefined || found.isZombie || found.startTime !== holder.startTime ? 'dead' : 'alive';
}

/** @throws {LockedError} unless the file names a holder that is proven dead. */
export function refuseUnlessDead(directory: string, file: string): void {
  const holder = decodeHolder(fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');
  const judgement = holder === undefined ? 'unknown' : judge(holder, directory);
  if (judgement === 'dead') return;
  const advice = judgement === 'alive' ? '' : `, if that one is still running; if not, remove ${file}`;
  throw new LockedError(`the data directory ${directory} is held by ${describeHolder(holder)}${advice}`);
}

/** As the message names it: "process 1234 since 2026-01-01T00:00:00.000Z". */
export const describeHolder = (holder: Holder | undefined): string =>
  holder === undefined ? 'another process' : `process ${holder.pid} since ${holder.since}`;

/** Fields 3 and 22 of proc(5)'s stat, counted from behind the command's name, which may hold anything. */
function lookUp(pid: number): { readonly startTime: string; readonly isZombie: boolean } | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === null) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return startTime === undefined ? undefined : { startTime, isZombie: state === 'Z' || state === 'X' };
}

function pidNamespace(): string | null {
  try {
    return fs.readlinkSync('/proc/self/ns/pid');
  } catch {
    return null; // no Linux: there are no namespaces to tell apart
  }
}

function readProc(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return null; // no such process, or no Linux
  }
}

/** A process that may not be signalled exists all the same. */
function doesAnswer(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return !(thrown instanceof Error && Reflect.get(thrown, 'code') === 'ESRCH');
  }
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

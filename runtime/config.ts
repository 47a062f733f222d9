// The configuration: what the environment says, checked once at start and never read again.
//
// Rule: what is wrong stops the start with a ConfigError whose message is one line that names the variable.

import { BlockList, isIP, isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import { VARIABLES } from './config-variables.ts';
import type { LogLevel, Variable, VariableName } from './config-variables.ts';

export type Config = {
  readonly port: number;
  readonly host: string;
  /** Lower-cased. */
  readonly allowedHosts: readonly string[];
  readonly authToken: string | null;
  /** Absolute. */
  readonly dataDir: string;
  /** As given: a path relative to the working directory. Null runs the sample handlers. */
  readonly handlers: string | null;
  readonly workerCount: number;
  readonly depthLimit: number;
  readonly bytesLimit: number;
  readonly bodyBytesMax: number;
  readonly crashesMax: number;
  readonly shutdownGraceMs: number;
  /** 0 keeps everything. */
  readonly retentionMs: number;
  readonly logLevel: LogLevel;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** The operator's mistake. The message is one line for the operator; the process exits 1. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** @throws {ConfigError} at the first variable that breaks its rule. */
export function parseConfig(environment: Environment, { cwd = process.cwd() } = {}): Config {
  refuseIoUring(environment);
  const config: Config = {
    port: read(environment, 'PORT', VARIABLES.PORT),
    host: read(environment, 'HOST', VARIABLES.HOST),
    allowedHosts: readOptional(environment, 'ALLOWED_HOSTS', VARIABLES.ALLOWED_HOSTS) ?? [],
    authToken: readOptional(environment, 'AUTH_TOKEN', VARIABLES.AUTH_TOKEN),
    dataDir: resolve(cwd, read(environment, 'DATA_DIR', VARIABLES.DATA_DIR)),
    handlers: readOptional(environment, 'HANDLERS', VARIABLES.HANDLERS),
    workerCount: read(environment, 'WORKER_COUNT', VARIABLES.WORKER_COUNT),
    depthLimit: read(environment, 'MAX_QUEUE_DEPTH', VARIABLES.MAX_QUEUE_DEPTH),
    bytesLimit: read(environment, 'MAX_DATA_BYTES', VARIABLES.MAX_DATA_BYTES),
    bodyBytesMax: read(environment, 'MAX_BODY_BYTES', VARIABLES.MAX_BODY_BYTES),
    crashesMax: read(environment, 'MAX_CRASHES', VARIABLES.MAX_CRASHES),
    shutdownGraceMs: read(environment, 'SHUTDOWN_GRACE_MS', VARIABLES.SHUTDOWN_GRACE_MS),
    retentionMs: read(environment, 'RETENTION_MS', VARIABLES.RETENTION_MS),
    logLevel: read(environment, 'LOG_LEVEL', VARIABLES.LOG_LEVEL),
  };
  if (config.authToken === null && !isLoopback(config.host)) {
    const rule = 'localhost, an address of 127.0.0.0/8 or ::1 as long as AUTH_TOKEN is not set';
    throw new ConfigError(`HOST is ${shown(config.host)}: it must be ${rule}`);
  }
  return config;
}

/** The variable's text; undefined if it is unset or empty. */
export function textOf(environment: Environment, name: string): string | undefined {
  const text = environment[name];
  return text === '' ? undefined : text;
}

/** The rule in the words of the operator: what was given, and what it must be. */
export function brokenRule(
  name: string,
  text: string,
  { rule, isSecret = false }: { rule: string; isSecret?: boolean },
) {
  return new ConfigError(`${name} is ${isSecret ? 'set to something else' : shown(text)}: it must be ${rule}`);
}

function read<Value>(environment: Environment, name: VariableName, variable: Variable<Value>): Value {
  const value = readOptional(environment, name, variable);
  if (value === null) throw new ConfigError(`${name} is not set: it must be ${variable.rule}`);
  return value;
}

function readOptional<Value>(environment: Environment, name: VariableName, variable: Variable<Value>): Value | null {
  const text = textOf(environment, name) ?? variable.fallback;
  if (text === null) return null;
  const value = variable.parse(text);
  if (value === undefined) throw brokenRule(name, text, variable);
  return value;
}

/** With io_uring the kernel may hold descriptors, the lock's among them, beyond the death of the process. */
function refuseIoUring(environment: Environment): void {
  const text = textOf(environment, 'UV_USE_IO_URING');
  if (text !== undefined && text !== '0') throw brokenRule('UV_USE_IO_URING', text, { rule: 'unset or 0' });
}

const IPV6_LOOPBACK = new BlockList();
IPV6_LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  return isIP(host) === 6 ? IPV6_LOOPBACK.check(host, 'ipv6') : host.toLowerCase() === 'localhost';
}

/** On one line, in quotes, and no longer than a line should be. */
const shown = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);

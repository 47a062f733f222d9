// The environment variables that configure the server: name, default, rule and meaning, in one table. config.ts reads
// the values by it, and what explains them to people is printed from it.
//
// Rule 1: an empty value is unset.
// Rule 2: a value that breaks its rule is refused, never repaired: no trimming, no signs, no exponents, no units.

import { isIP } from 'node:net';

/** How the text of one variable becomes a value. `parse` gives undefined for a text that breaks the rule. */
type Rule<Value> = { readonly rule: string; readonly parse: (text: string) => Value | undefined };

export type Variable<Value> = Rule<Value> & {
  /** The text that stands in for an unset variable; null where unset has a meaning of its own. */
  readonly fallback: string | null;
  readonly meaning: string;
  /** The value never appears in a message. */
  readonly isSecret: boolean;
};

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Bytes of a request body: beyond, a bulk submission and its escapes outgrow the strings of the JavaScript engine. */
const BODY_BYTES_MAX = 256 * 1024 * 1024;

/** A token that is shorter can be guessed. */
const TOKEN_LENGTH_MIN = 16;

export const VARIABLES = {
  PORT: variable('8080', wholeNumber(0, 65_535), 'port to listen on; 0 takes any free one'),
  HOST: variable(
    '127.0.0.1',
    { rule: 'a host name or an IP address', parse: (text) => (isHost(text) ? text : undefined) },
    'address to listen on; one beyond loopback needs AUTH_TOKEN',
  ),
  ALLOWED_HOSTS: variable(
    null,
    { rule: 'host names or IP addresses without port, separated by commas', parse: parseHosts },
    'further names by which clients may call the server',
  ),
  AUTH_TOKEN: {
    ...variable(
      null,
      {
        rule: `at least ${TOKEN_LENGTH_MIN} characters of visible ASCII, without spaces`,
        parse: (text) => (text.length >= TOKEN_LENGTH_MIN && /^[\x21-\x7e]+$/.test(text) ? text : undefined),
      },
      'bearer token that every call but the health checks must carry',
    ),
    isSecret: true,
  },
  DATA_DIR: variable('./data', anyText('a path'), 'directory of the journal and the snapshots'),
  HANDLERS: variable(null, anyText('a path'), 'module with the handlers; unset runs the sample handlers'),
  WORKER_COUNT: variable('10', wholeNumber(0, 1_000), 'attempts running at once; 0 runs nothing'),
  MAX_QUEUE_DEPTH: variable('100000', wholeNumber(1), 'pending and running jobs stored at most'),
  MAX_DATA_BYTES: variable('1073741824', wholeNumber(1), 'bytes of stored jobs at most'),
  MAX_BODY_BYTES: variable('1048576', wholeNumber(1, BODY_BYTES_MAX), 'bytes of one job in a request at most'),
  MAX_CRASHES: variable('3', wholeNumber(1), 'the crash of the process that makes a job dead'),
  SHUTDOWN_GRACE_MS: variable('10000', wholeNumber(0), 'milliseconds that running handlers get at a shutdown'),
  RETENTION_MS: variable('604800000', wholeNumber(0), 'age at which terminal jobs are forgotten; 0 keeps everything'),
  LOG_LEVEL: variable(
    'info',
    { rule: `one of ${LOG_LEVELS.join(', ')}`, parse: (text) => LOG_LEVELS.find((level) => level === text) },
    'least severity of the lines on standard output',
  ),
} as const;

export type VariableName = keyof typeof VARIABLES;

function variable<Value>(fallback: string | null, rule: Rule<Value>, meaning: string): Variable<Value> {
  return { ...rule, fallback, meaning, isSecret: false };
}

export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): Rule<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  return {
    rule: `a whole number ${range}`,
    parse: (text) => {
      const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

function anyText(rule: string): Rule<string> {
  return { rule, parse: (text) => text };
}

const isHost = (text: string): boolean => isIP(text) !== 0 || /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})$/.test(text);

/** Lower-cased, because host names are compared without regard to case. */
function parseHosts(text: string): readonly string[] | undefined {
  const hosts = text
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .filter((host) => host !== '');
  return hosts.every(isHost) ? hosts : undefined;
}

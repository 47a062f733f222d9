// How the sample e-mail handler sends: through an SMTP server if SMTP_HOST is set, else into files of the outbox.
//
// Rule: as for all configuration, an empty value is unset, and a value that breaks its rule stops the start by name.

import { join } from 'node:path';
import { brokenRule, ConfigError, parseConfig, textOf } from '../config.ts';
import type { Environment } from '../config.ts';
import { wholeNumber } from '../config-variables.ts';

export type SmtpSettings = {
  readonly host: string;
  readonly port: number;
  readonly credentials: { readonly user: string; readonly password: string } | null;
};

export type MailSettings = {
  /** The sender: an address, with or without a name. */
  readonly from: string;
  readonly smtp: SmtpSettings | null;
  /** Directory of the messages that were not sent; absolute. */
  readonly outboxDir: string;
};

/** The submission port of RFC 6409, with STARTTLS where the server offers it. 465 is TLS from the first byte. */
const DEFAULT_PORT = 587;

const DEFAULT_FROM = 'perdure@localhost';

/** @throws {ConfigError} at the first variable that breaks its rule. */
export function mailSettings(environment: Environment, options: { cwd?: string } = {}): MailSettings {
  const host = textOf(environment, 'SMTP_HOST');
  return {
    from: readFrom(environment),
    smtp: host === undefined ? null : { host, port: readPort(environment), credentials: readCredentials(environment) },
    outboxDir: join(parseConfig(environment, options).dataDir, 'outbox'),
  };
}

function readPort(environment: Environment): number {
  const text = textOf(environment, 'SMTP_PORT') ?? String(DEFAULT_PORT);
  const rule = wholeNumber(1, 65_535);
  const port = rule.parse(text);
  if (port === undefined) throw brokenRule('SMTP_PORT', text, rule);
  return port;
}

function readFrom(environment: Environment): string {
  const text = textOf(environment, 'SMTP_FROM') ?? DEFAULT_FROM;
  if (/^([^\p{Cc}<>]*<[^\p{Cc}<>@\s]+@[^\p{Cc}<>@\s]+>|[^\p{Cc}<>@\s]+@[^\p{Cc}<>@\s]+)$/u.test(text)) return text;
  throw brokenRule('SMTP_FROM', text, { rule: 'one address, such as queue@example.com or Queue <queue@example.com>' });
}

function readCredentials(environment: Environment): SmtpSettings['credentials'] {
  const user = textOf(environment, 'SMTP_USER');
  const password = textOf(environment, 'SMTP_PASSWORD');
  if (user === undefined && password === undefined) return null;
  if (user === undefined || password === undefined) {
    const missing = user === undefined ? 'SMTP_USER' : 'SMTP_PASSWORD';
    throw new ConfigError(`${missing} is not set: SMTP_USER and SMTP_PASSWORD go together`);
  }
  return { user, password };
}

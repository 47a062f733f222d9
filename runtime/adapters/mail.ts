// Sends one message, by SMTP or into the outbox.
//
// Rule 1: a message is sent at least once. Its Message-ID comes from the job's id, so that a message sent twice can be
//         told, and the file of the outbox is named by it, so that a repeated run replaces it.
// Rule 2: nothing of the message reaches a header unchecked: line breaks are refused, the address is never parsed as a
//         list, and neither files nor URLs are read on its behalf.

import { createTransport } from 'nodemailer';
import type { SendMailOptions } from 'nodemailer';
import type { MailSettings, SmtpSettings } from './mail-settings.ts';
import { writeFileDurably } from './durable-file.ts';

export type Mail = {
  /** The id of the job: names the message. */
  readonly id: string;
  /** Tells concurrent writers of the same message apart. */
  readonly attempt: number;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
};

export type Delivery =
  /** `file` is relative to the data directory. */
  | { readonly delivered: 'outbox'; readonly file: string; readonly messageId: string }
  | { readonly delivered: 'smtp'; readonly messageId: string; readonly response: string };

export type Mailer = (mail: Mail) => Promise<Delivery>;

/** The message was not sent. `retryable` is false where the server said that it never will be. */
export class MailError extends Error {
  override readonly name = 'MailError';
  readonly retryable: boolean;

  constructor(message: string, { retryable, cause }: { retryable: boolean; cause?: unknown }) {
    super(message, { cause });
    this.retryable = retryable;
  }
}

/** Milliseconds: a server that hangs fails the attempt before the default visibility timeout ends it. */
const CONNECT_TIMEOUT_MS = 8_000;
const SILENCE_TIMEOUT_MS = 10_000;

/** Mails as the settings say; each call throws {MailError} if the message was not sent. */
export function createMailer(settings: MailSettings): Mailer {
  const { smtp } = settings;
  return smtp === null
    ? (mail) => writeToOutbox(mail, settings)
    : (mail) => sendBySmtp(mail, { from: settings.from, smtp });
}

async function sendBySmtp(mail: Mail, { from, smtp }: { from: string; smtp: SmtpSettings }): Promise<Delivery> {
  const message = compose(mail, from);
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.port === 465,
    ...(smtp.credentials === null ? {} : { auth: { user: smtp.credentials.user, pass: smtp.credentials.password } }),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: SILENCE_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
  });
  try {
    const { messageId, response } = await transport.sendMail(message);
    return { delivered: 'smtp', messageId, response };
  } catch (thrown) {
    throw refused(thrown);
  } finally {
    transport.close();
  }
}

async function writeToOutbox(mail: Mail, { from, outboxDir }: MailSettings): Promise<Delivery> {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  const { message, messageId } = await transport.sendMail(compose(mail, from));
  if (!Buffer.isBuffer(message)) throw new MailError('the message was not composed', { retryable: true });
  const name = `${mail.id}.eml`;
  await writeFileDurably({ directory: outboxDir, name, temporary: `${mail.id}.${mail.attempt}.tmp`, bytes: message });
  return { delivered: 'outbox', file: `outbox/${name}`, messageId };
}

function compose({ id, to, subject, text }: Mail, from: string): SendMailOptions {
  if ([to, subject].some((value) => /\p{Cc}/u.test(value))) {
    throw new MailError('the address and the subject must have no control characters', { retryable: false });
  }
  const domain = /@([^@>\s]+)>?$/.exec(from)?.[1] ?? 'localhost';
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    messageId: `<${id}@${domain}>`,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** RFC 5321: 4yz is a refusal for now, 5yz one for good. Without a reply there was no verdict: worth another try. */
function refused(thrown: unknown): MailError {
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'responseCode') : undefined;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const isPermanent = typeof code === 'number' && code >= 500 && code < 600;
  return new MailError(message, { retryable: !isPermanent, cause: thrown });
}

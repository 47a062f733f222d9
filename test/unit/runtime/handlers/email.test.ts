import fs from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createMailer, MailError } from '../../../../runtime/adapters/mail.ts';
import { mailSettings } from '../../../../runtime/adapters/mail-settings.ts';
import type { Environment } from '../../../../runtime/config.ts';
import { createEmailHandler } from '../../../../runtime/handlers/email.ts';
import type { HandlerContext } from '../../../../runtime/worker/handler.ts';
import { recordedLog } from '../../../support/recorded-log.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const PAYLOAD = { email: 'ada@example.com', subject: 'Grüße', message: 'Zeile 1\n.\nZeile 3' };

type Received = { readonly from: string; readonly to: readonly string[]; readonly source: string };

const context = (overrides: Partial<HandlerContext> = {}): HandlerContext => ({
  id: '0199-job',
  type: 'email',
  queue: 'default',
  attempt: 1,
  failures: 0,
  maxRetries: 3,
  signal: new AbortController().signal,
  extend: () => Promise.resolve(),
  progress: () => Promise.resolve(),
  log: recordedLog().log,
  ...overrides,
});

/** A real SMTP server on loopback, and what it was given. */
async function smtpServer(options: SMTPServerOptions = {}) {
  const received: Received[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, { envelope }, done) => {
      void text(stream).then((source) => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        received.push({ from, to: envelope.rcptTo.map(({ address }) => address), source });
        done(null, 'queued as 42');
      });
    },
    ...options,
  });
  server.on('error', () => undefined); // a client that hangs up is part of the tests
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return { received, environment: { SMTP_HOST: '127.0.0.1', SMTP_PORT: String(port) } };
}

const refusal = (code: number, reason: string): Error => Object.assign(new Error(reason), { responseCode: code });

/** Sends as the sample handler under these variables does. */
async function send(environment: Environment, payload = PAYLOAD, overrides: Partial<HandlerContext> = {}) {
  const { handler } = createEmailHandler(createMailer(mailSettings(environment)));
  return handler(payload, context(overrides));
}

async function failure(environment: Environment): Promise<MailError> {
  const thrown: unknown = await send(environment).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(MailError);
  return thrown as MailError;
}

describe('by SMTP', () => {
  test('the message arrives, whatever its characters, and the result says how', async () => {
    const { received, environment } = await smtpServer();
    const from = { SMTP_FROM: 'The queue <queue@jobs.example>' };
    expect(await send({ ...environment, ...from })).toEqual({
      delivered: 'smtp',
      messageId: '<0199-job@jobs.example>',
      response: '250 queued as 42',
    });
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ from: 'queue@jobs.example', to: ['ada@example.com'] });
    expect(received[0]?.source).toContain('Message-ID: <0199-job@jobs.example>');
    expect(received[0]?.source).toContain('Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=');
    expect(received[0]?.source).toMatch(/Zeile 1\r\n\.\r\nZeile 3/);
  });

  test('a repeated run sends the same Message-ID', async () => {
    const { received, environment } = await smtpServer();
    await send(environment, PAYLOAD, { attempt: 1 });
    await send(environment, PAYLOAD, { attempt: 2 });
    const ids = received.map(({ source }) => /^Message-ID: .*$/m.exec(source)?.[0]);
    expect(ids).toEqual(['Message-ID: <0199-job@localhost>', 'Message-ID: <0199-job@localhost>']);
  });

  test('the server is told who sends where it asks', async () => {
    const logins: unknown[] = [];
    const { environment } = await smtpServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _, done) => {
        logins.push([username, password]);
        done(null, { user: username });
      },
    });
    await send({ ...environment, SMTP_USER: 'queue', SMTP_PASSWORD: 'secret word' });
    expect(logins).toEqual([['queue', 'secret word']]);
  });

  test.each([
    [421, true],
    [450, true],
    [452, true],
    [550, false],
    [553, false],
  ])('a recipient refused with %i may be tried again: %s', async (code, retryable) => {
    const { received, environment } = await smtpServer({ onRcptTo: (_, __, done) => done(refusal(code, 'not now')) });
    const error = await failure(environment);
    expect([error.retryable, received]).toEqual([retryable, []]);
    expect(error.message).toContain('not now');
  });

  test.each([
    [451, true],
    [554, false],
  ])('a message refused with %i may be tried again: %s', async (code, retryable) => {
    const { environment } = await smtpServer({
      onData: (stream, _, done) => void text(stream).then(() => done(refusal(code, 'no'))),
    });
    expect((await failure(environment)).retryable).toBe(retryable);
  });

  test('a client refused at the door, for now or for good, learns which', async () => {
    const busy = await smtpServer({ onConnect: (_, done) => done(refusal(421, 'busy')) });
    expect((await failure(busy.environment)).retryable).toBe(true);
    const closed = await smtpServer({ onConnect: (_, done) => done(refusal(554, 'no service')) });
    expect((await failure(closed.environment)).retryable).toBe(false);
  });

  test('a server that is not there, or hangs up, is worth another try', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const environment = { SMTP_HOST: '127.0.0.1', SMTP_PORT: String((server.address() as AddressInfo).port) };
    expect((await failure(environment)).retryable).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    const error = await failure(environment);
    expect([error.retryable, error.message]).toEqual([true, expect.stringContaining('ECONNREFUSED')]);
  });

  test('an attempt that is no longer wanted sends nothing', async () => {
    const { received, environment } = await smtpServer();
    await expect(send(environment, PAYLOAD, { signal: AbortSignal.abort(new Error('cancelled')) })).rejects.toThrow(
      'cancelled',
    );
    expect(received).toEqual([]);
  });
});

describe('without SMTP_HOST', () => {
  test('the message is a file of the outbox, and the result names it', async () => {
    const directory = join(temporaryDirectory(), 'data');
    const result = await send({ DATA_DIR: directory });
    expect(result).toEqual({
      delivered: 'outbox',
      file: 'outbox/0199-job.eml',
      messageId: '<0199-job@localhost>',
    });
    const source = fs.readFileSync(join(directory, 'outbox/0199-job.eml'), 'utf8');
    expect(source).toMatch(/^To: ada@example\.com\r$/m);
    expect(source).toMatch(/^Message-ID: <0199-job@localhost>\r$/m);
    expect(source).toContain('\r\n\r\nZeile 1\r\n.\r\nZeile 3');
    expect(fs.statSync(join(directory, 'outbox')).mode & 0o777).toBe(0o700);
    expect(fs.statSync(join(directory, 'outbox/0199-job.eml')).mode & 0o777).toBe(0o600);
  });

  test('an outbox that cannot be written fails the attempt and keeps no part of the message', async () => {
    const directory = temporaryDirectory();
    fs.mkdirSync(join(directory, 'outbox/0199-job.eml'), { recursive: true });
    await expect(send({ DATA_DIR: directory })).rejects.toMatchObject({ code: 'EISDIR' });
    expect(fs.readdirSync(join(directory, 'outbox'))).toEqual(['0199-job.eml']);
  });

  test('a repeated run replaces the file, and nothing else is left', async () => {
    const directory = temporaryDirectory();
    await send({ DATA_DIR: directory }, { ...PAYLOAD, message: 'one' });
    await Promise.all([1, 2, 3].map((attempt) => send({ DATA_DIR: directory }, PAYLOAD, { attempt })));
    expect(fs.readdirSync(join(directory, 'outbox'))).toEqual(['0199-job.eml']);
    expect(fs.readFileSync(join(directory, 'outbox/0199-job.eml'), 'utf8')).toContain('Zeile 1');
  });
});

describe('what is hostile', () => {
  test.each([
    { ...PAYLOAD, subject: 'Hi\r\nBcc: eve@example.com' },
    { ...PAYLOAD, subject: 'Hi\nX-Evil: 1' },
    { ...PAYLOAD, email: 'ada@example.com\r\nBcc: eve@example.com' },
    { ...PAYLOAD, email: 'ada@example.com,eve@example.com' },
    { ...PAYLOAD, email: 'eve@example.com <ada@example.com>' },
    { ...PAYLOAD, email: 'nobody' },
    { ...PAYLOAD, message: 7 },
    { email: PAYLOAD.email, subject: PAYLOAD.subject },
    null,
  ])('does not fit the schema, so that it is refused at submission: %j', async (payload) => {
    const { schema } = createEmailHandler(createMailer(mailSettings({})));
    const result = await schema?.['~standard'].validate(payload);
    expect(result?.issues?.length).toBeGreaterThan(0);
  });

  test.each([
    { ...PAYLOAD, subject: 'Hi\r\nBcc: eve@example.com' },
    { ...PAYLOAD, email: 'ada@example.com\r\nRCPT TO:<eve@example.com>' },
  ])('is refused by the adapter too: %j', async (payload) => {
    const { received, environment } = await smtpServer();
    await expect(send(environment, payload)).rejects.toMatchObject({ name: 'MailError', retryable: false });
    expect(received).toEqual([]);
  });

  test('an address is one recipient, whatever it holds', async () => {
    const { received, environment } = await smtpServer();
    await send(environment, { ...PAYLOAD, email: '"a, eve@example.com"@example.com' }).catch(() => undefined);
    expect(received.flatMap(({ to }) => to)).not.toContain('eve@example.com');
  });

  test('a body reads neither files nor addresses and ends only where it ends', async () => {
    const { received, environment } = await smtpServer();
    await send(environment, { ...PAYLOAD, message: 'a\r\n.\r\nMAIL FROM:<eve@example.com>\r\n' });
    expect(received).toHaveLength(1);
    expect(received[0]?.source).toContain('MAIL FROM:<eve@example.com>');
  });
});

test('the sample handler takes payloads that fit its schema', async () => {
  const { schema } = createEmailHandler(createMailer(mailSettings({})));
  expect(await schema?.['~standard'].validate(PAYLOAD)).toEqual({ value: PAYLOAD });
});

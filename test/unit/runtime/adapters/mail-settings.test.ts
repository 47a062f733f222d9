import { expect, test } from 'vitest';
import { mailSettings } from '../../../../runtime/adapters/mail-settings.ts';
import { ConfigError } from '../../../../runtime/config.ts';

const HOST = { SMTP_HOST: 'mail.example' };

test('without SMTP_HOST messages go to the outbox of the data directory', () => {
  const outbox = { from: 'perdure@localhost', smtp: null };
  expect(mailSettings({}, { cwd: '/srv' })).toEqual({ ...outbox, outboxDir: '/srv/data/outbox' });
  expect(mailSettings({ SMTP_HOST: '', DATA_DIR: '/var/jobs' })).toEqual({ ...outbox, outboxDir: '/var/jobs/outbox' });
});

test('with SMTP_HOST they go there, by the submission port unless another is named', () => {
  expect(mailSettings(HOST).smtp).toEqual({ host: 'mail.example', port: 587, credentials: null });
  expect(
    mailSettings({
      ...HOST,
      SMTP_PORT: '465',
      SMTP_USER: 'queue',
      SMTP_PASSWORD: 'secret',
      SMTP_FROM: 'Q <q@x.example>',
    }),
  ).toMatchObject({
    from: 'Q <q@x.example>',
    smtp: { host: 'mail.example', port: 465, credentials: { user: 'queue', password: 'secret' } },
  });
});

test.each([
  [{ SMTP_PORT: '0' }, 'SMTP_PORT is "0"'],
  [{ SMTP_PORT: 'smtp' }, 'SMTP_PORT is "smtp"'],
  [{ SMTP_USER: 'queue' }, 'SMTP_PASSWORD is not set'],
  [{ SMTP_PASSWORD: 'secret' }, 'SMTP_USER is not set'],
  [{ SMTP_FROM: 'nobody' }, 'SMTP_FROM is "nobody"'],
  [{ SMTP_FROM: 'a@x.example\nBcc: b@x.example' }, 'SMTP_FROM is'],
  [{ SMTP_FROM: 'a@x.example, b@x.example' }, 'SMTP_FROM is'],
])('a value that breaks its rule is refused by name, without the password: %j', (environment, message) => {
  const parse = (): unknown => mailSettings({ ...HOST, ...environment });
  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow(message);
  expect(parse).not.toThrow('secret');
});

// The handlers that run when HANDLERS is not set, to try the queue with and to copy from.

import { createMailer } from '../adapters/mail.ts';
import { mailSettings } from '../adapters/mail-settings.ts';
import { defineHandlers } from '../worker/handler.ts';
import { createEmailHandler } from './email.ts';
import { flaky } from './flaky.ts';
import { sleep } from './sleep.ts';

export default defineHandlers({
  email: createEmailHandler(createMailer(mailSettings(process.env))),
  flaky,
  sleep,
});

// The sample handler `email`: sends a plain text message to one address.

import { z } from 'zod';
import type { Mailer } from '../adapters/mail.ts';
import type { HandlerDefinition } from '../worker/handler.ts';

/** A header line of RFC 5322 has at most 998 characters. */
const SUBJECT_LENGTH_MAX = 998;

/** Checked at submission already, so that what can never be sent is never accepted. */
const Email = z.object({
  email: z.email(),
  subject: z
    .string()
    .max(SUBJECT_LENGTH_MAX)
    .regex(/^\P{Cc}*$/u, 'Invalid string: must have no control characters'),
  message: z.string(),
});

export function createEmailHandler(send: Mailer): HandlerDefinition<z.output<typeof Email>> {
  return {
    schema: Email,
    handler: async ({ email, subject, message }, { id, attempt, signal }) => {
      signal.throwIfAborted();
      return send({ id, attempt, to: email, subject, text: message });
    },
  };
}

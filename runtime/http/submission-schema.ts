// The fields of a submission: one schema that validates them, types them and describes them in the OpenAPI document.
//
// Null in an optional field means absent. What a schema cannot see in a parsed value (fields given twice, depth, numbers
// out of range) is in json-scan.ts; what concerns two fields at once is in submission.ts.

import { z } from '@hono/zod-openapi';
import { RETRY_DELAY_MS_MAX } from '../../core/job/retry.ts';
import { parseInstant } from './rfc3339.ts';
import { BULK_JOBS_MAX } from './settings.ts';

export const NAME_PATTERN = /^[A-Za-z0-9._:-]{1,128}$/;
const NAME_RULE = 'must be 1 to 128 of A-Z a-z 0-9 . _ : -';

const missingOr = (message: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined || issue.input === null ? 'is required' : message;

const integer = (min: number, max: number) => {
  const error = `must be an integer from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};

const name = z.string({ error: NAME_RULE }).regex(NAME_PATTERN, { error: NAME_RULE });

const KEY_RULE = 'must be a string of 1 to 255 UTF-16 units';
const INSTANT_RULE = 'must be an RFC 3339 instant of the years 1970 to 9999, such as 2030-01-31T12:00:00Z';

export const SubmissionSchema = z
  .strictObject(
    {
      type: z
        .string({ error: missingOr(NAME_RULE) })
        .regex(NAME_PATTERN, { error: NAME_RULE })
        .openapi({ description: 'Names the handler.', example: 'email' }),
      payload: z
        .unknown()
        .optional()
        .openapi({
          description: 'Any JSON value, at most 64 levels deep; null if absent.',
          example: { email: 'ada@example.com', subject: 'Hello', message: 'It is stored.' },
        }),
      max_retries: integer(0, 100)
        .nullish()
        .openapi({ description: "Failures forgiven. Absent: the type's `maxRetries`, else 3.", example: 3 }),
      idempotency_key: z
        .string({ error: KEY_RULE })
        // Zod's own length counts code points.
        .refine((key) => key.length >= 1 && key.length <= 255, { error: KEY_RULE })
        .nullish()
        .openapi({
          minLength: 1,
          maxLength: 255,
          description: 'The same as the header Idempotency-Key.',
          example: 'order-1017',
        }),
      queue: name.nullish().openapi({ description: 'Absent: `default`.', example: 'default' }),
      priority: integer(-1000, 1000).nullish().openapi({ description: 'Smaller runs first. Absent: 0.', example: 0 }),
      run_at: z
        .string({ error: INSTANT_RULE })
        .refine((text) => parseInstant(text) !== undefined, { error: INSTANT_RULE })
        .nullish()
        .openapi({ format: 'date-time', description: 'Not started before. Not together with `delay_ms`.' }),
      delay_ms: integer(0, RETRY_DELAY_MS_MAX)
        .nullish()
        .openapi({ description: 'Milliseconds until the first start. Not together with `run_at`.' }),
      timeout_ms: integer(100, 86_400_000).nullish().openapi({
        description: "Visibility timeout of each attempt. Absent: the type's `timeoutMs`, else 30 000.",
        example: 30_000,
      }),
    },
    { error: 'must be a JSON object' },
  )
  .openapi('Submission');

export type SubmissionFields = z.output<typeof SubmissionSchema>;

export const SUBMISSION_FIELDS: ReadonlySet<string> = new Set(Object.keys(SubmissionSchema.shape));

/** For the document only: a bulk body is read job by job (bulk.ts) and never parsed as a whole. */
export const BulkSubmissionSchema = z
  .strictObject({ jobs: z.array(SubmissionSchema).min(1).max(BULK_JOBS_MAX) })
  .openapi('BulkSubmission');

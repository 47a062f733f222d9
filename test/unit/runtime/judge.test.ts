import { expect, test } from 'vitest';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { JsonText } from '../../../core/job/job.ts';
import { judge } from '../../../runtime/judge.ts';
import { validPayload } from '../../../runtime/worker/payload.ts';

const saying = (result: unknown): StandardSchemaV1 => ({
  '~standard': { version: 1, vendor: 'test', validate: () => result as StandardSchemaV1.Result<unknown> },
});

const THENABLE = { then: (resolve: (result: unknown) => void) => resolve({ issues: [{ message: 'no' }] }) };

test.each([
  ['a value', { value: 7 }, true],
  ['a value and null for issues', { value: 7, issues: null }, true],
  ['no issues, and yet issues', { issues: [] }, false],
  ['an issue', { issues: [{ message: 'no' }] }, false],
  ['an issue, in a thenable', THENABLE, false],
])('%s', async (_, result, fits) => {
  expect((await judge(saying(result), {})).fits).toBe(fits);
  const run = validPayload(saying(result), JsonText({}));
  await (fits ? expect(run).resolves.toBe(7) : expect(run).rejects.toMatchObject({ retryable: false }));
});

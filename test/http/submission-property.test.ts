// Every legal submission is taken as it is; each way of breaking one field is refused with the path of that field alone.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobId } from '../../core/job/job.ts';
import { parseBulk } from '../../runtime/http/bulk.ts';
import { parseSubmission } from '../../runtime/http/submission.ts';

const parse = (text: string) => parseSubmission(text, { keyLines: [], newJobId: () => JobId('id') });

const name = fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/);
const maybe = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: null });

const fields = {
  payload: fc.jsonValue({ maxDepth: 5 }),
  max_retries: maybe(fc.integer({ min: 0, max: 100 })),
  idempotency_key: maybe(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 })),
  queue: maybe(name),
  priority: maybe(fc.integer({ min: -1000, max: 1000 })),
  timeout_ms: maybe(fc.integer({ min: 100, max: 86_400_000 })),
};

const legal = fc.tuple(
  fc.record({ type: name, ...fields }, { requiredKeys: ['type'] }),
  fc.oneof(
    fc.record({ delay_ms: maybe(fc.integer({ min: 0, max: 31_536_000_000 })) }, { requiredKeys: [] }),
    fc.record({
      run_at: fc
        .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
        .map((date) => date.toISOString()),
    }),
  ),
);

const notInteger = fc.oneof(
  fc.double({ noInteger: true, noNaN: true, min: -1e9, max: 1e9 }),
  fc.string(),
  fc.boolean(),
  fc.constant([1]),
);
const notName = fc.oneof(
  fc.constantFrom('', 'a b', 'ä', 'a/b', 'x'.repeat(129), '\u0000'),
  fc.integer(),
  fc.boolean(),
  fc.constant({}),
);

const broken: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  type: fc.oneof(notName, fc.constant(null)),
  queue: notName,
  max_retries: fc.oneof(notInteger, fc.constantFrom(-1, 101)),
  idempotency_key: fc.oneof(fc.constantFrom('', 'k'.repeat(256)), fc.integer(), fc.constant([])),
  priority: fc.oneof(notInteger, fc.constantFrom(-1001, 1001)),
  timeout_ms: fc.oneof(notInteger, fc.constantFrom(0, 99, 86_400_001)),
  delay_ms: fc.oneof(notInteger, fc.constantFrom(-1, 31_536_000_001)),
  unknown: fc.anything({ maxDepth: 0, withBigInt: false }).map((value) => value ?? null),
};

describe('a submission', () => {
  it('that is legal is taken as it is', () => {
    fc.assert(
      fc.property(legal, ([some, start]) => {
        const sent = { ...some, ...start };
        const outcome = parse(JSON.stringify(sent));
        if (!outcome.ok) throw new Error(JSON.stringify(outcome.problem));
        const { value } = outcome;
        expect(value.payload).toBe(JSON.stringify(some.payload ?? null));
        expect([value.type, value.queue, value.priority]).toEqual([
          some.type,
          some.queue ?? 'default',
          some.priority ?? 0,
        ]);
        expect([value.maxRetries, value.timeoutMs]).toEqual([some.max_retries ?? null, some.timeout_ms ?? null]);
        expect(value.idempotencyKey).toBe(some.idempotency_key ?? null);
      }),
    );
  });

  it('with one broken field is refused with its path and no other', () => {
    const mutation = fc
      .constantFrom(...Object.keys(broken))
      .chain((field) => fc.tuple(fc.constant(field), broken[field] ?? fc.constant(0)));
    fc.assert(
      fc.property(
        fc.record({ type: name, ...fields }, { requiredKeys: ['type'] }),
        mutation,
        (some, [field, value]) => {
          const outcome = parse(JSON.stringify({ ...some, [field]: value ?? null }));
          expect(outcome.ok).toBe(false);
          if (!outcome.ok) expect(outcome.problem.errors?.map(({ path }) => path)).toEqual([`/${field}`]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is the same alone and in a bulk body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(legal, { minLength: 1, maxLength: 5 }), async (all) => {
        const jobs = all.map(([some, start]) => ({ ...some, ...start }));
        const bulk = await parseBulk(JSON.stringify({ jobs }), { jobBytesMax: 1e6, newJobId: () => JobId('id') });
        const single = jobs.map((job) => parse(JSON.stringify(job)));
        expect(bulk.ok && bulk.value).toEqual(single.map((one) => one.ok && one.value));
      }),
    );
  });
});

// S21 The reducer is pure and total: whatever job meets whatever event, it answers alike each time, touches nothing, and
// refuses with one kind of error.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../core/job/assert.ts';
import type { JobEvent, Verdict } from '../../core/job/event.ts';
import { Instant, JOB_STATES, JobId, JsonText } from '../../core/job/job.ts';
import type { Job, JobError, JobState } from '../../core/job/job.ts';
import { LEGAL, reduce } from '../../core/job/reduce.ts';
import { deepFreeze, KINDS, specification } from '../support/jobs.ts';

const instant = fc.oneof(fc.nat(1_000), fc.integer({ min: 0, max: 253_402_300_799_999 })).map(Instant);
const count = fc.nat(3);
const text = fc.jsonValue().map(JsonText);
const id = fc.constantFrom('job-1', 'job-1', 'job-1', 'job-2').map(JobId);
const attempt = fc.nat(3);

const jobError: fc.Arbitrary<JobError> = fc.record({
  name: fc.string(),
  message: fc.string(),
  stack: fc.option(fc.string()),
  at: instant,
});

const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.record({ state: fc.constant('dead' as const) }),
  fc.record({ state: fc.constant('pending' as const), runAt: instant }),
);

const jobRecord = fc.record({
  payload: text,
  key: fc.option(fc.string()),
  submittedSeq: fc.nat(100),
  createdAt: instant,
  runAt: instant,
  attempt,
  failures: count,
  crashes: count,
  suspect: fc.boolean(),
  startedAt: fc.option(instant),
  progress: fc.option(text),
  lastError: fc.option(jobError),
  at: instant,
  result: text,
});

/** Any job in the state, whether or not events lead to it; undefined is the job that is not there. */
const jobIn = (state: JobState | 'none'): fc.Arbitrary<Job | undefined> =>
  jobRecord.map(({ payload, key, at, result, ...rest }) => {
    const common = { ...specification({ payload, idempotencyKey: key }), ...rest };
    switch (state) {
      case 'none':
        return undefined;
      case 'pending':
        return { ...common, state };
      case 'running':
        return { ...common, state, leaseUntil: at };
      case 'succeeded':
        return { ...common, state, finishedAt: at, result };
      case 'dead':
      case 'cancelled':
        return { ...common, state, finishedAt: at };
    }
  });

const facts = fc.record({
  seq: fc.nat(1_000),
  at: instant,
  jobId: id,
  attempt,
  until: instant,
  error: jobError,
  next: verdict,
  value: text,
  specificationId: id,
});

const eventOf = (kind: JobEvent['kind']): fc.Arbitrary<JobEvent> =>
  facts.map((fact): JobEvent => {
    const { seq, at, jobId, attempt, until, error, next, value, specificationId } = fact;
    const stamp = { seq, at, jobId };
    switch (kind) {
      case 'submitted':
        return { ...stamp, kind, job: specification({ id: specificationId, payload: value }), runAt: until };
      case 'started':
      case 'extended':
        return { ...stamp, kind, attempt, leaseUntil: until };
      case 'progressed':
        return { ...stamp, kind, attempt, progress: value };
      case 'succeeded':
        return { ...stamp, kind, attempt, result: value };
      case 'failed':
      case 'expired':
      case 'crashed':
        return { ...stamp, kind, attempt, error, next };
      case 'released':
      case 'retried':
        return { ...stamp, kind, attempt, runAt: until };
      case 'cancelled':
        return { ...stamp, kind, attempt };
      case 'deleted':
        return { ...stamp, kind };
    }
  });

type Answer =
  | { readonly kind: 'accepted'; readonly after: Job | undefined }
  | { readonly kind: 'refused'; readonly message: string };

function answer(job: Job | undefined, event: JobEvent): Answer {
  try {
    return { kind: 'accepted', after: reduce(job, event) };
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    return { kind: 'refused', message: error.message };
  }
}

/** What the diagram and the fence say, in other words than the reducer's. */
function isLegal(job: Job | undefined, event: JobEvent): boolean {
  if (!LEGAL[event.kind].some((state) => state === (job?.state ?? 'none'))) return false;
  if (event.kind === 'submitted') return event.job.id === event.jobId;
  if (job === undefined || event.jobId !== job.id) return false;
  if (event.kind === 'deleted') return true;
  return event.attempt === job.attempt + (event.kind === 'started' ? 1 : 0);
}

const STATES = ['none', ...JOB_STATES] as const;

for (const kind of KINDS) {
  describe(kind, () => {
    for (const state of STATES) {
      const isEver = LEGAL[kind].some((legal) => legal === state);

      test(`of a job in state ${state} is ${isEver ? 'answered' : 'always refused'}, alike each time, and nothing is touched`, () => {
        let accepted = 0;
        fc.assert(
          fc.property(jobIn(state), eventOf(kind), (job, event) => {
            const before = JSON.stringify([job, event]);
            const first = answer(deepFreeze(job), deepFreeze(event));
            const second = answer(job, event);
            expect(second).toEqual(first);
            expect(JSON.stringify([job, event])).toBe(before);
            expect(first.kind).toBe(isLegal(job, event) ? 'accepted' : 'refused');
            if (first.kind === 'accepted') accepted += 1;
            if (first.kind === 'refused' || first.after === undefined || job === undefined) return;
            expect(fixedOf(first.after)).toEqual(fixedOf(job));
          }),
          { numRuns: 150 },
        );
        expect(accepted > 0).toBe(isEver);
      });
    }
  });
}

test('a job does not depend on objects that its events go on sharing: a chain of events replays to equal jobs', () => {
  const chain = fc.array(
    fc.constantFrom(...KINDS).chain((kind) => eventOf(kind)),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(jobIn('pending'), chain, (job, events) => {
      const follow = (): (Job | undefined)[] => {
        const states = [job];
        for (const event of events) {
          const told = answer(states.at(-1), event);
          if (told.kind === 'accepted') states.push(deepFreeze(told.after));
        }
        return states;
      };
      deepFreeze(job);
      deepFreeze(events);
      expect(follow()).toEqual(follow());
    }),
    { numRuns: 300 },
  );
});

/** What no event may change. */
function fixedOf(job: Job): unknown {
  const { id, type, queue, payload, priority, maxRetries, timeoutMs, idempotencyKey, submittedSeq, createdAt } = job;
  return { id, type, queue, payload, priority, maxRetries, timeoutMs, idempotencyKey, submittedSeq, createdAt };
}

import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../../core/job/assert.ts';
import type { JobEvent } from '../../../core/job/event.ts';
import { Instant, JOB_STATES, JobId } from '../../../core/job/job.ts';
import type { JobState } from '../../../core/job/job.ts';
import { LEGAL, reduce } from '../../../core/job/reduce.ts';
import { EVENTS, KINDS, deepFreeze, jobIn } from '../../support/jobs.ts';

const FROM = ['none', ...JOB_STATES] as const;
const PAIRS = FROM.flatMap((from) => KINDS.map((kind) => [from, kind] as const));

/** What comes of each legal pair; the table is written by hand, from the contract. */
const TO: Readonly<Record<string, JobState | 'none'>> = {
  'none submitted': 'pending',
  'pending started': 'running',
  'pending cancelled': 'cancelled',
  'running extended': 'running',
  'running progressed': 'running',
  'running succeeded': 'succeeded',
  'running failed': 'dead',
  'running expired': 'pending',
  'running crashed': 'pending',
  'running released': 'pending',
  'running cancelled': 'cancelled',
  'succeeded deleted': 'none',
  'dead retried': 'pending',
  'dead deleted': 'none',
  'cancelled retried': 'pending',
  'cancelled deleted': 'none',
};

const jobOrNone = (state: JobState | 'none') => (state === 'none' ? undefined : deepFreeze(jobIn(state)));

/** The event, naming the job's latest attempt (a fresh pending job has none, its first start is 1). */
function eventFor(from: JobState | 'none', kind: JobEvent['kind']): JobEvent {
  return deepFreeze(
    from === 'pending' && kind === 'cancelled' ? { ...EVENTS.cancelled, attempt: 0 } : EVENTS[kind],
  ) as JobEvent;
}

describe('every pair of state and event', () => {
  it.each(PAIRS)('%s + %s', (from, kind) => {
    const to = TO[`${from} ${kind}`];
    expect(LEGAL[kind].includes(from)).toBe(to !== undefined);
    const act = () => reduce(jobOrNone(from), eventFor(from, kind));
    if (to === undefined) expect(act).toThrow(InvariantError);
    else expect(act()?.state ?? 'none').toBe(to);
  });
});

describe('the fence', () => {
  const fenced = ['extended', 'progressed', 'succeeded', 'failed', 'expired', 'crashed', 'released'] as const;

  it.each(fenced)('%s of an earlier attempt is refused', (kind) => {
    const second = { ...jobIn('running'), attempt: 2 };
    expect(() => reduce(second, EVENTS[kind])).toThrow(InvariantError);
  });

  it('a start that skips a number is refused', () => {
    expect(() => reduce(jobIn('pending'), { ...EVENTS.started, attempt: 2 } as JobEvent)).toThrow(InvariantError);
  });

  it('an event of another job is refused', () => {
    expect(() => reduce(jobIn('running'), { ...EVENTS.succeeded, jobId: JobId('other') })).toThrow(InvariantError);
  });
});

describe('counts', () => {
  it('a failure and an expiry count as failures, a crash as a crash, a give-back as neither', () => {
    const counts = (kind: JobEvent['kind']) => {
      const job = reduce(jobIn('running'), EVENTS[kind]);
      return [job?.failures, job?.crashes];
    };
    expect(counts('failed')).toEqual([1, 0]);
    expect(counts('expired')).toEqual([1, 0]);
    expect(counts('crashed')).toEqual([0, 1]);
    expect(counts('released')).toEqual([0, 0]);
  });

  it('a retry takes failures and crashes back to 0; attempts grow on', () => {
    const dead = { ...jobIn('dead'), failures: 4, crashes: 2 };
    expect(reduce(dead, EVENTS.retried)).toMatchObject({ failures: 0, crashes: 0, attempt: 1, state: 'pending' });
  });
});

describe('suspicion', () => {
  it('begins with a crash and survives the start of the next attempt', () => {
    const crashed = reduce(jobIn('running'), EVENTS.crashed);
    expect(crashed?.suspect).toBe(true);
    expect(reduce(crashed, { ...EVENTS.started, attempt: 2 } as JobEvent)?.suspect).toBe(true);
  });

  it.each(['succeeded', 'failed', 'expired', 'released', 'cancelled'] as const)('ends when the attempt %s', (kind) => {
    const suspect = { ...jobIn('running'), suspect: true };
    expect(reduce(suspect, EVENTS[kind])?.suspect).toBe(false);
  });

  it('survives a retry by hand: a job that was given up for its crashes is run alone', () => {
    const dead = { ...jobIn('dead'), suspect: true };
    expect(reduce(dead, EVENTS.retried)?.suspect).toBe(true);
  });
});

it('a lease exists only while the job runs', () => {
  for (const kind of KINDS.filter((kind) => LEGAL[kind].includes('running'))) {
    const after = reduce(jobIn('running'), EVENTS[kind]);
    expect('leaseUntil' in (after ?? {}), kind).toBe(after?.state === 'running');
  }
});

it('a retried job no longer says when it finished', () => {
  expect(reduce(jobIn('dead'), EVENTS.retried)).not.toHaveProperty('finishedAt');
});

it('the latest error stays when the job succeeds at last', () => {
  const expired = reduce(jobIn('running'), EVENTS.expired);
  const second = reduce(expired, { ...EVENTS.started, attempt: 2, at: Instant(80) } as JobEvent);
  expect(reduce(second, { ...EVENTS.succeeded, attempt: 2 } as JobEvent)?.lastError?.message).toBe('no');
});

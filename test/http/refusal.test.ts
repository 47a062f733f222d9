// Each refusal of the queue has one status, one kind of problem and, where trying again helps, a time for it.

import { describe, expect, it } from 'vitest';
import { JobId } from '../../core/job/job.ts';
import type { Refusal } from '../../core/queue/effect.ts';
import { editDistance, nearestFirst } from '../../runtime/http/nearest.ts';
import { createApi, pathsOf, problemOf } from '../support/http-api.ts';
import { MemoryQueue } from '../support/memory-queue.ts';

const jobId = JobId('x');

const REFUSALS: readonly (readonly [refusal: Refusal, status: number, retryAfter: boolean])[] = [
  [{ reason: 'not-found', jobId }, 404, false],
  [{ reason: 'wrong-state', jobId, state: 'running' }, 409, false],
  [{ reason: 'lease-lost', jobId, attempt: 1 }, 409, false],
  [{ reason: 'unknown-type', index: 0, type: 'y' }, 422, false],
  [{ reason: 'key-reused', index: 0, key: 'k', jobId }, 422, false],
  [{ reason: 'depth-limit', depth: 5, limit: 5 }, 429, true],
  [{ reason: 'bytes-limit', bytes: 5, limit: 5 }, 429, true],
  [{ reason: 'draining' }, 503, true],
  [{ reason: 'overloaded' }, 503, true],
  [{ reason: 'read-only' }, 503, true],
  [{ reason: 'disk-failed' }, 503, true],
  [{ reason: 'outcome-unknown' }, 503, true],
];

describe('a refusal', () => {
  it.each(REFUSALS)('%j is answered %i', async (refusal, status, retryAfter) => {
    const { post, call, queue } = createApi();
    queue.refuse([refusal]);
    for (const called of [
      await post('/createJob', { type: 'email' }),
      await post('/createJobs', { jobs: [{ type: 'email' }] }),
      await call('GET', '/jobs/x'),
      await call('POST', '/jobs/x/cancel'),
    ]) {
      expect(called.status).toBe(status);
      expect(problemOf(called).status).toBe(status);
      expect(called.headers.get('retry-after') !== null).toBe(retryAfter);
    }
  });

  it('says that nothing was stored, unless the outcome is unknown: then the same key is safe', async () => {
    const { post, queue } = createApi();
    for (const [refusal, status] of REFUSALS) {
      if (status < 429) continue;
      queue.refuse([refusal]);
      const { detail } = problemOf(await post('/createJob', { type: 'email' }));
      if (refusal.reason === 'outcome-unknown') expect(detail).toMatch(/unknown.*safe to send again with the same key/);
      else expect(detail).toContain('Nothing was stored.');
    }
  });

  it('of several gives way to the lowest status, with all errors of that status', async () => {
    const { post, queue } = createApi();
    queue.refuse([
      { reason: 'draining' },
      { reason: 'unknown-type', index: 2, type: 'y' },
      { reason: 'key-reused', index: 5, key: 'k', jobId },
    ]);
    const called = await post('/createJobs', { jobs: [{ type: 'email' }] });
    expect(called.status).toBe(422);
    expect(pathsOf(called)).toEqual(['/jobs/2/type', '/jobs/5/idempotency_key']);
  });

  it('tells of each limit that is reached', async () => {
    const { post, queue } = createApi();
    queue.refuse([
      { reason: 'depth-limit', depth: 5, limit: 6 },
      { reason: 'bytes-limit', bytes: 7, limit: 8 },
    ]);
    const called = await post('/createJob', { type: 'email' });
    expect(called.status).toBe(429);
    expect(problemOf(called).detail).toBe(
      '5 of at most 6 jobs are pending or running. The stored jobs take 7 of at most 8 bytes. Nothing was stored.',
    );
  });

  it('for a full queue comes with Retry-After and does not hold up replays', async () => {
    const { post } = createApi({ queue: new MemoryQueue({ settings: { depthLimit: 1 } }) });
    const job = { type: 'email', idempotency_key: 'k' };
    expect((await post('/createJob', job)).status).toBe(201);
    const full = await post('/createJob', { type: 'email' });
    expect(full.status).toBe(429);
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await post('/createJob', job)).status).toBe(200);
  });
});

describe('nearest names', () => {
  it.each([
    ['', '', 0],
    ['a', '', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['flaw', 'lawn', 2],
    ['same', 'same', 0],
  ])('%j and %j are %i edits apart', (left, right, edits) => {
    expect(editDistance(left, right)).toBe(edits);
    expect(editDistance(right, left)).toBe(edits);
  });

  it('come first, whatever their case; equally near ones by name', () => {
    expect(nearestFirst('Emial', ['report', 'b', 'email', 'a'])).toEqual(['email', 'a', 'b', 'report']);
  });
});

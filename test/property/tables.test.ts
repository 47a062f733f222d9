// Both implementations of the tables live the same random lives and must tell the same.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventKind, JobEvent, QueueEvent, Verdict } from '../../core/job/event.ts';
import { Instant, JobId, JsonText } from '../../core/job/job.ts';
import type { Job, JobError } from '../../core/job/job.ts';
import { LEGAL } from '../../core/job/reduce.ts';
import { apply } from '../../core/store/apply.ts';
import { mapTables } from '../../core/store/map.ts';
import { decodeContent } from '../../core/store/map-file.ts';
import { sqliteTables } from '../../core/store/sqlite.ts';
import type { Tables } from '../../core/store/tables.ts';
import { loadSqlite } from '../support/sqlite.ts';
import { dump } from '../support/tables.ts';

const factories = [mapTables(), sqliteTables(await loadSqlite())] as const;

/** Any UTF-16 units, with a liking for those that encodings get wrong. */
const unit = fc.oneof(
  fc.constantFrom('\\', '\0', '\ufeff', '\ud800', '\udfff', '"', "'", 'u0000', 'é', '💥', '\n'),
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
);
const string = fc.array(unit, { maxLength: 24 }).map((units) => units.join(''));
const instant = fc.oneof(fc.nat(1_000), fc.integer({ min: 0, max: 253_402_300_799_999 })).map(Instant);

const change = fc.record({
  jobId: fc.integer({ min: 1, max: 6 }).map((number) => JobId(`job-${number}`)),
  kind: fc.nat(11),
  elapsedMs: fc.oneof(fc.constant(0), fc.nat(100_000)),
  until: instant,
  text: string,
  stack: fc.option(string),
  value: fc.jsonValue().map(JsonText),
  key: fc.option(string),
  names: fc.record({ type: fc.constantFrom('email', 'resize'), queue: fc.constantFrom('default', 'bulk') }),
  priority: fc.integer({ min: -1_000, max: 1_000 }),
  retries: fc.boolean(),
});

const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ what: fc.constant('change' as const), change }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('pause' as const), queue: string, paused: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('trim loose' as const), keep: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('trim feed' as const), keep: fc.nat(2), change }) },
  { weight: 4, arbitrary: fc.constant({ what: 'commit' as const }) },
  { weight: 2, arbitrary: fc.constant({ what: 'rollback' as const }) },
);

type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** The event that the change means for the job as it is; always a legal one. */
function eventOf(tables: Tables, change: Change, job: Job | undefined): JobEvent {
  const { lastSeq, lastAt } = tables.meta();
  const at = Instant(lastAt + change.elapsedMs);
  const stamp = { seq: lastSeq + 1, at, jobId: change.jobId };
  const kinds = (Object.keys(LEGAL) as JobEvent['kind'][]).filter((kind) => LEGAL[kind].includes(job?.state ?? 'none'));
  const kind = kinds[change.kind % kinds.length] ?? 'submitted';
  const attempt = job?.attempt ?? 0;
  const error: JobError = { name: change.text, message: change.text, stack: change.stack, at };
  const next: Verdict = change.retries ? { state: 'pending', runAt: change.until } : { state: 'dead' };
  switch (kind) {
    case 'submitted': {
      const taken = change.key !== null && tables.jobByKey(change.key) !== undefined;
      const { priority, value: payload, names } = change;
      const idempotencyKey = taken ? null : change.key;
      const limits = { maxRetries: 3, timeoutMs: 30_000 };
      const specification = { id: change.jobId, ...names, payload, priority, ...limits, idempotencyKey };
      return { ...stamp, kind, job: specification, runAt: change.until };
    }
    case 'started':
      return { ...stamp, kind, attempt: attempt + 1, leaseUntil: change.until };
    case 'extended':
      return { ...stamp, kind, attempt, leaseUntil: change.until };
    case 'progressed':
      return { ...stamp, kind, attempt, progress: change.value };
    case 'succeeded':
      return { ...stamp, kind, attempt, result: change.value };
    case 'failed':
    case 'expired':
    case 'crashed':
      return { ...stamp, kind, attempt, error, next };
    case 'released':
    case 'retried':
      return { ...stamp, kind, attempt, runAt: change.until };
    case 'cancelled':
      return { ...stamp, kind, attempt };
    case 'deleted':
      return { ...stamp, kind };
  }
}

/** Takes the step and returns what it told. */
function take(tables: Tables, step: Step): unknown {
  switch (step.what) {
    case 'change': {
      const job = tables.job(step.change.jobId);
      return apply(tables, eventOf(tables, step.change, job), job);
    }
    case 'pause': {
      const { lastSeq, lastAt } = tables.meta();
      const kind: EventKind & QueueEvent['kind'] = step.paused ? 'paused' : 'resumed';
      return apply(tables, { seq: lastSeq + 1, at: lastAt, queue: step.queue, kind }, undefined);
    }
    case 'trim loose':
      return tables.trimLooseEvents(step.keep);
    case 'trim feed':
      return tables.job(step.change.jobId) && tables.trimFeedOnlyEvents(step.change.jobId, step.keep);
    case 'commit':
      return tables.commit();
    case 'rollback':
      return tables.rollback();
  }
}

describe('the two implementations of the tables', () => {
  it('tell the same after the same events, commits, rollbacks and exports', () => {
    const start = fc.constantFrom(0, 2 ** 31 - 5, 2 ** 32 - 5, 2 ** 50);
    fc.assert(
      fc.property(start, fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), (lastSeq, steps) => {
        const [map, sqlite] = factories.map((factory) => factory.create()) as [Tables, Tables];
        const both = [map, sqlite];
        const copies: Tables[] = [];
        try {
          for (const tables of both) {
            tables.begin();
            tables.putMeta({ lastSeq, lastAt: Instant(1_760_000_000_000), forgottenSeq: 0 });
            tables.commit();
            tables.begin();
          }
          let committed = dump(map);
          for (const step of steps) {
            const [expected, told] = both.map((tables) => take(tables, step));
            expect(told).toEqual(expected);
            if (step.what !== 'commit' && step.what !== 'rollback') continue;
            const now = dump(map);
            if (step.what === 'rollback') expect(now).toEqual(committed);
            expect(dump(sqlite)).toEqual(now);
            committed = now;
            for (const tables of both) tables.begin();
          }
          expect(dump(sqlite)).toEqual(dump(map));
          for (const [index, tables] of both.entries()) {
            tables.commit();
            const copy = factories[index]?.load(tables.export());
            if (copy === undefined) continue;
            copies.push(copy);
            expect(dump(copy)).toEqual(dump(map));
          }
          expect(copies).toHaveLength(2);
          const [copy] = copies;
          if (copy !== undefined) expect(decodeContent(copy.export())).toEqual(decodeContent(map.export()));
        } finally {
          for (const tables of [...both, ...copies]) tables.close();
        }
      }),
      { numRuns: 100 },
    );
  });
});

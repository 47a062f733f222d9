// Planted between the queue and its tables.

import { Instant, JsonText } from '../../core/job/job.ts';
import type { Job } from '../../core/job/job.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import type { Mutant } from './mutant.ts';

/** The tables with some of their methods replaced; `from` says whether they were begun empty or loaded. */
export function dressed(
  dress: (tables: Tables, from: 'nothing' | 'snapshot') => Partial<Tables>,
): (factory: TablesFactory) => TablesFactory {
  const wear = (tables: Tables, from: 'nothing' | 'snapshot'): Tables => {
    const other = dress(tables, from);
    return new Proxy(tables, {
      get(target, name) {
        if (name in other) return Reflect.get(other, name) as unknown;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  return (factory) => ({
    create: () => wear(factory.create(), 'nothing'),
    load: (bytes) => wear(factory.load(bytes), 'snapshot'),
  });
}

const putting = (change: (job: Job) => Job) => dressed((tables) => ({ putJob: (job) => tables.putJob(change(job)) }));

export const TABLE_MUTANTS: readonly Mutant[] = [
  {
    name: 'payload-rewritten',
    sentence: 'a lone surrogate in a payload is replaced',
    rule: 'S2',
    others: ['S1', 'S5'],
    plant: () => ({
      tables: putting((job) => ({ ...job, payload: job.payload.replaceAll('\\ud800', '?') as JsonText })),
    }),
  },
  {
    name: 'result-rewritten',
    sentence: 'the stored result is not the one that the handler returned',
    rule: 'S10',
    others: [],
    plant: () => ({ tables: putting((job) => (job.state === 'succeeded' ? { ...job, result: JsonText(null) } : job)) }),
  },
  {
    name: 'crash-not-counted',
    sentence: 'crashes are forgotten',
    rule: 'S8',
    others: ['S16', 'S24', 'S28'],
    plant: () => ({ tables: putting((job) => ({ ...job, crashes: 0 })) }),
  },
  {
    name: 'key-not-found',
    sentence: 'an idempotency key is not found again',
    rule: 'S30',
    others: ['S4', 'S5'],
    plant: () => ({ tables: dressed(() => ({ jobByKey: () => undefined })) }),
  },
  {
    name: 'key-matches-anything',
    sentence: 'a key that comes again with another payload is answered with the first job',
    rule: 'S5',
    others: [],
    plant: () => {
      const submitted = new Map<string, JsonText>();
      return {
        input: (input) => {
          if (input.command.kind === 'submit') {
            for (const { idempotencyKey, payload } of input.command.submissions) {
              if (idempotencyKey !== null) submitted.set(idempotencyKey, payload);
            }
          }
          return input;
        },
        tables: dressed((tables) => ({
          jobByKey: (key) => {
            const job = tables.jobByKey(key);
            return job === undefined ? undefined : { ...job, payload: submitted.get(key) ?? job.payload };
          },
        })),
      };
    },
  },
  {
    name: 'forgotten-too-early',
    sentence: 'every job that is over is old enough to be forgotten',
    rule: 'S20',
    others: [],
    plant: () => ({
      tables: dressed((tables) => ({
        finishedBefore: (_, limit) => tables.finishedBefore(Instant(Number.MAX_SAFE_INTEGER), limit),
      })),
    }),
  },
  {
    name: 'pause-forgotten',
    sentence: 'a restart forgets which queues are paused',
    rule: 'S24',
    others: ['S14'],
    plant: () => ({ tables: dressed(() => ({ putPaused: () => undefined })) }),
  },
  {
    name: 'feed-rewritten',
    sentence: 'the stored history says another instant than the feed said',
    rule: 'S25',
    others: ['S11'],
    plant: () => ({
      tables: dressed((tables) => ({ putEvent: (row) => tables.putEvent({ ...row, at: Instant(row.at + 1) }) })),
    }),
  },
  {
    name: 'rollback-left-out',
    sentence: 'what the disk refused stays in the tables',
    rule: 'S30',
    others: ['S3', 'S6', 'S24', 'S25', 'S27', 'S28', 'D13'],
    plant: () => ({ tables: dressed((tables) => ({ rollback: () => tables.commit() })) }),
  },
];

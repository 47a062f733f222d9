// All planted bugs. Each stands between two pieces of the production code and leaves both untouched.

import type { Input } from '../../core/queue/command.ts';
import type { Effect } from '../../core/queue/effect.ts';
import type { Job, JobId } from '../../core/job/job.ts';
import { JsonText } from '../../core/job/job.ts';
import type { DiskOperation } from '../../core/store/disk.ts';
import type { Tables, TablesFactory } from '../../core/store/tables.ts';
import type { Mutant } from './mutant.ts';

/** The one that every run of the tests must catch: if it lives, the simulator itself is broken. */
export const CANARY = 'sync-left-out';

const isJournal = (operation: DiskOperation): boolean =>
  'file' in operation && operation.file.startsWith('journal-') && operation.file.endsWith('.log');

/** The tables with some of their methods replaced. */
function dressed(factory: TablesFactory, dress: (tables: Tables) => Partial<Tables>): TablesFactory {
  const wear = (tables: Tables): Tables => {
    const other = dress(tables);
    return new Proxy(tables, {
      get(target, name) {
        const value: unknown = Reflect.get(name in other ? other : target, name);
        return typeof value === 'function' && !(name in other) ? value.bind(target) : value;
      },
    });
  };
  return { create: () => wear(factory.create()), load: (bytes) => wear(factory.load(bytes)) };
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: CANARY,
    sentence: 'records are appended and never synced',
    caughtBy: ['S1', 'S2', 'S24', 'S25', 'S26', 'D13'],
    plant: () => ({
      operation: (operation) => (operation.kind === 'sync' && isJournal(operation) ? null : operation),
    }),
  },
  {
    name: 'directory-sync-left-out',
    sentence: 'files are created and renamed, and the directory is never synced',
    caughtBy: ['S1', 'S24', 'S25', 'S26', 'D13'],
    plant: () => ({ operation: (operation) => (operation.kind === 'syncDirectory' ? null : operation) }),
  },
  {
    name: 'sync-retried',
    sentence: 'a sync that failed is taken for done, as if a second one had succeeded',
    caughtBy: ['S1', 'S24', 'S25', 'S26', 'DISK', 'D13'],
    plant: () => ({ hides: (error) => error.operation === 'sync' }),
  },
  {
    name: 'rename-before-sync',
    sentence: 'a file written beside is renamed before it is synced',
    caughtBy: ['S1', 'S24', 'S25', 'S26', 'D13'],
    plant: () => ({
      operation: (operation) =>
        operation.kind === 'sync' && operation.file.endsWith('.tmp') && operation.file !== 'reserve.tmp'
          ? null
          : operation,
    }),
  },
  {
    name: 'write-cut-short',
    sentence: 'the last byte of a record is not written',
    caughtBy: ['S1', 'S24', 'S25', 'D13'],
    plant: () => ({
      operation: (operation) =>
        operation.kind === 'append' && isJournal(operation)
          ? { ...operation, bytes: operation.bytes.subarray(0, -1) }
          : operation,
    }),
  },
  {
    name: 'late-answer-counts',
    sentence: 'what an older attempt says counts for the current one',
    caughtBy: ['S6', 'S7', 'S10', 'S16'],
    plant: () => {
      const latest = new Map<JobId, number>();
      return {
        turn: (turn) => {
          for (const effect of turn.effects) if (effect.kind === 'start') latest.set(effect.job.id, effect.job.attempt);
          return turn;
        },
        input: (input): Input => {
          const { command } = input;
          if (!('attempt' in command)) return input;
          return { ...input, command: { ...command, attempt: latest.get(command.jobId) ?? command.attempt } };
        },
      };
    },
  },
  {
    name: 'key-forgotten',
    sentence: 'an idempotency key is not found again',
    caughtBy: ['S4', 'S5', 'S30'],
    plant: () => ({ tables: (factory) => dressed(factory, () => ({ jobByKey: () => undefined })) }),
  },
  {
    name: 'key-matches-anything',
    sentence: 'a key that comes again with another payload is answered with the first job',
    caughtBy: ['S5'],
    plant: () => {
      let submitted: ReadonlyMap<string, JsonText> = new Map();
      return {
        input: (input) => {
          const { command } = input;
          if (command.kind !== 'submit') return input;
          submitted = new Map(
            command.submissions.flatMap(({ idempotencyKey, payload }) =>
              idempotencyKey === null ? [] : [[idempotencyKey, payload] as const],
            ),
          );
          return input;
        },
        tables: (factory) =>
          dressed(factory, (tables) => ({
            jobByKey: (key) => {
              const job = tables.jobByKey(key);
              const payload = submitted.get(key);
              return job === undefined || payload === undefined ? job : { ...job, payload };
            },
          })),
      };
    },
  },
  {
    name: 'tick-ignored',
    sentence: 'the timer fires and nobody listens',
    caughtBy: ['L1', 'L2'],
    plant: () => ({ input: (input) => (input.command.kind === 'tick' ? null : input) }),
  },
  {
    name: 'answer-lost',
    sentence: 'a handler’s answer is dropped on its way to the queue',
    caughtBy: ['L1', 'S9'],
    plant: () => ({ input: (input) => (input.command.kind === 'succeed' ? null : input) }),
  },
  {
    name: 'forgotten-too-early',
    sentence: 'retention counts from the wrong instant',
    caughtBy: ['S20'],
    plant: () => ({
      tables: (factory) =>
        dressed(factory, (tables) => ({
          finishedBefore: (_, limit) => tables.finishedBefore(Number.MAX_SAFE_INTEGER as never, limit),
        })),
    }),
  },
  {
    name: 'pause-forgotten',
    sentence: 'a restart forgets which queues are paused',
    caughtBy: ['S14', 'S24'],
    plant: () => ({ tables: (factory) => dressed(factory, () => ({ putPaused: () => undefined })) }),
  },
  {
    name: 'result-rewritten',
    sentence: 'the stored result is not the one that the handler returned',
    caughtBy: ['S10'],
    plant: () => ({
      tables: (factory) =>
        dressed(factory, (tables) => ({
          putJob: (job: Job) => tables.putJob(job.state === 'succeeded' ? { ...job, result: JsonText(null) } : job),
        })),
    }),
  },
  {
    name: 'start-repeated',
    sentence: 'a handler is started twice for one attempt',
    caughtBy: ['S7'],
    plant: () => ({
      turn: (turn) => ({
        ...turn,
        effects: turn.effects.flatMap((effect): Effect[] => (effect.kind === 'start' ? [effect, effect] : [effect])),
      }),
    }),
  },
  {
    name: 'refusal-untrue',
    sentence: 'a submission that was stored is answered as refused',
    caughtBy: ['S3'],
    plant: () => ({
      turn: (turn) => ({
        ...turn,
        effects: turn.effects.map((effect) =>
          effect.kind === 'reply' && effect.reply.kind === 'submitted'
            ? { ...effect, reply: { kind: 'refused', refusals: [{ reason: 'overloaded' }] } }
            : effect,
        ),
      }),
    }),
  },
  {
    name: 'rollback-left-out',
    sentence: 'what the disk refused stays in the tables',
    caughtBy: ['S24', 'S25', 'S28', 'S30', 'S27', 'S3'],
    plant: () => ({
      tables: (factory) => dressed(factory, (tables) => ({ rollback: () => tables.commit() })),
    }),
  },
];

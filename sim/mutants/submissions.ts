// Planted in how submissions and their keys are taken.

import type { Job } from '../../core/job/job.ts';
import type { Input } from '../../core/queue/command.ts';
import { isTerminal } from '../../core/job/job.ts';
import { Step } from '../../core/queue/step.ts';
import type { Refusal } from '../../core/queue/effect.ts';
import { dressed } from './tables.ts';
import { instead, method } from './instead.ts';
import type { Mutant, Planted } from './mutant.ts';
import { stepping } from './overheard.ts';

/** A replay is refused as a new submission would be. */
const replayRefused = (refusalOf: (job: Job, step: Step) => Refusal | undefined): Planted => ({
  instead: instead(
    method(
      Step.prototype,
      'reply',
      (real) =>
        function (this: Step, requestId, reply) {
          const first = reply.kind === 'submitted' ? reply.outcomes[0] : undefined;
          const refusal = first?.replayed === true ? refusalOf(first.job, this) : undefined;
          real.call(this, requestId, refusal === undefined ? reply : { kind: 'refused', refusals: [refusal] });
        },
    ),
  ),
});

export const SUBMISSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'half-of-a-list',
    sentence: 'of a list of jobs the first half is stored',
    rule: 'S2',
    others: ['S31'],
    plant: () => ({
      input: (input): Input => {
        const { command } = input;
        if (command.kind !== 'submit' || command.submissions.length < 2) return input;
        const half = command.submissions.slice(0, Math.ceil(command.submissions.length / 2));
        return { ...input, command: { ...command, submissions: half } };
      },
    }),
  },
  {
    name: 'full-queue-beats-replay',
    sentence: 'a full queue refuses what it holds already',
    rule: 'S31',
    others: ['O2'],
    plant: () =>
      replayRefused((_, { memory: { census }, settings: { depthLimit } }) =>
        census.depth >= depthLimit ? { reason: 'depth-limit', depth: census.depth, limit: depthLimit } : undefined,
      ),
  },
  {
    name: 'misfit-beats-replay',
    sentence: 'a replay is refused because its payload no longer fits the schema of its type',
    rule: 'S31',
    others: ['O2'],
    among: ['P1', 'P12', 'N2', 'N11'],
    from: 68n,
    plant: () => {
      const misfits = new Map<string, Refusal>();
      return {
        input: (input) => {
          const { command } = input;
          if (command.kind !== 'submit') return input;
          for (const [index, { idempotencyKey }] of command.submissions.entries()) {
            const found = command.misfits?.get(index);
            if (idempotencyKey === null) continue;
            if (found === undefined) misfits.delete(idempotencyKey);
            else misfits.set(idempotencyKey, { reason: 'payload-mismatch', index, misfits: found });
          }
          return input;
        },
        ...replayRefused(({ idempotencyKey }) => (idempotencyKey === null ? undefined : misfits.get(idempotencyKey))),
      };
    },
  },
  {
    name: 'key-unknown-until-synced',
    sentence: 'a key is found only once its first submission is durable',
    rule: 'S30',
    others: ['S4', 'S24'],
    plant: () => {
      return {
        tables: dressed((tables) => {
          const fresh = new Set<string>();
          return {
            begin: () => {
              fresh.clear();
              tables.begin();
            },
            putJob: (job) => {
              if (tables.job(job.id) === undefined) fresh.add(job.id);
              tables.putJob(job);
            },
            jobByKey: (key) => {
              const job = tables.jobByKey(key);
              return job === undefined || fresh.has(job.id) ? undefined : job;
            },
          };
        }),
      };
    },
  },
  {
    name: 'key-freed-with-its-job',
    sentence: 'a key is free again when its job is over',
    rule: 'S30',
    others: ['S4'],
    plant: () => ({
      tables: dressed((tables) => ({
        jobByKey: (key) => {
          const job = tables.jobByKey(key);
          return job === undefined || isTerminal(job) ? undefined : job;
        },
      })),
    }),
  },
  {
    name: 'key-kept-for-ten-seconds',
    sentence: 'a key is known for ten seconds after its submission',
    rule: 'S30',
    others: ['S4'],
    from: 63n,
    plant: () => ({
      tables: dressed((tables) => ({
        jobByKey: (key) => {
          const job = tables.jobByKey(key);
          return job === undefined || tables.meta().lastAt - job.createdAt > 10_000 ? undefined : job;
        },
      })),
    }),
  },
  {
    name: 'keys-not-indexed-at-start',
    sentence: 'the keys of the jobs in a snapshot are not found after a start',
    rule: 'S30',
    others: ['S4', 'D13'],
    plant: () => ({
      tables: dressed((tables, from) => {
        const indexed = new Set<string>();
        if (from === 'nothing') return {};
        return {
          putJob: (job) => {
            if (tables.job(job.id) === undefined && job.idempotencyKey !== null) indexed.add(job.idempotencyKey);
            tables.putJob(job);
          },
          jobByKey: (key) => (indexed.has(key) ? tables.jobByKey(key) : undefined),
        };
      }),
    }),
  },
  {
    name: 'drain-ignored',
    sentence: 'a server that shuts down goes on accepting',
    rule: 'S35',
    others: ['L1'],
    plant: () => ({ input: (input) => (input.command.kind === 'drain' ? null : input) }),
  },
  {
    name: 'unknown-told-as-refused',
    sentence: 'a failed sync is answered as if nothing had been stored',
    rule: 'S3',
    others: [],
    plant: () => ({
      turn: (turn) => ({
        ...turn,
        effects: turn.effects.map((effect) =>
          effect.kind === 'reply' &&
          effect.reply.kind === 'refused' &&
          effect.reply.refusals.some(({ reason }) => reason === 'outcome-unknown')
            ? { ...effect, reply: { kind: 'refused', refusals: [{ reason: 'disk-failed' }] } }
            : effect,
        ),
      }),
    }),
  },
  {
    name: 'undo-left-out',
    sentence: 'memory goes on from a step that the disk refused',
    rule: 'S30',
    others: ['S22', 'L1', 'S9', 'S14', 'S24'],
    plant: () => ({ instead: instead(method(Step.prototype, 'undo', () => () => undefined)) }),
  },
  {
    name: 'retention-eats-the-living',
    sentence: 'a pending job that is old enough is forgotten',
    rule: 'S30',
    others: ['S20'],
    plant: () => ({
      tables: dressed((tables) => ({
        finishedBefore: (at, limit) => {
          const old = [...tables.jobsIn('pending')].filter(({ createdAt }) => createdAt <= at).map(({ id }) => id);
          return [...old, ...tables.finishedBefore(at, limit)].slice(0, limit);
        },
      })),
    }),
  },
  {
    name: 'no-retention-keeps-nothing',
    sentence: 'a retention of nothing, which keeps everything, forgets at once',
    rule: 'S20',
    others: [],
    plant: () => ({
      settings: (settings) => ({ ...settings, retentionMs: settings.retentionMs === 0 ? 1 : settings.retentionMs }),
    }),
  },
  {
    name: 'key-prefix-indexed',
    sentence: 'two keys are taken for one if their first ten characters are alike',
    rule: 'O1',
    others: ['S5', 'S31', 'S30', 'O2'],
    from: 33n,
    plant: () => ({
      tables: dressed((tables) => {
        const keys = new Map<string, string>();
        return {
          putJob: (job) => {
            if (job.idempotencyKey !== null) keys.set(job.idempotencyKey.slice(0, 10), job.idempotencyKey);
            tables.putJob(job);
          },
          jobByKey: (key) => tables.jobByKey(keys.get(key.slice(0, 10)) ?? key),
        };
      }),
    }),
  },
  {
    name: 'half-a-step-kept',
    sentence: 'a step that breaks off in the middle is taken for done',
    rule: 'S30',
    others: ['S22', 'S24', 'S25', 'S27', 'S6', 'S4', 'L1', 'L2', 'O1', 'O2', 'S23', 'S2', 'S28', 'S37'],
    among: ['P16'],
    from: 106n,
    plant: () => ({
      instead: instead(
        stepping((decide, inputs, options) => {
          try {
            return decide(inputs, options);
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
            return { events: [], effects: [], rows: [], wakeAt: null };
          }
        }),
      ),
    }),
  },
];

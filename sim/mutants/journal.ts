// Planted in how the journal is written, begun, closed and let go.

import { Journal } from '../../core/store/journal.ts';
import type { DiskOperation } from '../../core/store/disk.ts';
import { segmentFile } from '../../core/store/segment.ts';
import { instead, method } from './instead.ts';
import type { Mutant } from './mutant.ts';
import { pass, relay, without } from './relay.ts';

const isSegment = (file: string): boolean => /^journal-\d+\.log$/.test(file);

const decoder = new TextDecoder();

/** Whether the operation appends a record of this kind. */
const appends = (operation: DiskOperation, kind: 'clean' | 'batch'): boolean =>
  operation.kind === 'append' &&
  isSegment(operation.file) &&
  decoder.decode(operation.bytes).includes(`,"kind":"${kind}"`);

export const JOURNAL_MUTANTS: readonly Mutant[] = [
  {
    name: 'synced-a-turn-later',
    sentence: 'a record is synced when the next one is written, its replies leave before',
    rule: 'S26',
    others: ['S1', 'S24', 'S25', 'S27', 'D13', 'DISK'],
    plant: () => ({
      instead: instead(
        method(
          Journal.prototype,
          'append',
          (real) =>
            function* (this: Journal, events) {
              yield* without(real.call(this, events), ({ kind }) => kind === 'sync');
            },
        ),
      ),
    }),
  },
  {
    name: 'every-second-sync',
    sentence: 'records say that the one before them is durable, and only every second one is synced',
    rule: 'D13',
    others: ['S1', 'S24', 'S25', 'S26'],
    plant: () => {
      let syncs = 0;
      return {
        operation: (operation) => {
          if (operation.kind !== 'sync' || !isSegment(operation.file)) return operation;
          syncs += 1;
          return syncs % 2 === 0 ? operation : null;
        },
      };
    },
  },
  {
    name: 'bulk-in-pieces',
    sentence: 'the events of one step are written one by one and synced together',
    rule: 'S2',
    others: ['S3', 'S24', 'S25', 'D13', 'S26', 'S1', 'S32'],
    from: 101n,
    plant: () => ({
      instead: instead(
        method(
          Journal.prototype,
          'append',
          (real) =>
            function* (this: Journal, events) {
              for (const [index, event] of events.entries()) {
                const isLast = index === events.length - 1;
                yield* without(real.call(this, [event]), ({ kind }) => kind === 'sync' && !isLast);
              }
            },
        ),
      ),
    }),
  },
  {
    name: 'no-space-at-a-sync-forgiven',
    sentence: 'a sync that fails for lack of space is taken for a full disk and tried again',
    rule: 'DISK',
    others: ['S1', 'S24', 'S25', 'S26', 'D13'],
    plant: () => ({ hides: (error) => error.operation === 'sync' && error.code === 'no-space' }),
  },
  {
    name: 'full-disk-accepts',
    sentence: 'a record that found no room is taken for written',
    rule: 'D13',
    others: ['S1', 'S2', 'S24', 'S25', 'S26', 'S27', 'S30'],
    plant: () => ({
      hides: (error) => error.operation === 'append' && error.code === 'no-space' && isSegment(error.file),
    }),
  },
  {
    name: 'short-write-left-in',
    sentence: 'the part of a record that found room is not cut off again',
    rule: 'D13',
    others: ['S1', 'S24', 'S25', 'S26'],
    plant: () => ({
      operation: (operation) => (operation.kind === 'truncate' && isSegment(operation.file) ? null : operation),
    }),
  },
  {
    name: 'segment-name-not-synced',
    sentence: 'the directory is not synced when the journal goes on in a new segment',
    rule: 'S26',
    others: ['S1', 'S24', 'S25', 'D13'],
    plant: () => ({
      instead: instead(
        method(
          Journal.prototype,
          'rotate',
          (real) =>
            function* (this: Journal) {
              return yield* without(real.call(this), ({ kind }) => kind === 'syncDirectory');
            },
        ),
      ),
    }),
  },
  {
    name: 'old-segment-closed-first',
    sentence: 'a rotation lets go of the segment before it has the next one, and goes on in it if that fails',
    rule: 'DISK',
    others: ['S30', 'D13'],
    plant: () => ({
      instead: instead(
        method(
          Journal.prototype,
          'rotate',
          (real) =>
            function* (this: Journal) {
              return yield* relay(real.call(this), function* (operation) {
                if (operation.kind === 'create') {
                  const next = Number(/\d+/.exec(operation.file)?.[0]);
                  yield { kind: 'close', file: segmentFile(next - 1) };
                }
                return yield* pass(operation);
              });
            },
        ),
      ),
    }),
  },
  {
    name: 'marker-behind-no-sync',
    sentence: 'the marker of an orderly shutdown vouches for a record that was never synced',
    rule: 'D13',
    others: ['S26'],
    plant: () => {
      let isClean = false;
      return {
        operation: (operation) => {
          if (appends(operation, 'clean')) isClean = true;
          else if (operation.kind === 'sync' && isSegment(operation.file) && isClean) {
            isClean = false;
            return null;
          }
          return operation;
        },
      };
    },
  },
  {
    name: 'marker-left-behind',
    sentence: 'a start leaves the marker of the orderly shutdown before it',
    rule: 'D13',
    others: [],
    plant: () => ({
      operation: (operation) => (operation.kind === 'remove' && operation.file === 'clean' ? null : operation),
    }),
  },
  {
    name: 'append-failure-ignored',
    sentence: 'a write that failed half-way is taken for done',
    rule: 'D13',
    others: ['S1', 'S24', 'S25', 'S26', 'S30'],
    plant: () => ({
      hides: (error) => error.operation === 'append' && error.code === 'io' && isSegment(error.file),
    }),
  },
];

// Planted in how snapshots are made, and what is removed for them.

import { decodeContent, encodeContent } from '../../core/store/map-file.ts';
import type { Content } from '../../core/store/map-file.ts';
import { segmentFile } from '../../core/store/segment.ts';
import { dressed } from './tables.ts';
import type { Mutant } from './mutant.ts';

const exporting = (change: (content: Content) => Content) =>
  dressed((tables) => ({ export: () => encodeContent(change(decodeContent(tables.export()))) }));

export const SNAPSHOT_MUTANTS: readonly Mutant[] = [
  {
    name: 'snapshot-misses-a-row',
    sentence: 'a snapshot leaves out the job that was submitted last',
    rule: 'S1',
    others: ['S24', 'S25', 'S30', 'D13'],
    plant: () => ({
      tables: exporting((content) => {
        const last = content.jobs.at(-1);
        return {
          ...content,
          jobs: content.jobs.filter((job) => job !== last),
          events: content.events.filter(({ jobId, kind }) => jobId !== last?.id || kind === 'deleted'),
        };
      }),
    }),
  },
  {
    name: 'snapshot-forgets-pauses',
    sentence: 'a snapshot leaves out which queues are paused',
    rule: 'S24',
    others: ['S14'],
    plant: () => ({ tables: exporting((content) => ({ ...content, paused: [] })) }),
  },
  {
    name: 'snapshot-forgets-keys',
    sentence: 'a snapshot leaves out the idempotency keys',
    rule: 'S2',
    others: ['S4', 'S5', 'S24'],
    plant: () => ({
      tables: exporting((content) => ({
        ...content,
        jobs: content.jobs.map((job) => ({ ...job, idempotencyKey: null })),
      })),
    }),
  },
  {
    name: 'journal-removed-first',
    sentence: 'the segments that a snapshot will cover are removed when it is begun',
    rule: 'D13',
    others: ['S1', 'S24', 'S25'],
    plant: () => ({
      operation: (operation) => {
        const number = operation.kind === 'remove' ? /^snapshot-(\d+)\.json$/.exec(operation.file)?.[1] : undefined;
        return number === undefined ? operation : { kind: 'remove', file: segmentFile(Number(number)) };
      },
    }),
  },
  {
    name: 'only-the-newest-kept',
    sentence: 'the snapshot before the newest is removed with the journal behind it',
    rule: 'D13',
    others: ['D12', 'S1', 'S24', 'S25'],
    plant: () => {
      let newest = '';
      return {
        operation: (operation) => {
          if (operation.kind === 'rename' && operation.to.endsWith('.json')) newest = operation.to;
          return operation;
        },
        // Of the older one nothing is shown, and so it is never used.
        result: (operation, result) =>
          operation.kind === 'list' && Array.isArray(result)
            ? result.filter(({ file }: { readonly file: string }) => newest === '' || isNotBefore(file, newest))
            : result,
      };
    },
  },
];

/** Whether the file is none that the newest snapshot covers. */
function isNotBefore(file: string, newest: string): boolean {
  const covered = Number(/\d+/.exec(newest)?.[0]);
  const number = Number(/^(?:snapshot|journal)-(\d+)/.exec(file)?.[1] ?? Number.POSITIVE_INFINITY);
  return number > covered || (file.startsWith('snapshot-') && number === covered);
}

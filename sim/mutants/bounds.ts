// Planted where something must be given back: nothing is told wrongly, only more and more is kept.

import type { EventRow } from '../../core/store/tables.ts';
import type { Mutant } from './mutant.ts';
import { dressed } from './tables.ts';

export const BOUNDS_MUTANTS: readonly Mutant[] = [
  {
    name: 'old-segments-kept',
    sentence: 'segments that no snapshot needs are never removed',
    rule: 'S29',
    others: ['D12', 'D13'],
    from: 137n,
    plant: () => {
      let latest = '';
      return {
        operation(operation) {
          if (!('file' in operation) || !operation.file.endsWith('.log')) return operation;
          if (operation.kind === 'create' && operation.file > latest) latest = operation.file;
          // The latest is removed only where it could not be begun.
          return operation.kind === 'remove' && operation.file < latest ? null : operation;
        },
      };
    },
  },
  {
    name: 'one-job-too-many',
    sentence: 'one job more than the limit of depth is taken',
    rule: 'S29',
    others: ['O1'],
    plant: () => ({ settings: (settings) => ({ ...settings, depthLimit: settings.depthLimit + 1 }) }),
  },
  {
    name: 'events-outlive-their-job',
    sentence: 'the events of a forgotten job stay in the feed',
    rule: 'S29',
    others: ['O1'],
    plant: () => ({
      tables: dressed((tables) => {
        const orphans: EventRow[] = [];
        return {
          removeJob(id) {
            orphans.push(...tables.history(id));
            return tables.removeJob(id);
          },
          eventsAfter: (seq, limit) =>
            [...orphans.filter((row) => row.seq > seq), ...tables.eventsAfter(seq, limit)]
              .sort((left, right) => left.seq - right.seq)
              .slice(0, limit),
        };
      }),
    }),
  },
];

// Planted in the tables that stand beside those that answer: nobody is told anything wrong, and yet the two disagree.

import type { TablesFactory } from '../../core/store/tables.ts';
import { mirroredTables } from '../world/mirrored-tables.ts';
import type { Mutant } from './mutant.ts';
import { dressed } from './tables.ts';

const beside =
  (dress: Parameters<typeof dressed>[0]) =>
  (factory: TablesFactory): TablesFactory =>
    mirroredTables({ answering: factory, beside: dressed(dress)(factory) });

export const MIRROR_MUTANTS: readonly Mutant[] = [
  {
    name: 'column-not-updated',
    sentence: 'an update of a row leaves one column as it was',
    rule: 'S23',
    others: [],
    plant: () => ({
      tables: beside((tables) => ({
        putJob: (job) => tables.putJob({ ...job, startedAt: tables.job(job.id)?.startedAt ?? null }),
      })),
    }),
  },
  {
    name: 'list-filter-ignored',
    sentence: 'a list shows jobs of every state, whatever it is asked for',
    rule: 'S23',
    others: [],
    plant: () => ({
      tables: beside((tables) => ({
        list: ({ filter, ...query }) => tables.list({ ...query, filter: { ...filter, state: undefined } }),
      })),
    }),
  },
];

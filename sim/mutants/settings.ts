// Planted in what the queue is told of its settings.

import type { TypeSettings } from '../../core/queue/settings.ts';
import type { Mutant } from './mutant.ts';

const types =
  (change: (type: TypeSettings) => TypeSettings): NonNullable<ReturnType<Mutant['plant']>['settings']> =>
  (settings) => ({ ...settings, types: new Map([...settings.types].map(([name, type]) => [name, change(type)])) });

export const SETTINGS_MUTANTS: readonly Mutant[] = [
  {
    name: 'one-worker-too-many',
    sentence: 'one attempt more than there are workers may run',
    rule: 'S9',
    others: [],
    plant: () => ({ settings: (settings) => ({ ...settings, workerCount: settings.workerCount + 1 }) }),
  },
  {
    name: 'backoff-too-long',
    sentence: 'a retry waits longer than its backoff allows',
    rule: 'S12',
    others: [],
    plant: () => ({
      settings: types((type) => ({ ...type, backoff: (failures) => 10_000_000 * failures })),
    }),
  },
];

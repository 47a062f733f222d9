import { isMirror } from '../world/mirrored-tables.ts';
import type { Tables } from '../../core/store/tables.ts';
import type { Check } from './check.ts';

export const twoTablesOneContent: Check = {
  name: 'S23',
  sentence: 'the SQL tables and the map tables hold the same rows and give the same answers, turn by turn',
  watch({ fail }) {
    // Where there is only one kind of tables in a life, there is nothing to compare.
    const compare = (tables: Tables, extent: 'noted' | 'all'): void => {
      const difference = isMirror(tables) ? tables.firstDifference(extent) : null;
      if (difference !== null) fail(difference);
    };
    return {
      turned: ({ tables }) => compare(tables, 'noted'),
      recovered: (tables) => compare(tables, 'all'),
      ended: (tables) => compare(tables, 'all'),
    };
  },
};

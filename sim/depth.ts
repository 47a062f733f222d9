// Two depths of the same life: map tables, fast enough for thousands of seeds, and the SQLite tables of production.

import initSqlJs from 'sql.js';
import { mapTables } from '../core/store/map.ts';
import { sqliteTables } from '../core/store/sqlite.ts';
import type { TablesFactory } from '../core/store/tables.ts';
import type { Depth } from './arguments.ts';

export async function tablesOf(depth: Depth): Promise<TablesFactory> {
  if (depth === 'bulk') return mapTables();
  const options: Parameters<typeof initSqlJs>[0] & { useOldExtensionFunctions: boolean } = {
    useOldExtensionFunctions: false,
  };
  return sqliteTables(await initSqlJs(options));
}

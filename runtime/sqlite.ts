// SQLite in WebAssembly, handed to the core.

import initSqlJs from 'sql.js';
import { sqliteTables } from '../core/store/sqlite.ts';
import type { TablesFactory } from '../core/store/tables.ts';

export async function loadTables(): Promise<TablesFactory> {
  return sqliteTables(await initSqlJs({ useOldExtensionFunctions: false } as object));
}

// sql.js as the runtime loads it.

import initSqlJs from 'sql.js';
import type { Sqlite } from '../../core/store/sqlite-driver.ts';

let loaded: Promise<Sqlite> | undefined;

export function loadSqlite(): Promise<Sqlite> {
  const options: Parameters<typeof initSqlJs>[0] & { useOldExtensionFunctions: boolean } = {
    useOldExtensionFunctions: false,
  };
  loaded ??= initSqlJs(options);
  return loaded;
}

// Two depths of the same life: map tables, fast enough for thousands of seeds, and the SQLite tables of production, with
// map tables beside them that must agree.

import initSqlJs from 'sql.js';
import { mapTables } from '../core/store/map.ts';
import { sqliteTables } from '../core/store/sqlite.ts';
import type { Tables, TablesFactory } from '../core/store/tables.ts';
import type { Depth } from './arguments.ts';
import type { Senses } from './world/forbidden.ts';
import { mirroredTables } from './world/mirrored-tables.ts';

/** Tables for lives. Processes die without closing theirs: `closeAll` does it for them. */
export type LifeTables = TablesFactory & { readonly senses: Senses; readonly closeAll: () => void };

export async function tablesOf(depth: Depth): Promise<LifeTables> {
  if (depth === 'bulk') return { ...mapTables(), senses: 'throw', closeAll: () => undefined };
  const options: Parameters<typeof initSqlJs>[0] & { useOldExtensionFunctions: boolean } = {
    useOldExtensionFunctions: false,
  };
  const mirrored = mirroredTables({ answering: sqliteTables(await initSqlJs(options)), beside: mapTables() });
  const { closeAll, ...tables } = tracked(mirrored);
  const forget = (): void => {
    closeAll();
    mirrored.reset();
  };
  return { ...tables, closeAll: forget };
}

/** Keeps what is open, so that one heap of WebAssembly serves thousands of lives. */
function tracked(factory: TablesFactory): LifeTables {
  const open = new Set<Tables>();
  const keep = (make: () => Tables): Tables => {
    const tables = make();
    const close = tables.close.bind(tables);
    tables.close = () => {
      if (open.delete(tables)) close();
    };
    open.add(tables);
    return tables;
  };
  return {
    senses: 'stand still',
    create: () => keep(() => factory.create()),
    load: (bytes) => keep(() => factory.load(bytes)),
    closeAll: () => {
      for (const tables of open) tables.close();
    },
  };
}

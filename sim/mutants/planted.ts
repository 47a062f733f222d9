// All planted bugs, by the piece of production code that they stand beside.

import { COMMAND_MUTANTS } from './commands.ts';
import { DISK_MUTANTS } from './disk.ts';
import type { Mutant } from './mutant.ts';
import { REPLY_MUTANTS } from './replies.ts';
import { SETTINGS_MUTANTS } from './settings.ts';
import { TABLE_MUTANTS } from './tables.ts';

/** The one that every run must catch: if it lives, the simulator itself is broken. */
export const CANARY = 'sync-left-out';

export const MUTANTS: readonly Mutant[] = [
  ...DISK_MUTANTS,
  ...TABLE_MUTANTS,
  ...COMMAND_MUTANTS,
  ...REPLY_MUTANTS,
  ...SETTINGS_MUTANTS,
];

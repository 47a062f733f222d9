// All planted bugs, by the piece of production code that they stand beside.

import { ATTEMPT_MUTANTS } from './attempts.ts';
import { BOUNDS_MUTANTS } from './bounds.ts';
import { CLOCK_MUTANTS } from './clocks.ts';
import { COMMAND_MUTANTS } from './commands.ts';
import { DISK_MUTANTS } from './disk.ts';
import { DUPLICATE_MUTANTS } from './duplicates.ts';
import { INTAKE_MUTANTS } from './intake.ts';
import { JOURNAL_MUTANTS } from './journal.ts';
import { LEASE_MUTANTS } from './leases.ts';
import { LINEARIZABILITY_MUTANTS } from './linearizability.ts';
import { LIVENESS_MUTANTS } from './liveness.ts';
import { MIRROR_MUTANTS } from './mirror.ts';
import type { Mutant } from './mutant.ts';
import { READ_MUTANTS } from './reads.ts';
import { RECOVERY_MUTANTS } from './recovery.ts';
import { REFERENCE_MUTANTS } from './reference.ts';
import { REPLY_MUTANTS } from './replies.ts';
import { RESOURCE_MUTANTS } from './resources.ts';
import { SCHEDULE_MUTANTS } from './schedule.ts';
import { SETTINGS_MUTANTS } from './settings.ts';
import { SNAPSHOT_MUTANTS } from './snapshots.ts';
import { SUBMISSION_MUTANTS } from './submissions.ts';
import { TABLE_MUTANTS } from './tables.ts';

/** The one that every run must catch: if it lives, the simulator itself is broken. */
export const CANARY = 'sync-left-out';

export const MUTANTS: readonly Mutant[] = [
  ...DISK_MUTANTS,
  ...JOURNAL_MUTANTS,
  ...RECOVERY_MUTANTS,
  ...SNAPSHOT_MUTANTS,
  ...SUBMISSION_MUTANTS,
  ...ATTEMPT_MUTANTS,
  ...LEASE_MUTANTS,
  ...SCHEDULE_MUTANTS,
  ...CLOCK_MUTANTS,
  ...READ_MUTANTS,
  ...TABLE_MUTANTS,
  ...COMMAND_MUTANTS,
  ...REPLY_MUTANTS,
  ...INTAKE_MUTANTS,
  ...SETTINGS_MUTANTS,
  ...LINEARIZABILITY_MUTANTS,
  ...MIRROR_MUTANTS,
  ...DUPLICATE_MUTANTS,
  ...BOUNDS_MUTANTS,
  ...RESOURCE_MUTANTS,
  ...LIVENESS_MUTANTS,
  ...REFERENCE_MUTANTS,
];

// The queue as the rest of the runtime sees it: ask it something, and be told what became durable.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JobId } from '../core/job/job.ts';
import type { ClientCommand } from '../core/queue/command.ts';
import type { Reply } from '../core/queue/effect.ts';
import type { EventRow } from '../core/store/tables.ts';

export type Readiness = {
  /** Null while jobs can be stored; else why not, in words for the operator. */
  readonly refusing: string | null;
  /** Troubles that do not stop submissions, such as too many abandoned handlers. */
  readonly warnings: readonly string[];
};

export interface QueuePort {
  /** Resolves when what the reply tells is durable. Never rejects: refusals are replies. */
  ask(command: ClientCommand): Promise<Reply>;
  /** Calls the listener with each batch of events once it is durable. Returns the way to stop. */
  subscribe(listener: (rows: readonly EventRow[]) => void): () => void;
  readiness(): Readiness;
  /** A new id, ordered by time (UUIDv7). */
  newJobId(): JobId;
  /** The types that have a handler, with the schema of their payloads where they have one. */
  readonly types: ReadonlyMap<string, { readonly schema: StandardSchemaV1 | null }>;
  uptimeMs(): number;
}

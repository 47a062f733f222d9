// A planted bug: production code with one thing wrong, made by standing between its pieces, never inside them.
//
// The simulator must catch each of them. One that lives shows a check or a fault that is missing.

import type { Turn } from '../../core/engine/engine.ts';
import type { ClientCommand, Input, RequestId } from '../../core/queue/command.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { DiskError, DiskOperation, DiskResult } from '../../core/store/disk.ts';
import type { TablesFactory } from '../../core/store/tables.ts';
import type { FaultCode } from '../faults.ts';

export type Mutant = {
  readonly name: string;
  readonly sentence: string;
  /** The rule that catches it even if it is the only one that is held. */
  readonly rule: string;
  /** Rules that may be quicker. */
  readonly others: readonly string[];
  /** The only faults in whose company it is hunted, where it is rare among all of them. */
  readonly among?: readonly FaultCode[];
  /** A seed from which on its rule alone soon sees it; the first of all unless told otherwise. */
  readonly from?: bigint;
  /** A fresh one for each life. */
  readonly plant: () => Planted;
};

/** What stands between the pieces; what is absent leaves them alone. */
export type Planted = {
  /** The operation that the disk really gets; null: none, and the program is told that it was done. */
  readonly operation?: (operation: DiskOperation) => DiskOperation | null;
  /** What the program is told that the operation gave. */
  readonly result?: (operation: DiskOperation, result: DiskResult) => DiskResult;
  /** Whether the program is kept from hearing of the failure. */
  readonly hides?: (error: DiskError) => boolean;
  readonly tables?: (factory: TablesFactory) => TablesFactory;
  /** The settings that the engine gets; the checks know the true ones. Asked for at the start of each process. */
  readonly settings?: (settings: QueueSettings) => QueueSettings;
  /** The input that the engine really gets; null: none. */
  readonly input?: (input: Input) => Input | null;
  readonly turn?: (turn: Turn) => Turn;
  /** The head of a request is there; the rest may never come. */
  readonly begun?: (command: ClientCommand) => void;
  /** What the queue is asked by a request that is answered as unreadable; null: nothing, as it must be. */
  readonly garbled?: (command: ClientCommand) => ClientCommand | null;
  /** The connection of a request that was not answered yet has broken, and the process sees it. */
  readonly reset?: (requestId: RequestId) => void;
  /** Puts methods of production classes aside for the length of the life; answers how to put them back. */
  readonly instead?: () => () => void;
};

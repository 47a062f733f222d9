// What a check is: a rule with a name and a plain sentence, and what it watches for.
//
// A check sees the life through its hooks and fails by `evidence.fail`. It never asks the queue anything by itself.

import type { Effect } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { EventRow, Tables } from '../../core/store/tables.ts';
import type { Exchange, Ledger } from '../ledger.ts';
import type { Happening, Model } from '../model.ts';
import type { Descriptors } from '../world/disk.ts';
import type { World } from '../world/world.ts';

/** A promise was broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: string;
  readonly sentence: string;

  constructor(broken: { rule: string; sentence: string; detail: string }) {
    super(broken.detail);
    this.rule = broken.rule;
    this.sentence = broken.sentence;
  }
}

export type Evidence = {
  readonly world: World;
  readonly model: Model;
  readonly ledger: Ledger;
  /** The settings of the process that decides now, or decided last. */
  readonly settings: () => QueueSettings;
  /** The process that runs now, or ran last; null before the first. */
  readonly process: () => ProcessUse | null;
  readonly fail: (detail: string) => never;
};

/** What one process holds and has used up. */
export type ProcessUse = {
  readonly descriptors: Descriptors;
  /** Requests that it has taken and not answered. */
  readonly exchanges: { readonly size: number };
  /** Handlers that have not ended, with a lease or without. */
  readonly handlers: { readonly size: number };
  /** Timers that will wake it, and how often one has. */
  readonly clock: { readonly armed: number; readonly wakes: number };
  /** Null before it has recovered. */
  readonly load: { readonly abandoned: number; readonly held: number; readonly isWritable: boolean } | null;
  /** Null while something is under way. */
  readonly restingTables: Tables | null;
};

/** Bytes that a turn appended, and whose loss would take back what it decided. */
export type AppendedRange = { readonly file: string; readonly from: number; readonly to: number };

export type FinishedTurn = {
  readonly appended: readonly AppendedRange[];
  readonly rows: readonly EventRow[];
  /** How many there are. */
  readonly effects: number;
  readonly tables: Tables;
};

export type Watch = {
  /** A process begins: its recovery comes next. */
  readonly began?: (process: ProcessUse) => void;
  /** A client's command reached the queue. */
  readonly offered?: (exchange: Exchange) => void;
  /** An event is durable: published by a turn, or found by a recovery. */
  readonly happened?: (happening: Happening) => void;
  /** A turn is over; its effects are about to leave. */
  readonly turned?: (turn: FinishedTurn) => void;
  /** An effect leaves the process. */
  readonly released?: (effect: Effect, exchange: Exchange | undefined) => void;
  /** A process has recovered; nothing of it has run yet. */
  readonly recovered?: (tables: Tables) => void;
  /** The life is over, everything has come to rest. */
  readonly ended?: (tables: Tables) => void;
};

export type Check = {
  readonly name: string;
  readonly sentence: string;
  readonly watch: (evidence: Evidence) => Watch;
};

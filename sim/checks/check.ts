// What a check is: a rule with a name and a plain sentence, and what it watches for.
//
// A check sees the life through its hooks and fails by `evidence.fail`. It never asks the queue anything by itself.

import type { Effect } from '../../core/queue/effect.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import type { Tables } from '../../core/store/tables.ts';
import type { Exchange, Ledger } from '../ledger.ts';
import type { Happening, Model } from '../model.ts';
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
  readonly fail: (detail: string) => never;
};

/** Bytes that a turn appended, and whose loss would take back what it decided. */
export type AppendedRange = { readonly file: string; readonly from: number; readonly to: number };

export type Watch = {
  /** A client's command reached the queue. */
  readonly offered?: (exchange: Exchange) => void;
  /** An event is durable: published by a turn, or found by a recovery. */
  readonly happened?: (happening: Happening) => void;
  /** A turn is over; its effects are about to leave. */
  readonly turned?: (turn: { readonly appended: readonly AppendedRange[]; readonly tables: Tables }) => void;
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

// Time that stands still until it is moved, and whoever sleeps on it.

import { Instant } from '../../core/job/job.ts';

type Sleeper = { readonly wakeAt: Instant; readonly wake: () => void; readonly owner: object | undefined };

export class VirtualTime {
  #at: Instant;
  readonly #sleepers = new Set<Sleeper>();

  constructor(at: Instant) {
    this.#at = at;
  }

  get at(): Instant {
    return this.#at;
  }

  /** When the first sleeper is to wake. */
  get nextWakeAt(): Instant | null {
    let first: Instant | null = null;
    for (const { wakeAt } of this.#sleepers) if (first === null || wakeAt < first) first = wakeAt;
    return first;
  }

  /** Moves on, never back; nobody wakes of it alone. */
  moveTo(at: Instant): void {
    this.#at = Instant(Math.max(this.#at, at));
  }

  /** Calls `wake` once, from `wakeDue`. Returns the way to take that back. `owner` is whose death ends the sleep. */
  callAfter(
    durationMs: number,
    { wake, owner }: { readonly wake: () => void; readonly owner: object | undefined },
  ): () => void {
    const sleeper = { wakeAt: Instant(this.#at + durationMs), wake, owner };
    this.#sleepers.add(sleeper);
    return () => this.#sleepers.delete(sleeper);
  }

  wakeDue(): void {
    const due = [...this.#sleepers].filter(({ wakeAt }) => wakeAt <= this.#at).sort((a, b) => a.wakeAt - b.wakeAt);
    for (const sleeper of due) if (this.#sleepers.delete(sleeper)) sleeper.wake();
  }

  forgetSleepers(owner: object): void {
    for (const sleeper of this.#sleepers) if (sleeper.owner === owner) this.#sleepers.delete(sleeper);
  }
}

// SIGTERM and SIGINT. The first one asks for an orderly shutdown; a second one ends the process at once, which loses
// nothing: what was acknowledged is on the disk, and the next start recovers.

import { constants } from 'node:os';

export class ShutdownSignal {
  #listener: ((name: NodeJS.Signals) => void) | null = null;
  #received: NodeJS.Signals | null = null;

  constructor() {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => this.#receive(name));
  }

  get isReceived(): boolean {
    return this.#received !== null;
  }

  /** From here on the first signal shuts down in order. Before, it ends the process: nothing was begun. */
  onFirst(listener: (name: NodeJS.Signals) => void): void {
    this.#listener = listener;
  }

  #receive(name: NodeJS.Signals): void {
    if (this.#received !== null) process.exit(128 + constants.signals[name]);
    this.#received = name;
    if (this.#listener === null) process.exit(0);
    this.#listener(name);
  }
}

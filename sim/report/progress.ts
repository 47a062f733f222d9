// How far a run is: one rewritten line on a terminal, a line each ten seconds otherwise.

import { FAULTS } from '../faults.ts';
import type { Tally } from '../summary.ts';

const PLAIN_LINE_MS = 10_000;
const TERMINAL_LINE_MS = 200;

export class Progress {
  readonly #startedAt = performance.now();
  readonly #isTerminal = process.stdout.isTTY;
  #saidAt = this.#startedAt;

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Says how far it is, if it is time to. */
  tell(tally: Tally): void {
    const now = performance.now();
    if (now - this.#saidAt < (this.#isTerminal ? TERMINAL_LINE_MS : PLAIN_LINE_MS)) return;
    this.#saidAt = now;
    process.stdout.write(this.#isTerminal ? `\r\u001b[2K${this.#line(tally)}` : `${this.#line(tally)}\n`);
  }

  /** The last line, and which faults never struck. */
  end(tally: Tally): void {
    process.stdout.write(`${this.#isTerminal ? '\r\u001b[2K' : ''}${this.#line(tally)}\n`);
    const silent = FAULTS.filter(({ code }) => (tally.fired.get(code) ?? 0) === 0).map(({ code }) => code);
    if (silent.length > 0 && silent.length < FAULTS.length) {
      process.stdout.write(`never struck: ${silent.join(' ')}\n`);
    }
  }

  #line(tally: Tally): string {
    const seconds = this.elapsedMs / 1000;
    const struck = [...tally.fired.values()].filter((count) => count > 0).length;
    return [
      `${tally.lives} seeds (${(tally.lives / seconds).toFixed(0)}/s)`,
      `${tally.steps} events (${(tally.steps / seconds / 1000).toFixed(0)}k/s)`,
      `${tally.jobs} jobs`,
      `${tally.crashes} crashes`,
      `${tally.recoveries} recoveries`,
      `${struck} of ${FAULTS.length} faults struck`,
      `${tally.failures.length} failures`,
    ].join(', ');
  }
}

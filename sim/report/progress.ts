// How far a run is: one rewritten line on a terminal, a line each ten seconds otherwise.

import { FAULTS } from '../faults.ts';
import type { Tally } from '../summary.ts';

const PLAIN_LINE_MS = 10_000;
const TERMINAL_LINE_MS = 200;

/** A line that is said again and again, not too often. */
export class Paced {
  readonly #startedAt = performance.now();
  readonly #isTerminal = process.stdout.isTTY;
  #saidAt = this.#startedAt;

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Says it, if it is time to. */
  tell(line: () => string): void {
    const now = performance.now();
    if (now - this.#saidAt < (this.#isTerminal ? TERMINAL_LINE_MS : PLAIN_LINE_MS)) return;
    this.#saidAt = now;
    process.stdout.write(this.#isTerminal ? `\r\u001b[2K${line()}` : `${line()}\n`);
  }

  end(line: string): void {
    process.stdout.write(`${this.#isTerminal ? '\r\u001b[2K' : ''}${line}\n`);
  }
}

export class Progress {
  readonly #paced = new Paced();

  get elapsedMs(): number {
    return this.#paced.elapsedMs;
  }

  tell(tally: Tally): void {
    this.#paced.tell(() => this.#line(tally));
  }

  /** The last line, and which faults never struck. */
  end(tally: Tally): void {
    this.#paced.end(this.#line(tally));
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

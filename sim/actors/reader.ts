// A reader of the live feed: it catches up, follows, falls behind, is cut off, and comes back where it was.
//
// Rule (FEED): it sees every event once and in order, whatever breaks in between, unless it is told of a gap.

import { broken } from '../checks/rules.ts';
import type { EventRow } from '../../core/store/tables.ts';
import type { Stream } from '../world/tape.ts';
import { note } from '../world/world.ts';
import type { World } from '../world/world.ts';
import type { Server } from './server.ts';

/** Rows that wait for a slow reader; one more, and it is cut off. */
const BUFFER_ROWS_MAX = 64;
const PAGE_ROWS = 50;

export class Reader {
  readonly #world: World;
  readonly #server: Server;
  /** The last event that it has seen. */
  #seq = 0;
  /** Unread rows of the connection; null without one. */
  #buffer: EventRow[] | null = null;
  #unsubscribe: () => void = () => undefined;

  constructor(options: { world: World; server: Server }) {
    this.#world = options.world;
    this.#server = options.server;
  }

  /** Asks for what it missed, and follows from there. */
  connect(): void {
    const { faults, clock } = this.#world;
    if (faults.isHealed) return;
    this.#leave();
    let isOver = false;
    const once = (act: () => void) => (): void => {
      if (!isOver) act();
      isOver = true;
    };
    const again = once(() => this.#later(() => this.connect()));
    this.#server.receive({
      client: 'reader',
      command: () => ({ kind: 'feed', after: this.#seq, limit: PAGE_ROWS }),
      shownSeq: this.#seq,
      answer: (reply) => {
        if (reply.kind !== 'events') return again();
        once(() => {
          this.#missed(reply.rows, reply.gap);
          if (reply.rows.length < PAGE_ROWS) this.#follow();
          else this.#later(() => this.connect());
        })();
      },
      refused: again,
    });
    // A connection that says nothing any more.
    clock.after(10_000_000, null, again);
  }

  #missed(rows: readonly EventRow[], gap: boolean): void {
    if (gap) note(this.#world, 'reader', 'is told of a gap');
    for (const { seq } of rows) {
      if (seq <= this.#seq) throw broken('FEED', `event ${seq} comes after event ${this.#seq}`);
      if (!gap && seq !== this.#seq + 1)
        throw broken('FEED', `event ${seq} follows event ${this.#seq}, without a word`);
      this.#seq = seq;
    }
  }

  #follow(): void {
    const buffer: EventRow[] = [];
    this.#buffer = buffer;
    this.#unsubscribe = this.#server.subscribe({
      rows: (rows) => {
        if (this.#buffer !== buffer) return;
        const wasEmpty = buffer.length === 0;
        buffer.push(...rows);
        if (buffer.length > BUFFER_ROWS_MAX) this.#cutOff();
        else if (wasEmpty) this.#readSoon(buffer);
      },
      broken: () => this.#later(() => this.connect()),
    });
  }

  /** Takes all that waits, in its own time. */
  #readSoon(buffer: EventRow[]): void {
    const isSlow = this.#world.faults.strikes('N8');
    const waitUs = isSlow ? this.#stream.between('slow', 10_000, 2_000_000) : 1_000;
    this.#world.clock.after(waitUs, null, () => {
      if (this.#buffer !== buffer) return;
      this.#missed(
        buffer.splice(0).filter(({ seq }) => seq > this.#seq),
        false,
      );
    });
  }

  #cutOff(): void {
    note(this.#world, 'reader', 'is too slow, and cut off', 'N8');
    this.#later(() => this.connect());
  }

  #leave(): void {
    this.#buffer = null;
    this.#unsubscribe();
    this.#unsubscribe = () => undefined;
  }

  #later(act: () => void): void {
    this.#leave();
    this.#world.clock.after(this.#stream.between('pause', 1, 500) * 1_000, null, act);
  }

  get #stream(): Stream {
    return this.#world.tape.stream('reader');
  }
}

// One reader of the live feed: every event after the point it asked for, in order, without gap or duplicate.
//
// Rule 1: it hears of published events from the moment it is made, before anything is read for it.
// Rule 2: while it lags it is served pages of the store; what is published meanwhile is only counted. Once a page covers
//         the newest event heard of it is live, and published events wait for it in memory. That step takes one turn of
//         the event loop, so nothing falls between page and live.
// Rule 3: only events with a greater number than the last one are ever queued, so nothing comes twice.
// Rule 4: beyond `FEED_WAITING_MAX` waiting events it lags again: memory is bounded, and a burst costs a reader who
//         reads nothing but a page.
// Rule 5: a reader who has something to take and takes nothing for `STALLED_MS` is cut off. He can resume where he was.

import { FEED_EVENTS_MAX } from '../../core/job/limits.ts';
import type { EventRow } from '../../core/store/tables.ts';
import type { QueuePort } from '../queue-port.ts';
import { FEED_PIECE_MAX, FEED_WAITING_MAX, HEARTBEAT_MS, STALLED_MS } from './settings.ts';
import { feedText } from './wire.ts';

/** An event as it is sent; `seq` is null for what is no event. */
export type Line = { readonly seq: number | null; readonly text: string };

export const eventLine = (row: EventRow): Line & { readonly seq: number } => ({
  seq: row.seq,
  text: `id: ${row.seq}\nevent: ${row.kind}\ndata: ${feedText(row)}\n\n`,
});

/** Carries no id: a reader that resumes after it resumes after the last event. */
const gapLine = (after: number, next: number | null): Line => ({
  seq: null,
  text: `event: gap\ndata: {"kind":"gap","after":${after},"next":${next}}\n\n`,
});

const COMMENT: Line = { seq: null, text: ':\n\n' };

const encoder = new TextEncoder();

export type FeedReaderOptions = {
  /** Undefined starts with the next event that is published. */
  readonly after: number | undefined;
  /** Ends the connection under a stream that nobody reads; undefined where there is none. */
  readonly cut: (() => void) | undefined;
  /** Called once, however the stream ends. */
  readonly ended: () => void;
};

export class FeedReader {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #queue: QueuePort;
  readonly #options: FeedReaderOptions;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #open = true;
  #lagging: boolean;
  /** Number of the last event that was handed over, or after which to begin; undefined before the first is known. */
  #sent: number | undefined;
  /** Number of the last event that waits or was handed over. */
  #queued: number;
  /** The greatest number heard of. */
  #newest = 0;
  #gapTold = false;
  #waiting: Line[] = [COMMENT];
  #wake: (() => void) | undefined;
  /** When a piece was handed over that has not been taken yet; null while the reader waits for more. */
  #blockedAt: number | null = null;
  #sentAt = performance.now();

  constructor(queue: QueuePort, options: FeedReaderOptions) {
    this.#queue = queue;
    this.#options = options;
    this.#sent = options.after;
    this.#queued = options.after ?? 0;
    this.#lagging = options.after !== undefined;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#pull(),
        cancel: () => this.#end(),
      },
      { highWaterMark: 1 },
    );
  }

  publish(lines: readonly (Line & { readonly seq: number })[]): void {
    const [first, last] = [lines[0], lines.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#newest = Math.max(this.#newest, last.seq);
    if (this.#lagging) return;
    this.#sent ??= first.seq - 1;
    if (this.#waiting.length + lines.length > FEED_WAITING_MAX) {
      this.#waiting = [];
      this.#queued = this.#sent;
      this.#lagging = true;
    } else {
      for (const line of lines) {
        if (line.seq <= this.#queued) continue;
        this.#queued = line.seq;
        this.#waiting.push(line);
      }
    }
    this.#wake?.();
  }

  /** Called about once a second: sees to silence and to readers who do not read. */
  check(now: number): void {
    if (this.#blockedAt !== null) {
      if (now - this.#blockedAt > STALLED_MS) this.#cutOff();
    } else if (now - this.#sentAt > HEARTBEAT_MS && this.#waiting.length === 0) {
      this.#waiting.push(COMMENT);
      this.#wake?.();
    }
  }

  /** Ends the stream in an orderly way. */
  close(): void {
    if (!this.#open) return;
    this.#end();
    this.#controller?.close();
  }

  #cutOff(): void {
    if (!this.#open) return;
    this.#end();
    if (this.#options.cut === undefined) this.#controller?.error(new Error('the reader did not read'));
    else this.#options.cut();
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#waiting = [];
    this.#wake?.();
    this.#options.ended();
  }

  /** The stream wants one piece more: the one before has been taken. */
  async #pull(): Promise<void> {
    this.#blockedAt = null;
    while (this.#open && this.#waiting.length === 0) {
      if (this.#lagging) await this.#readPage();
      else await new Promise<void>((wake) => (this.#wake = wake));
      this.#wake = undefined;
    }
    if (!this.#open) return;
    this.#sentAt = performance.now();
    this.#blockedAt = this.#sentAt;
    this.#controller?.enqueue(encoder.encode(this.#takePiece()));
  }

  async #readPage(): Promise<void> {
    const after = this.#queued;
    const reply = await this.#queue.ask({ kind: 'feed', after, limit: FEED_EVENTS_MAX });
    if (!this.#open) return;
    if (reply.kind !== 'events') {
      this.close(); // overloaded or shutting down: the client comes again
      return;
    }
    const { rows, gap, lastSeq } = reply;
    if (gap && !this.#gapTold) {
      this.#gapTold = true;
      this.#waiting.push(gapLine(after, rows[0]?.seq ?? null));
    }
    for (const row of rows) this.#waiting.push(eventLine(row));
    this.#queued = rows.at(-1)?.seq ?? after;
    const covered = rows.length < FEED_EVENTS_MAX ? Math.max(this.#queued, lastSeq) : this.#queued;
    if (rows.length < FEED_EVENTS_MAX && this.#newest <= covered) {
      this.#lagging = false;
      this.#gapTold = false;
    }
  }

  #takePiece(): string {
    let text = '';
    let count = 0;
    for (const line of this.#waiting) {
      if (text.length >= FEED_PIECE_MAX) break;
      text += line.text;
      count += 1;
      if (line.seq !== null) this.#sent = line.seq;
    }
    this.#waiting.splice(0, count);
    return text;
  }
}

// The live feed: every durable event, to each reader from the point it asks for, without gap or duplicate.
//
// 1. A reader is registered before anything is read for it: from then on it hears of every event.
// 2. While it lags it is served pages of the store (`feed`); what is published meanwhile is only counted.
// 3. Once a page reaches the newest event heard of, it is live: published events wait for it in memory. The step from
//    page to live happens in one turn of the event loop, so nothing falls in between; and only what has a greater
//    number than the last event sent is ever sent, so nothing comes twice.
// 4. When more than `FEED_WAITING_MAX` events wait, they are dropped and it lags again: memory is bounded, and a burst
//    costs a reader nothing but a read of the store.
// 5. A reader that has something to take and takes nothing for `STALLED_MS` is cut off; it can resume where it was.

import type { EventRow } from '../../core/store/tables.ts';
import { FEED_EVENTS_MAX } from '../../core/job/limits.ts';
import type { QueuePort } from '../queue-port.ts';
import { FEED_PIECE_MAX, FEED_WAITING_MAX, HEARTBEAT_MS, STALLED_MS } from './settings.ts';
import { feedText } from './wire.ts';

const CHECK_MS = 1_000;
const COMMENT = ':\n\n';

type Line = { readonly seq: number; readonly text: string };

const lineOf = (row: EventRow): Line => ({
  seq: row.seq,
  text: `id: ${row.seq}\nevent: ${row.kind}\ndata: ${feedText(row)}\n\n`,
});

const gapText = (after: number, next: number | undefined): string =>
  `event: gap\ndata: {"kind":"gap","after":${after},"next":${next ?? 'null'}}\n\n`;

/** All readers of one server. The queue is listened to while there are any. */
export class Feed {
  readonly #queue: QueuePort;
  readonly #readersMax: number;
  readonly #readers = new Set<FeedReader>();
  readonly #closings = new WeakSet<AbortSignal>();
  #stop: (() => void) | undefined;

  constructor(queue: QueuePort, readersMax: number) {
    this.#queue = queue;
    this.#readersMax = readersMax;
  }

  get isFull(): boolean {
    return this.#readers.size >= this.#readersMax;
  }

  /**
   * The stream of one reader; undefined if there are too many. `after` undefined starts with the next event. `cut` ends
   * the connection under a stream that nobody reads. The stream ends when `closing` is aborted.
   */
  open(options: {
    readonly after: number | undefined;
    readonly cut: () => void;
    readonly closing: AbortSignal | undefined;
  }): ReadableStream<Uint8Array> | undefined {
    if (this.isFull) return undefined;
    if (options.closing !== undefined) this.#closeWith(options.closing);
    const reader = new FeedReader(this.#queue, { after: options.after, cut: options.cut, ended: () => this.#leave(reader) });
    this.#readers.add(reader);
    this.#stop ??= this.#start();
    if (options.closing?.aborted === true) reader.close();
    return reader.stream;
  }

  #closeWith(closing: AbortSignal): void {
    if (this.#closings.has(closing)) return;
    this.#closings.add(closing);
    closing.addEventListener('abort', () => {
      for (const reader of [...this.#readers]) reader.close();
    });
  }

  #start(): () => void {
    const unsubscribe = this.#queue.subscribe((rows) => {
      const lines = rows.map(lineOf);
      for (const reader of this.#readers) reader.publish(lines);
    });
    const timer = setInterval(() => {
      const now = performance.now();
      for (const reader of [...this.#readers]) reader.check(now);
    }, CHECK_MS);
    timer.unref();
    return () => {
      unsubscribe();
      clearInterval(timer);
    };
  }

  #leave(reader: FeedReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }
}

/** One reader. Its stream is pulled: nothing is produced that has no place to go. */
class FeedReader {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #queue: QueuePort;
  readonly #cut: () => void;
  readonly #ended: () => void;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #open = true;
  /** The number of the last event that is in `#waiting` or was sent: only greater ones follow. */
  #last: number;
  /** The greatest number heard of since this reader was registered. */
  #newest = 0;
  #lagging: boolean;
  #gapTold = false;
  #waiting: string[] = [COMMENT];
  #wake: (() => void) | undefined;
  /** When the last piece was handed over; null while the reader waits for more. */
  #blockedAt: number | null = null;
  #sentAt = performance.now();

  constructor(
    queue: QueuePort,
    options: { readonly after: number | undefined; readonly cut: () => void; readonly ended: () => void },
  ) {
    this.#queue = queue;
    this.#cut = options.cut;
    this.#ended = options.ended;
    this.#last = options.after ?? 0;
    this.#lagging = options.after !== undefined;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#end(),
      },
      { highWaterMark: 1 },
    );
  }

  publish(lines: readonly Line[]): void {
    const newest = lines.at(-1)?.seq ?? 0;
    this.#newest = Math.max(this.#newest, newest);
    if (this.#lagging) return;
    if (this.#waiting.length + lines.length > FEED_WAITING_MAX && this.#last > 0) {
      this.#lag();
      return;
    }
    for (const { seq, text } of lines) {
      if (seq <= this.#last) continue;
      this.#last = seq;
      this.#waiting.push(text);
    }
    this.#wake?.();
  }

  /** Called about once a second. */
  check(now: number): void {
    if (this.#blockedAt !== null) {
      if (now - this.#blockedAt > STALLED_MS) this.#cutOff();
      return;
    }
    if (now - this.#sentAt < HEARTBEAT_MS || this.#waiting.length > 0) return;
    this.#waiting.push(COMMENT);
    this.#wake?.();
  }

  /** Ends the stream in an orderly way. */
  close(): void {
    if (!this.#open) return;
    this.#end();
    this.#controller?.close();
  }

  /** Hands over one piece, waiting for events if there are none. */
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
    this.#controller?.enqueue(this.#encoder.encode(this.#nextPiece()));
  }

  #nextPiece(): string {
    let count = 0;
    let length = 0;
    while (count < this.#waiting.length && (count === 0 || length < FEED_PIECE_MAX)) {
      length += this.#waiting[count]?.length ?? 0;
      count += 1;
    }
    return this.#waiting.splice(0, count).join('');
  }
}

// All readers of the live feed of one server. The queue is listened to while there are any, each event is put into text
// once for all of them, and all end when the server closes.

import type { QueuePort } from '../queue-port.ts';
import { eventLine, FeedReader } from './feed-reader.ts';

/** Milliseconds between two looks at readers that are silent or stuck. */
const CHECK_MS = 1_000;

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

  /** The stream of a new reader; undefined if there are too many. It ends when `closing` is aborted. */
  open(options: {
    readonly after: number | undefined;
    readonly cut: (() => void) | undefined;
    readonly closing: AbortSignal | undefined;
  }): ReadableStream<Uint8Array> | undefined {
    if (this.isFull) return undefined;
    const { after, cut, closing } = options;
    const reader = new FeedReader(this.#queue, { after, cut, ended: () => this.#leave(reader) });
    this.#readers.add(reader);
    this.#stop ??= this.#listen();
    if (closing?.aborted === true) reader.close();
    else if (closing !== undefined) this.#endWith(closing);
    return reader.stream;
  }

  #endWith(closing: AbortSignal): void {
    if (this.#closings.has(closing)) return;
    this.#closings.add(closing);
    closing.addEventListener('abort', () => {
      for (const reader of [...this.#readers]) reader.close();
    });
  }

  #listen(): () => void {
    const unsubscribe = this.#queue.subscribe((rows) => {
      const lines = rows.map(eventLine);
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

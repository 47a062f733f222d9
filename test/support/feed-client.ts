// Reads a stream of server-sent events piece by piece.

export type FeedEvent = { readonly id: string | undefined; readonly event: string; readonly data: unknown };

export class FeedClient {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = '';
  ended = false;

  constructor(body: ReadableStream<Uint8Array> | null) {
    if (body === null) throw new Error('the answer has no body');
    this.#reader = body.getReader();
  }

  /** The next `count` events; fewer if the stream ends before. Comments are passed over. */
  async take(count: number): Promise<FeedEvent[]> {
    const events: FeedEvent[] = [];
    while (events.length < count) {
      const block = await this.#block();
      if (block === undefined) break;
      const event = parse(block);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  /** The next block of lines, comments included; undefined at the end. */
  async #block(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) {
        this.ended = true;
        return undefined;
      }
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

function parse(block: string): FeedEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const data = fields.get('data');
  if (data === undefined) return undefined;
  return { id: fields.get('id'), event: fields.get('event') ?? 'message', data: JSON.parse(data) };
}

export const seqs = (events: readonly FeedEvent[]): number[] => events.map(({ id }) => Number(id));

// What happened, in order. A life is named by its rolling hash: two runs of one seed must agree on it.
//
// The hash covers when and by whom everything was done, and the checksums of all that was written to the disk. The texts
// are for people: they are made only where the trace is kept, and a life hashes alike whether it is or not.

export type TraceEvent = {
  /** Counts from 1. */
  readonly ordinal: number;
  /** Monotonic time. */
  readonly atUs: number;
  readonly actor: string;
  readonly text: string;
  /** The code of the fault that this is, if it is one. */
  readonly fault: string | null;
};

export type Entry = Omit<TraceEvent, 'ordinal' | 'text'> & { readonly text: string | (() => string) };

/** Bytes at the head of a write that tell it from others: the checksum of a line, the magic of a database. */
const HEAD_BYTES = 18;

export class Trace {
  /** Empty unless they are kept. */
  readonly events: TraceEvent[] = [];
  /** Number of the latest event; 0 before the first. */
  ordinal = 0;
  readonly #isKept: boolean;
  #low = 0xdeadbeef;
  #high = 0x41c6ce57;

  constructor(options: { readonly keep: boolean }) {
    this.#isKept = options.keep;
  }

  add({ atUs, actor, text, fault }: Entry): void {
    this.ordinal += 1;
    this.#mix(atUs >>> 0);
    this.#mix((actor.length << 8) ^ actor.charCodeAt(actor.length - 1));
    if (!this.#isKept) return;
    this.events.push({ ordinal: this.ordinal, atUs, actor, text: typeof text === 'string' ? text : text(), fault });
  }

  /** What is written belongs to the life as well. */
  wrote(bytes: Uint8Array): void {
    this.#mix(bytes.length);
    const end = Math.min(bytes.length, HEAD_BYTES);
    for (let at = 0; at < end; at += 1) this.#mix(bytes[at] ?? 0);
  }

  /** Sixteen hexadecimal digits over everything added so far. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  /** Two lanes of multiply and xor, after cyrb53: no proof against an attacker, quick, and unlike for unlike lives. */
  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 2_654_435_761);
    this.#high = Math.imul(this.#high ^ value ^ (this.#low >>> 16), 1_597_334_677);
  }
}

const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');

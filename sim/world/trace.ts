// What happened, in order. A life is named by its rolling hash: two runs of one seed must agree on it.

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

export class Trace {
  readonly events: TraceEvent[] = [];
  #low = 0xdeadbeef;
  #high = 0x41c6ce57;

  add(entry: Omit<TraceEvent, 'ordinal'>): void {
    const { atUs, actor, text, fault } = entry;
    this.events.push({ ordinal: this.events.length + 1, atUs, actor, text, fault });
    this.#mix(atUs >>> 0);
    this.#mixText(actor);
    this.#mixText(text);
  }

  /** Number of the latest event; 0 before the first. */
  get ordinal(): number {
    return this.events.length;
  }

  /** Sixteen hexadecimal digits over everything added so far. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #mixText(text: string): void {
    for (let index = 0; index < text.length; index += 1) this.#mix(text.charCodeAt(index));
  }

  /** Two lanes of multiply and xor, after cyrb53: no proof against an attacker, quick, and unlike for unlike lives. */
  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 2_654_435_761);
    this.#high = Math.imul(this.#high ^ value ^ (this.#low >>> 16), 1_597_334_677);
  }
}

const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');

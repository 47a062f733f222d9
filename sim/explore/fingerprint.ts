// Fingerprints: 64 bits that stand for bytes, images and states, so that what was judged once is known again.
//
// Rule: equal content has equal fingerprints. Of a million unlike ones, two agree by chance once in 37 million times.

/** Four UTF-16 units: a small string is the cheapest key that a Map takes. */
export type Fingerprint = string;

const LOW_START = 0x9e3779b9 | 0;
const HIGH_START = 0x41c6ce57;
const LOW_FACTOR = 0x85ebca6b;
const HIGH_FACTOR = 0xc2b2ae35;

/** Takes content in, in order. Two lanes of multiply, shift and xor; each word is bijective in both. */
export class Hasher {
  #low = LOW_START;
  #high = HIGH_START;

  copy(): Hasher {
    const copy = new Hasher();
    copy.#low = this.#low;
    copy.#high = this.#high;
    return copy;
  }

  word(value: number): this {
    const low = Math.imul(this.#low ^ value, LOW_FACTOR);
    const high = Math.imul(this.#high ^ value, HIGH_FACTOR) + low;
    this.#low = low ^ (low >>> 15);
    this.#high = high ^ (high >>> 13);
    return this;
  }

  /** Takes in four bytes at a time: to go on later, `from` must be a multiple of four, and so must `to` before the end. */
  bytes(bytes: Uint8Array, from = 0, to = bytes.length): this {
    let low = this.#low;
    let high = this.#high;
    let at = from;
    while (at < to) {
      let value = 0x100 + (bytes[at] ?? 0);
      if (at + 4 <= to) {
        value =
          (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
        at += 4;
      } else {
        at += 1;
      }
      low = Math.imul(low ^ value, LOW_FACTOR);
      high = Math.imul(high ^ value, HIGH_FACTOR) + low;
      low ^= low >>> 15;
      high ^= high >>> 13;
    }
    this.#low = low;
    this.#high = high;
    return this;
  }

  text(text: string): this {
    this.word(text.length);
    for (let index = 0; index < text.length; index += 1) this.word(text.charCodeAt(index));
    return this;
  }

  get lanes(): Lanes {
    const low = finish(this.#low ^ this.#high);
    return { low, high: finish(this.#high + low) };
  }

  get fingerprint(): Fingerprint {
    return textOf(this.lanes);
  }
}

type Lanes = { readonly low: number; readonly high: number };

/** Of parts whose order does not count, each taken in by a hasher: it is told anew by adding what has changed. */
export class Sum {
  #low = 0;
  #high = 0;

  add({ lanes }: { readonly lanes: Lanes }): this {
    this.#low = (this.#low + lanes.low) | 0;
    this.#high = (this.#high + lanes.high) | 0;
    return this;
  }

  get lanes(): Lanes {
    return { low: this.#low, high: this.#high };
  }

  get fingerprint(): Fingerprint {
    return textOf(this.lanes);
  }
}

const textOf = ({ low, high }: Lanes): Fingerprint =>
  String.fromCharCode(low & 0xffff, low >>> 16, high & 0xffff, high >>> 16);

/** The finalizer of MurmurHash3. */
function finish(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

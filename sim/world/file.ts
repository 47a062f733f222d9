// One simulated file in two layers: what the kernel shows to every reader, and what the platter holds.
//
// Rule 1: a write is at once in the kernel layer; it reaches the durable layer by a sync, or by chance at a power loss.
// Rule 2: a sync applies what is pending in order. A sync that failed forgets what is pending: a later sync says yes, the
//         kernel still shows the bytes, and the next power loss takes them.

/** Bytes that grow: an own buffer, so that appending costs no more than the bytes appended. */
export class Bytes {
  #buffer: Uint8Array;
  #length: number;

  constructor(initial: Uint8Array = new Uint8Array(0)) {
    this.#buffer = initial.slice();
    this.#length = initial.length;
  }

  get length(): number {
    return this.#length;
  }

  /** Writes at the offset; what lies between the end and it reads as NUL. */
  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(end, this.#buffer.length * 2, 1024));
      grown.set(this.view());
      this.#buffer = grown;
    }
    if (offset > this.#length) this.#buffer.fill(0, this.#length, offset);
    this.#buffer.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
  }

  cut(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** The bytes as they are, not a copy; stale after the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** A change that the kernel shows and the platter may not have. */
export type PendingChange =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly length: number };

export class SimulatedFile {
  /** What reads see until the power goes. */
  readonly kernel: Bytes;
  /** What is certain to be there after a power loss. */
  durable: Bytes;
  pending: PendingChange[] = [];

  constructor(content: Uint8Array = new Uint8Array(0)) {
    this.kernel = new Bytes(content);
    this.durable = new Bytes(content);
  }

  copy(): SimulatedFile {
    const copy = new SimulatedFile(this.kernel.view());
    copy.durable = new Bytes(this.durable.view());
    copy.pending = [...this.pending];
    return copy;
  }

  /** The bytes must not change afterwards. */
  append(bytes: Uint8Array): void {
    this.pending.push({ kind: 'write', offset: this.kernel.length, bytes });
    this.kernel.write(this.kernel.length, bytes);
  }

  cut(length: number): void {
    this.pending.push({ kind: 'cut', length });
    this.kernel.cut(length);
  }

  sync(): void {
    for (const change of this.pending) applyChange(this.durable, change);
    this.pending = [];
  }

  /** True if the kernel's bytes in `from` … `to` are on the platter too. */
  isDurable(from: number, to: number): boolean {
    if (to > this.durable.length || to > this.kernel.length) return false;
    const kernel = this.kernel.view();
    const durable = this.durable.view();
    for (let index = from; index < to; index += 1) if (kernel[index] !== durable[index]) return false;
    return true;
  }
}

export function applyChange(layer: Bytes, change: PendingChange): void {
  if (change.kind === 'write') layer.write(change.offset, change.bytes);
  else layer.cut(change.length);
}

// One simulated file in two layers: what the kernel shows to every reader, and what the platter holds.
//
// Rule 1: a write is at once in the kernel layer; it reaches the durable layer by a sync, or by chance at a power loss.
// Rule 2: a sync applies what is pending in order. A sync that failed forgets what is pending: a later sync says yes, the
//         kernel still shows the bytes, and the next power loss takes them.
// Rule 3: bytes that were shown never change. A life starts hundreds of times from what is on its disk, and none of these
//         starts, nor an image of the disk, needs a copy.

/** Bytes that grow. Behind their end is room, so that appending costs no more than the bytes appended. */
export class Bytes {
  /** Up to `#length` it may be shared with whoever was shown it; the room behind is NULs, and nobody else's. */
  #buffer: Uint8Array;
  #length: number;

  /** The initial bytes must not change afterwards. */
  constructor(initial: Uint8Array = NOTHING) {
    this.#buffer = initial;
    this.#length = initial.length;
  }

  get length(): number {
    return this.#length;
  }

  /** Writes at the offset; what lies between the end and it reads as NUL. */
  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.#buffer.length || offset < this.#length) {
      const copy = new Uint8Array(Math.max(end, this.#buffer.length * 2, ROOM_BYTES_MIN));
      copy.set(this.view());
      this.#buffer = copy;
    }
    this.#buffer.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
  }

  cut(length: number): void {
    if (length >= this.#length) return;
    // What is cut off was shown: it is no room to write into.
    this.#buffer = this.#buffer.subarray(0, length);
    this.#length = length;
  }

  /** The bytes as they are now, and stay: later writes do not show in them. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}

const NOTHING = new Uint8Array(0);
const ROOM_BYTES_MIN = 1_024;

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
  /** A sync has failed: the kernel shows what the platter does not have and will not get. */
  #hasLost = false;

  constructor(content: Uint8Array = new Uint8Array(0)) {
    this.kernel = new Bytes(content);
    this.durable = new Bytes(content);
  }

  copy(): SimulatedFile {
    const copy = new SimulatedFile(this.kernel.view());
    copy.durable = new Bytes(this.durable.view());
    copy.pending = [...this.pending];
    copy.#hasLost = this.#hasLost;
    return copy;
  }

  /** Returns the bytes as the kernel holds them: its own copy. */
  append(bytes: Uint8Array): Uint8Array {
    const offset = this.kernel.length;
    this.kernel.write(offset, bytes);
    const written = this.kernel.view().subarray(offset);
    this.pending.push({ kind: 'write', offset, bytes: written });
    return written;
  }

  cut(length: number): void {
    this.pending.push({ kind: 'cut', length });
    this.kernel.cut(length);
  }

  sync(): void {
    if (this.#hasLost) for (const change of this.pending) applyChange(this.durable, change);
    else this.durable = new Bytes(this.kernel.view());
    this.pending = [];
  }

  /** Only so much of the file is on the platter; what was to be synced is forgotten. */
  failSync(durable: Bytes): void {
    this.durable = durable;
    this.pending = [];
    this.#hasLost = true;
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

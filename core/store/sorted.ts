// Items in ascending order, cut into short arrays, so that an item is added or removed anywhere at the cost of a few
// steps of a search and one short move, however many there are.
//
// Rule 1: no two items are equal in order, and an item's place in the order does not change while it is in.
// Rule 2: no chunk is empty, and none is longer than CHUNK_ITEMS_MAX.

import { assert } from '../job/assert.ts';

const CHUNK_ITEMS_MAX = 512;

/** `Place` is what the order looks at: a place can be asked for that no item has. */
export class Sorted<Place, Item extends Place> {
  readonly #chunks: Item[][] = [];
  readonly #compare: (left: Place, right: Place) => number;

  /** `compare` is negative where left comes before right, and 0 only where they are the same item. */
  constructor(compare: (left: Place, right: Place) => number) {
    this.#compare = compare;
  }

  first(): Item | undefined {
    return this.#chunks[0]?.[0];
  }

  add(item: Item): void {
    const last = this.#chunks.length - 1;
    const index = Math.min(this.#chunkFor(item), Math.max(last, 0));
    const chunk = this.#chunks[index];
    if (chunk === undefined) {
      this.#chunks.push([item]);
      return;
    }
    const offset = this.#indexIn(chunk, item);
    const there = chunk[offset];
    assert(there === undefined || this.#compare(there, item) !== 0, 'an item is in the order once');
    if (chunk.length < CHUNK_ITEMS_MAX) {
      chunk.splice(offset, 0, item);
    } else if (offset === chunk.length && index === last) {
      this.#chunks.push([item]); // what comes in order fills its chunks
    } else {
      const half = chunk.splice(CHUNK_ITEMS_MAX / 2);
      this.#chunks.splice(index + 1, 0, half);
      if (offset <= chunk.length) chunk.splice(offset, 0, item);
      else half.splice(offset - chunk.length, 0, item);
    }
  }

  remove(item: Item): void {
    const index = this.#chunkFor(item);
    const chunk = this.#chunks[index];
    const offset = chunk === undefined ? 0 : this.#indexIn(chunk, item);
    const there = chunk?.[offset];
    assert(chunk !== undefined && there !== undefined && this.#compare(there, item) === 0, 'a removed item was in');
    if (chunk.length === 1) this.#chunks.splice(index, 1);
    else chunk.splice(offset, 1);
  }

  /** From `from` on, which need not be in; from the first without it. The items must not change on the way. */
  *ascending(from?: Place): Generator<Item, void> {
    const start = from === undefined ? 0 : this.#chunkFor(from);
    for (let index = start; index < this.#chunks.length; index += 1) {
      const chunk = this.#chunks[index] ?? [];
      const offset = index === start && from !== undefined ? this.#indexIn(chunk, from) : 0;
      for (let at = offset; at < chunk.length; at += 1) yield chunk[at] as Item;
    }
  }

  /** From the one before `below` down, which need not be in; from the last without it. */
  *descending(below?: Place): Generator<Item, void> {
    const start = below === undefined ? this.#chunks.length : this.#chunkFor(below);
    for (let index = Math.min(start, this.#chunks.length - 1); index >= 0; index -= 1) {
      const chunk = this.#chunks[index] ?? [];
      const end = index === start && below !== undefined ? this.#indexIn(chunk, below) : chunk.length;
      for (let at = end - 1; at >= 0; at -= 1) yield chunk[at] as Item;
    }
  }

  /** Index of the first chunk whose last item is not before the place; the number of chunks if there is none. */
  #chunkFor(place: Place): number {
    const chunks = this.#chunks;
    const last = chunks.at(-1);
    if (last === undefined || this.#isBefore(last.at(-1) as Item, place)) return chunks.length; // it comes last: usual
    return lowerBound(chunks, (chunk) => this.#isBefore(chunk.at(-1) as Item, place));
  }

  /** Index of the first item of the chunk that is not before the place; its length if there is none. */
  #indexIn(chunk: Item[], place: Place): number {
    if (this.#isBefore(chunk.at(-1) as Item, place)) return chunk.length;
    return lowerBound(chunk, (item) => this.#isBefore(item, place));
  }

  #isBefore(left: Place, right: Place): boolean {
    return this.#compare(left, right) < 0;
  }
}

function lowerBound<Element>(elements: readonly Element[], isBefore: (element: Element) => boolean): number {
  let low = 0;
  let high = elements.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(elements[middle] as Element)) low = middle + 1;
    else high = middle;
  }
  return low;
}

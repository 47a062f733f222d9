// Items in ascending order, cut into short arrays, so that an item is added or removed anywhere at the cost of a few
// steps of a search and one short move, however many there are.
//
// Rule 1: no two items are equal in order, and an item's place in the order does not change while it is in.
// Rule 2: no chunk is empty, and none is longer than CHUNK_ITEMS_MAX.

import { assert } from '../job/assert.ts';

const CHUNK_ITEMS_MAX = 512;

export class Sorted<Item> {
  readonly #chunks: Item[][] = [];
  readonly #compare: (left: Item, right: Item) => number;

  /** `compare` is negative where left comes before right, and 0 only where they are the same item. */
  constructor(compare: (left: Item, right: Item) => number) {
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
    const place = this.#placeIn(chunk, item);
    const there = chunk[place];
    assert(there === undefined || this.#compare(there, item) !== 0, 'an item is in the order once');
    if (chunk.length < CHUNK_ITEMS_MAX) {
      chunk.splice(place, 0, item);
    } else if (place === chunk.length && index === last) {
      this.#chunks.push([item]); // what comes in order fills its chunks
    } else {
      const half = chunk.splice(CHUNK_ITEMS_MAX / 2);
      this.#chunks.splice(index + 1, 0, half);
      if (place <= chunk.length) chunk.splice(place, 0, item);
      else half.splice(place - chunk.length, 0, item);
    }
  }

  remove(item: Item): void {
    const index = this.#chunkFor(item);
    const chunk = this.#chunks[index];
    const place = chunk === undefined ? 0 : this.#placeIn(chunk, item);
    const there = chunk?.[place];
    assert(chunk !== undefined && there !== undefined && this.#compare(there, item) === 0, 'a removed item was in');
    if (chunk.length === 1) this.#chunks.splice(index, 1);
    else chunk.splice(place, 1);
  }

  /** From `from` on, which need not be in; from the first without it. The items must not change on the way. */
  *ascending(from?: Item): Generator<Item, void> {
    const start = from === undefined ? 0 : this.#chunkFor(from);
    for (let index = start; index < this.#chunks.length; index += 1) {
      const chunk = this.#chunks[index] ?? [];
      const place = index === start && from !== undefined ? this.#placeIn(chunk, from) : 0;
      for (let at = place; at < chunk.length; at += 1) yield chunk[at] as Item;
    }
  }

  /** From the one before `below` down, which need not be in; from the last without it. */
  *descending(below?: Item): Generator<Item, void> {
    const start = below === undefined ? this.#chunks.length : this.#chunkFor(below);
    for (let index = Math.min(start, this.#chunks.length - 1); index >= 0; index -= 1) {
      const chunk = this.#chunks[index] ?? [];
      const end = index === start && below !== undefined ? this.#placeIn(chunk, below) : chunk.length;
      for (let at = end - 1; at >= 0; at -= 1) yield chunk[at] as Item;
    }
  }

  /** Index of the first chunk whose last item is not before `item`; the number of chunks if there is none. */
  #chunkFor(item: Item): number {
    const chunks = this.#chunks;
    const isBefore = (chunk: Item[]): boolean => this.#compare(chunk[chunk.length - 1] as Item, item) < 0;
    const last = chunks[chunks.length - 1];
    if (last === undefined || isBefore(last)) return chunks.length; // the usual case: what comes is the latest
    return lowerBound(chunks, isBefore);
  }

  /** Index of the first item of the chunk that is not before `item`; its length if there is none. */
  #placeIn(chunk: Item[], item: Item): number {
    const isBefore = (other: Item): boolean => this.#compare(other, item) < 0;
    const last = chunk[chunk.length - 1] as Item;
    return isBefore(last) ? chunk.length : lowerBound(chunk, isBefore);
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

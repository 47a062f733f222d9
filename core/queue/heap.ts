// A binary heap whose entries know their place, so that one can be taken out of the middle: no stale entries, ever.

import { assert } from '../job/assert.ts';

/** What an entry must carry. `place` is the heap's own: -1 while the entry is in none. */
export type HeapEntry = { place: number };

export class Heap<Entry extends HeapEntry> {
  readonly #entries: Entry[] = [];
  readonly #isBefore: (a: Entry, b: Entry) => boolean;

  constructor(isBefore: (a: Entry, b: Entry) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#entries.length;
  }

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  add(entry: Entry): void {
    assert(entry.place === -1, 'an entry is in one heap at a time');
    this.#entries.push(entry);
    this.#rise(entry, this.#entries.length - 1);
  }

  remove(entry: Entry): void {
    assert(this.#entries[entry.place] === entry, 'only an entry of this heap is removed from it');
    const place = entry.place;
    entry.place = -1;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#rise(last, place);
    if (last.place === place) this.#sink(last, place);
  }

  #rise(entry: Entry, from: number): void {
    let place = from;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = this.#at(parentPlace);
      if (!this.#isBefore(entry, parent)) break;
      this.#put(parent, place);
      place = parentPlace;
    }
    this.#put(entry, place);
  }

  #sink(entry: Entry, from: number): void {
    const size = this.#entries.length;
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= size) break;
      const right = left + 1;
      const smaller = right < size && this.#isBefore(this.#at(right), this.#at(left)) ? right : left;
      const child = this.#at(smaller);
      if (!this.#isBefore(child, entry)) break;
      this.#put(child, place);
      place = smaller;
    }
    this.#put(entry, place);
  }

  #at(place: number): Entry {
    const entry = this.#entries[place];
    assert(entry !== undefined, 'a place inside the heap holds an entry');
    return entry;
  }

  #put(entry: Entry, place: number): void {
    this.#entries[place] = entry;
    entry.place = place;
  }
}

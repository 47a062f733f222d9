// Where writes are torn. The first write of a shape is torn at every byte; later ones at the borders that mean something.
//
// Two writes are of one shape if their files are of one kind and their bytes differ in digits and checksums alone: the
// same records of the same events, at other instants and with other numbers.
//
// The borders are the first and the last byte, each sector, and each field of the JSON of each line.

import type { PendingChange } from '../world/file.ts';
import { Hasher } from './fingerprint.ts';
import type { Fingerprint } from './fingerprint.ts';

/** How many bytes of a write of this length are kept, one torn image for each; from 0 up to below the length. */
export type Cuts = (length: number) => readonly number[];

export const SECTOR_BYTES = 512;

export class Tears {
  readonly #torn = new Set<Fingerprint>();

  /** Null: at every byte, for the first of its shape and where it is asked for. */
  cutsOf(name: string, pending: readonly PendingChange[], everywhere: boolean): Cuts | null {
    const hasher = new Hasher().text(name.replaceAll(/\d+/g, '0'));
    const texts: string[] = [];
    for (const change of pending) {
      if (change.kind === 'cut') continue;
      const text = Buffer.from(change.bytes).toString('latin1');
      hasher.text(text.replaceAll(/\b[0-9a-f]{8}\b/g, '').replaceAll(/\d+/g, '0'));
      texts.push(text);
    }
    const shape = hasher.fingerprint;
    const isNew = !this.#torn.has(shape);
    this.#torn.add(shape);
    return isNew || everywhere ? null : (length) => bordersOf(texts, length);
  }
}

/** The borders in all writes that reach so far: which of them is torn is not known here. */
function bordersOf(texts: readonly string[], length: number): readonly number[] {
  const borders = new Set([0, 1, length - 2, length - 1]);
  for (let at = SECTOR_BYTES; at < length; at += SECTOR_BYTES) borders.add(at);
  for (const text of texts) {
    if (text.length !== length) continue;
    for (const { index } of text.matchAll(/[ {,]|\}\n/g)) borders.add(index).add(index + 1);
  }
  return [...borders].filter((at) => at >= 0 && at < length).sort((a, b) => a - b);
}

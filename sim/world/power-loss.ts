// What a disk may keep of what was never synced when the power goes: the widest reading of POSIX, within the switches.
//
// Rule 1: what was synced stays. Of the rest each file's changes are kept or lost on their own; so are the directory's.
// Rule 2: without a switch all of it is lost. D1 allows a prefix of the changes; D2 any subset of their pages; D3 a cut
//         inside a write; D4 filler other than NUL where the size grew and the data did not; D5 a size that outgrew its
//         data; D6 lost or reordered names.
// Rule 3: every choice is drawn with `choose`, so enumerating the draws enumerates the images.

import type { Stream } from './tape.ts';
import { applyChange, Bytes } from './file.ts';
import type { PendingChange, SimulatedFile } from './file.ts';

export const SURVIVAL_FAULTS = ['D1', 'D2', 'D3', 'D4', 'D5', 'D6'] as const;
export type SurvivalFault = (typeof SURVIVAL_FAULTS)[number];

export type Survival = {
  readonly stream: Stream;
  readonly allows: (fault: SurvivalFault) => boolean;
  readonly fired: (fault: SurvivalFault) => void;
  /** Older writes, for stale blocks: each starts where a record started. */
  readonly stale: readonly Uint8Array[];
};

const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;

/** How much of a list of changes survives. */
type Share = 'none' | 'all' | 'prefix' | 'subset';

/** The durable layer of a file after its pending changes met their fate; the file itself is left alone. */
export function survivingBytes(file: SimulatedFile, survival: Survival): Bytes {
  const image = new Bytes(file.durable.view());
  if (file.pending.length === 0) return image;
  const shares: Share[] = ['none'];
  // All of it is a prefix, and a subset.
  if (survival.allows('D1') || survival.allows('D2')) shares.push('all');
  if (survival.allows('D1')) shares.push('prefix');
  if (survival.allows('D2')) shares.push('subset');
  const share = survival.stream.pick('share of writes', shares);
  switch (share) {
    case 'none':
      break;
    case 'all':
      for (const change of file.pending) applyChange(image, change);
      break;
    case 'prefix':
      keepPrefix(image, file.pending, survival);
      break;
    case 'subset':
      keepSubset(image, file.pending, survival);
      break;
  }
  const end = file.kernel.length;
  if (share !== 'all' && end > image.length && survival.allows('D5') && survival.stream.choose('size alone', 4) === 1) {
    survival.fired('D5');
    fill(image, image.length, end, survival);
  }
  return image;
}

function keepPrefix(image: Bytes, pending: readonly PendingChange[], survival: Survival): void {
  const whole = survival.stream.choose('whole writes', pending.length + 1);
  if (whole < pending.length) survival.fired('D1');
  for (const change of pending.slice(0, whole)) applyChange(image, change);
  const torn = pending[whole];
  if (torn?.kind === 'write' && survival.allows('D3')) {
    const cut = tear(torn.bytes.length, survival);
    if (cut > 0) image.write(torn.offset, torn.bytes.subarray(0, cut));
  }
}

function keepSubset(image: Bytes, pending: readonly PendingChange[], survival: Survival): void {
  survival.fired('D2');
  for (const change of pending) {
    if (change.kind === 'cut') {
      if (survival.stream.choose('cut kept', 2) === 1) applyChange(image, change);
      continue;
    }
    for (const piece of pagesOf(change.offset, change.bytes)) {
      const kept = survival.stream.choose('page kept', survival.allows('D3') ? 3 : 2);
      if (kept === 0) continue;
      const bytes = kept === 2 ? piece.bytes.subarray(0, tear(piece.bytes.length, survival)) : piece.bytes;
      if (bytes.length === 0) continue;
      if (piece.offset > image.length) fill(image, image.length, piece.offset, survival);
      image.write(piece.offset, bytes);
    }
  }
}

/** How many bytes of a write reached the platter: at every byte, or at the borders that disks and pages have. */
function tear(length: number, survival: Survival): number {
  survival.fired('D3');
  const unit = survival.stream.pick('tear unit', [SECTOR_BYTES, 1, PAGE_BYTES]);
  return Math.min(survival.stream.choose('tear', Math.ceil(length / unit)) * unit, length);
}

function pagesOf(offset: number, bytes: Uint8Array): { offset: number; bytes: Uint8Array }[] {
  const pages = [];
  let start = 0;
  while (start < bytes.length) {
    const end = Math.min(start + PAGE_BYTES - ((offset + start) % PAGE_BYTES), bytes.length);
    pages.push({ offset: offset + start, bytes: bytes.subarray(start, end) });
    start = end;
  }
  return pages;
}

/** What stands where the size grew and the data did not come. */
function fill(image: Bytes, from: number, to: number, survival: Survival): void {
  const kinds = survival.allows('D4') ? (['zeros', 'stale', 'noise', 'line feeds'] as const) : (['zeros'] as const);
  const kind = survival.stream.pick('filler', kinds);
  if (kind !== 'zeros') survival.fired('D4');
  image.write(from, fillerOf(kind, to - from, survival));
}

function fillerOf(kind: 'zeros' | 'stale' | 'noise' | 'line feeds', length: number, survival: Survival): Uint8Array {
  const filler = new Uint8Array(length);
  switch (kind) {
    case 'zeros':
      break;
    case 'stale': {
      if (survival.stale.length === 0) break;
      const old = survival.stream.pick('stale block', survival.stale);
      filler.set(old.subarray(0, length));
      break;
    }
    case 'noise': {
      let state = survival.stream.choose('noise', 2 ** 32) | 1;
      for (let index = 0; index < length; index += 1) {
        state = Math.imul(state, 1_664_525) + 1_013_904_223;
        filler[index] = state >>> 24;
      }
      break;
    }
    case 'line feeds':
      filler.fill(10);
      break;
  }
  return filler;
}

/** A change of the directory that the kernel shows and the platter may not have. */
export type PendingName =
  | { readonly kind: 'link'; readonly name: string; readonly file: SimulatedFile }
  | { readonly kind: 'unlink'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly file: SimulatedFile };

/** The directory after its pending changes met their fate. */
export function survivingNames(
  durable: ReadonlyMap<string, SimulatedFile>,
  pending: readonly PendingName[],
  survival: Survival,
): Map<string, SimulatedFile> {
  const names = new Map(durable);
  if (pending.length === 0) return names;
  const shares: readonly Share[] = survival.allows('D6') ? ['none', 'all', 'prefix', 'subset'] : ['all'];
  const share = survival.stream.pick('share of names', shares);
  if (share !== 'all') survival.fired('D6');
  const prefix = share === 'prefix' ? survival.stream.choose('names kept', pending.length + 1) : pending.length;
  for (const change of pending.slice(0, share === 'none' ? 0 : prefix)) {
    if (share === 'subset' && survival.stream.choose('name kept', 2) === 0) continue;
    applyName(names, change);
  }
  return names;
}

export function applyName(names: Map<string, SimulatedFile>, change: PendingName): void {
  switch (change.kind) {
    case 'link':
      names.set(change.name, change.file);
      break;
    case 'unlink':
      names.delete(change.name);
      break;
    case 'rename':
      if (names.get(change.from) === change.file) names.delete(change.from);
      names.set(change.to, change.file);
      break;
  }
}

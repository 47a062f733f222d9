// Planted in how a start reads what is there, judges it and makes it its own.

import type { DiskOperation } from '../../core/store/disk.ts';
import { DamageError } from '../../core/store/damage.ts';
import { encodeLine, lineAt, objectOf } from '../../core/store/line.ts';
import { crcText } from '../../core/store/crc32.ts';
import { recordOf } from '../../core/store/record.ts';
import { Backlog } from '../../core/engine/backlog.ts';
import { Journal } from '../../core/store/journal.ts';
import { headerOf, segmentFile } from '../../core/store/segment.ts';
import { instead, method } from './instead.ts';
import type { Mutant, Planted } from './mutant.ts';

const LF = 0x0a;

/** What a file holds is changed on its way to the program. */
const reading =
  (change: (file: string, bytes: Uint8Array) => Uint8Array): NonNullable<Planted['result']> =>
  (operation, result) =>
    operation.kind === 'read' && result instanceof Uint8Array ? change(operation.file, result) : result;

const isSegment = (file: string): boolean => /^journal-\d+\.log$/.test(file);

/** Whether the operation is one of those that write the last segment anew, as far as it is valid. */
const isRewrite = (operation: DiskOperation): boolean =>
  /^journal-\d+\.log\.tmp$/.test('file' in operation ? operation.file : 'from' in operation ? operation.from : '');

/** Where the first line begins that is not valid; the length if all are. */
function firstBad(bytes: Uint8Array): number {
  let offset = 0;
  for (;;) {
    const line = lineAt(bytes, offset);
    if (line === undefined) return offset;
    offset = line.end;
  }
}

const isNul = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** The records from `from` on, numbered and chained anew as the place before them demands. */
function renumbered(file: string, bytes: Uint8Array, isTaken: (line: Uint8Array) => boolean): Uint8Array {
  const head = lineAt(bytes, 0);
  const header = head === undefined ? undefined : headerOf(file, bytes);
  if (head === undefined || header === undefined) return bytes;
  const parts = [bytes.subarray(0, head.end)];
  let place = { record: header.after.record, crc: head.crc };
  let offset = head.end;
  while (offset < bytes.length) {
    const end = bytes.indexOf(LF, offset) + 1;
    if (end === 0) break;
    const raw = bytes.subarray(offset, end);
    const value = valueOf(raw);
    if (value === undefined || !isTaken(raw)) break;
    const n = place.record + 1;
    const line = { ...value, n, segment: header.segment, durable: place.record, prev: crcText(place.crc) };
    const { bytes: written, crc } = encodeLine(JSON.stringify(line));
    parts.push(written);
    place = { record: n, crc };
    offset = end;
  }
  return joined([...parts, bytes.subarray(offset)]);
}

/** What a line says, whether or not its checksum is right. */
function valueOf(raw: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const brace = raw.indexOf(0x7b);
  if (brace === -1) return undefined;
  return objectOf({ crc: 0, json: raw.subarray(brace, -1), end: 0 });
}

const isRecord = (raw: Uint8Array): boolean => {
  const line = lineAt(raw, 0);
  return line !== undefined && recordOf(line) !== undefined;
};

/** What writes the last segment anew is put off until the next one is begun. */
function begunFirst(): Planted {
  let isWhole = true;
  let putOff: DiskOperation[] = [];
  return {
    operation: (operation) => {
      if (operation.kind === 'list') putOff = [];
      // A torn tail must be gone before anything is begun behind it.
      if (!isWhole || !isRewrite(operation) || putOff.includes(operation)) return operation;
      putOff.push(operation);
      return null;
    },
    result: (operation, result) => {
      if (operation.kind === 'read' && isSegment(operation.file) && result instanceof Uint8Array) {
        isWhole = firstBad(result) === result.length;
      }
      return result;
    },
    instead: instead(
      method(
        Journal,
        'begin',
        (real) =>
          function* (start) {
            try {
              const journal = yield* real.call(Journal, start);
              for (const operation of putOff) yield operation;
              if (putOff.length > 0) yield { kind: 'syncDirectory' };
              return journal;
            } catch (error) {
              // Only a crash in between is not thought of.
              yield { kind: 'remove', file: segmentFile(start.segment) };
              yield { kind: 'syncDirectory' };
              throw error;
            }
          },
      ),
    ),
  };
}

export const RECOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'torn-tail-refused',
    sentence: 'a torn tail is taken for damage, and the process does not start',
    rule: 'D13',
    others: [],
    plant: () => ({
      result: reading((file, bytes) => {
        const offset = firstBad(bytes);
        if (!isSegment(file) || offset === bytes.length) return bytes;
        throw new DamageError({ file, offset, record: null, reason: 'no valid record is here' });
      }),
    }),
  },
  {
    name: 'nul-tail-refused',
    sentence: 'a tail of NULs, of which no byte was written, is taken for damage',
    rule: 'D13',
    others: [],
    from: 84n,
    plant: () => ({
      result: reading((file, bytes) => {
        const offset = firstBad(bytes);
        if (!isSegment(file) || offset === bytes.length || !isNul(bytes.subarray(offset))) return bytes;
        throw new DamageError({ file, offset, record: null, reason: 'no valid record is here' });
      }),
    }),
  },
  {
    name: 'resynchronised-past-damage',
    sentence: 'a start looks for the next valid record behind a bad place and goes on from there',
    rule: 'D12',
    others: ['D13', 'S1', 'S24', 'S25', 'S30'],
    from: 53n,
    plant: () => ({
      result: reading((file, bytes) => {
        const bad = isSegment(file) ? firstBad(bytes) : bytes.length;
        if (bad === 0 || bad === bytes.length) return bytes;
        for (let offset = bad; offset < bytes.length; offset += 1) {
          if (lineAt(bytes, offset) !== undefined) {
            return renumbered(file, joined([bytes.subarray(0, bad), bytes.subarray(offset)]), isRecord);
          }
        }
        return bytes;
      }),
    }),
  },
  {
    name: 'damage-cut-off',
    sentence: 'damage in the middle of a segment is taken for a torn tail, and what stands behind it is dropped',
    rule: 'D12',
    others: ['S1', 'S24', 'S25', 'D13'],
    plant: () => ({
      result: reading((file, bytes) => (isSegment(file) ? bytes.subarray(0, firstBad(bytes)) : bytes)),
    }),
  },
  {
    name: 'checksum-not-compared',
    sentence: 'a line that reads as JSON is believed, whatever its checksum says',
    rule: 'D12',
    others: ['S25', 'S1', 'S2', 'S24', 'S10', 'S30', 'D13'],
    from: 127n,
    plant: () => ({
      result: reading((file, bytes) => (isSegment(file) ? renumbered(file, bytes, () => true) : bytes)),
    }),
  },
  {
    name: 'recovered-not-synced',
    sentence: 'a start builds on what the kernel shows, and does not write it anew',
    rule: 'D13',
    others: ['S1', 'S24', 'S25', 'S26', 'S2'],
    plant: () => {
      let isWhole = true;
      return {
        operation: (operation) => (isWhole && isRewrite(operation) ? null : operation),
        result: (operation, result) => {
          if (operation.kind === 'read' && isSegment(operation.file) && result instanceof Uint8Array) {
            isWhole = firstBad(result) === result.length;
          }
          return result;
        },
      };
    },
  },
  {
    name: 'next-segment-begun-first',
    sentence: 'a start begins the next segment before what it found is on the platter',
    rule: 'D13',
    others: ['S1', 'S24', 'S25', 'S26'],
    plant: begunFirst,
  },
  {
    name: 'clients-before-recovery',
    sentence: 'what clients ask at a start is decided before what was running is known to have crashed',
    rule: 'S32',
    others: ['S22', 'S8', 'S9', 'O1', 'O6', 'S30', 'L1'],
    plant: () => ({
      instead: instead(
        method(
          Backlog.prototype,
          'take',
          (real) =>
            function (this: Backlog) {
              const inputs = real.call(this);
              const [first, ...others] = inputs;
              if (first?.command.kind !== 'recover' || others.length === 0) return inputs;
              this.giveBack([first]);
              return others;
            },
        ),
      ),
    }),
  },
  {
    name: 'torn-tail-left-in',
    sentence: 'a start reads up to a torn tail and leaves it in the segment',
    rule: 'D13',
    others: ['S1', 'S24', 'S25'],
    plant: () => ({ operation: (operation) => (isRewrite(operation) ? null : operation) }),
  },
  {
    name: 'removed-before-rewritten',
    sentence: 'a start removes the last segment and then puts what was valid in its place',
    rule: 'D13',
    others: ['S1', 'S24', 'S25'],
    plant: () => ({
      operation: (operation) =>
        operation.kind === 'remove' && isRewrite(operation)
          ? { ...operation, file: operation.file.slice(0, -'.tmp'.length) }
          : operation,
    }),
  },
  {
    name: 'newer-format-read',
    sentence: 'a file of a newer format is read as one of this',
    rule: 'D12',
    others: ['D13'],
    from: 17n,
    plant: () => ({
      result: reading((_, bytes) => {
        const line = lineAt(bytes, 0);
        const value = line === undefined ? undefined : objectOf(line);
        if (line === undefined || !(Number(value?.['format']) > 1)) return bytes;
        const { bytes: header } = encodeLine(JSON.stringify({ ...value, format: 1 }));
        return joined([header, bytes.subarray(line.end)]);
      }),
    }),
  },
  {
    name: 'stranger-taken-for-ours',
    sentence: 'a segment of another data directory is taken for one of this',
    rule: 'D12',
    others: ['D13'],
    among: ['P1', 'D14'],
    from: 59n,
    plant: () => {
      let ours: unknown;
      return {
        result: reading((file, bytes) => {
          const line = isSegment(file) ? lineAt(bytes, 0) : undefined;
          const value = line === undefined ? undefined : objectOf(line);
          if (line === undefined || value === undefined) return bytes;
          ours ??= value['directory'];
          if (value['directory'] === ours) return bytes;
          const { bytes: header } = encodeLine(JSON.stringify({ ...value, directory: ours }));
          return joined([header, bytes.subarray(line.end)]);
        }),
      };
    },
  },
  {
    name: 'begins-anew',
    sentence: 'where the journal does not reach back to a snapshot or to its beginning, everything begins anew',
    rule: 'D12',
    others: ['D13', 'S1', 'S24', 'S25', 'S30'],
    plant: () => ({
      result: (operation, result) => {
        if (operation.kind !== 'list' || !Array.isArray(result)) return result;
        const names: string[] = result.map(({ file }: { readonly file: string }) => file);
        const isReached = names.includes(segmentFile(1)) || names.some((name) => /^snapshot-\d+\.json$/.test(name));
        return isReached ? result : [];
      },
    }),
  },
  {
    name: 'looks-back-five-segments',
    sentence: 'a start that finds no record in the last five segments gives up',
    rule: 'D13',
    others: [],
    from: 31n,
    plant: () => {
      let empty = 0;
      return {
        result: (operation, result) => {
          if (operation.kind === 'list') empty = 0;
          if (operation.kind !== 'read' || !isSegment(operation.file) || !(result instanceof Uint8Array)) return result;
          const { file } = operation;
          empty = lineAt(result, 0)?.end === result.length ? empty + 1 : 0;
          if (empty > 5) throw new DamageError({ file, offset: 0, record: null, reason: 'the journal holds nothing' });
          return result;
        },
      };
    },
  },
  {
    name: 'strange-tail-refused',
    sentence: 'a tail of bytes that no record begins with is taken for damage',
    rule: 'D13',
    others: [],
    among: ['P1', 'P3', 'D4', 'D5'],
    from: 6n,
    plant: () => ({
      result: reading((file, bytes) => {
        const offset = firstBad(bytes);
        const code = bytes[offset] ?? 0;
        if (!isSegment(file) || code === 0 || /[0-9a-f]/.test(String.fromCharCode(code))) return bytes;
        throw new DamageError({ file, offset, record: null, reason: 'no record begins so' });
      }),
    }),
  },
  {
    name: 'marker-not-read',
    sentence: 'a start after an orderly shutdown asks no more of the journal than one after a crash',
    rule: 'D12',
    others: [],
    from: 112n,
    plant: () => ({
      result: (operation, result) =>
        operation.kind === 'list' && Array.isArray(result)
          ? result.filter(({ file }: { readonly file: string }) => file !== 'clean')
          : result,
    }),
  },
];

import { RESERVE_FILE } from '../../core/store/survey.ts';
import type { FileEntry } from '../../core/store/disk.ts';
import { Descriptors } from '../world/disk.ts';
import type { Check, ProcessUse } from './check.ts';

/** Operations of a start that finds nothing; some more where a write is done in two parts. */
const OPERATIONS = 28;
/** Operations that each file may add: it is read, or removed. */
const OPERATIONS_PER_FILE = 2;
/** Bytes that are written beside what was there already and the reserve: headers. */
const HEADER_BYTES = 512;

/** Files that a recovery reads; not the reserve, cut tails and half-made files. */
const IS_READ = /^(journal-.*\.log|snapshot-.*\.(sqlite|json)|clean)$/;

type Found = {
  readonly process: ProcessUse;
  readonly files: number;
  readonly bytes: number;
  readonly bytesToRead: number;
};

export const recoveryIsBounded: Check = {
  name: 'L3',
  sentence:
    'a recovery takes a number of disk operations that the files bound, and reads nothing twice; on a full disk it may begin again, once',
  watch({ world, fail }) {
    /** What the process found that has not recovered yet. */
    let found: Found | null = null;

    const judge = (): void => {
      if (found === null) return;
      const { files, bytes, bytesToRead, process } = found;
      const { operations, readBytes, appendedBytes, removed } = process.descriptors;
      const tries = removed.has(RESERVE_FILE) ? 2 : 1;
      const operationsMax = tries * (OPERATIONS + OPERATIONS_PER_FILE * files);
      // The second try reads what the first has written, too, and the part of a header for which there was no room.
      const bytesToReadMax = tries === 1 ? bytesToRead : tries * bytesToRead + appendedBytes + HEADER_BYTES;
      const appendedBytesMax = tries * (bytes + world.plan.limits.reserveBytes + HEADER_BYTES);
      found = null;
      if (operations > operationsMax)
        fail(`it took ${operations} operations with ${files} files; at most ${operationsMax} may be`);
      if (readBytes > bytesToReadMax) fail(`it read ${readBytes} bytes, and there were ${bytesToReadMax} to read`);
      if (appendedBytes > appendedBytesMax)
        fail(`it wrote ${appendedBytes} bytes with ${bytes} bytes there; at most ${appendedBytesMax} may be`);
    };

    return {
      began(process) {
        // One that was cut off has not done more than one that came to its end may.
        judge();
        const entries = world.disk.perform(new Descriptors(), { kind: 'list' }) as readonly FileEntry[];
        let bytes = 0;
        let bytesToRead = 0;
        for (const entry of entries) {
          bytes += entry.bytes;
          if (IS_READ.test(entry.file)) bytesToRead += entry.bytes;
        }
        found = { process, files: entries.length, bytes, bytesToRead };
      },
      recovered: judge,
    };
  },
};

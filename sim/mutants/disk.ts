// Planted between disk programs and the disk.

import type { DiskOperation } from '../../core/store/disk.ts';
import type { Mutant } from './mutant.ts';

const isJournal = (operation: DiskOperation): boolean =>
  'file' in operation && operation.file.startsWith('journal-') && operation.file.endsWith('.log');

const isBeside = (operation: DiskOperation): boolean =>
  'file' in operation && operation.file.endsWith('.tmp') && operation.file !== 'reserve.tmp';

const pretended =
  (isLeftOut: (operation: DiskOperation) => boolean) =>
  (operation: DiskOperation): DiskOperation | null =>
    isLeftOut(operation) ? null : operation;

export const DISK_MUTANTS: readonly Mutant[] = [
  {
    name: 'sync-left-out',
    sentence: 'records are appended and never synced',
    rule: 'S1',
    others: ['S2', 'S24', 'S25', 'S26', 'D13'],
    plant: () => ({ operation: pretended((operation) => operation.kind === 'sync' && isJournal(operation)) }),
  },
  {
    name: 'directory-sync-left-out',
    sentence: 'files are created and renamed, and the directory is never synced',
    rule: 'S26',
    others: ['S1', 'S24', 'S25', 'D13'],
    plant: () => ({ operation: pretended((operation) => operation.kind === 'syncDirectory') }),
  },
  {
    name: 'sync-retried',
    sentence: 'a sync that failed is taken for done, as if a second one had succeeded',
    rule: 'S26',
    others: ['S1', 'S24', 'S25', 'DISK', 'D13'],
    plant: () => ({ hides: (error) => error.operation === 'sync' }),
  },
  {
    name: 'rename-before-sync',
    sentence: 'a file written beside is renamed before it is synced',
    rule: 'D13',
    others: ['S1', 'S24', 'S25', 'S26'],
    plant: () => ({ operation: pretended((operation) => operation.kind === 'sync' && isBeside(operation)) }),
  },
  {
    name: 'write-cut-short',
    sentence: 'the last byte of a record is not written',
    rule: 'D13',
    others: ['S1', 'S24', 'S25', 'DISK'],
    plant: () => ({
      operation: (operation) =>
        operation.kind === 'append' && isJournal(operation)
          ? { ...operation, bytes: operation.bytes.subarray(0, -1) }
          : operation,
    }),
  },
];

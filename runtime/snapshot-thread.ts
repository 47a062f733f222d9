// The worker thread that takes one snapshot and ends.

import { parentPort, workerData } from 'node:worker_threads';
import { compact } from '../core/store/snapshot.ts';
import { NodeDisk } from './disk/node-disk.ts';
import type { SnapshotOutcome, SnapshotTask } from './snapshotter.ts';
import { loadTables } from './sqlite.ts';

const { directory, throughSegment } = workerData as SnapshotTask;

async function take(): Promise<SnapshotOutcome> {
  try {
    const tables = await loadTables();
    return { result: await new NodeDisk(directory).run(compact({ tables, throughSegment })) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.postMessage(await take());

// Processes that explore side by side: each its share of the images (exhaustive.ts), told to the one that started them.

import type { ChildProcess } from 'node:child_process';
import type { Depth } from '../arguments.ts';
import { startCompanion } from '../companion.ts';
import { tablesOf } from '../depth.ts';
import { explore, together } from './exhaustive.ts';
import type { Explored, Share } from './exhaustive.ts';

export type CrewOptions = {
  readonly length: number;
  readonly nested: boolean;
  readonly depth: Depth;
  readonly jobs: number;
  readonly progress: (explored: Explored) => void;
};

export type CrewRequest = Omit<CrewOptions, 'jobs' | 'progress'> & { readonly share: Share };
export type CrewReport = { readonly isDone: boolean; readonly explored: Explored };

/** @throws {Error} if a process dies. */
export async function exploreTogether({ jobs, progress, ...scope }: CrewOptions): Promise<Explored> {
  if (jobs === 1) {
    const { depth, ...rest } = scope;
    return explore({ ...rest, tables: await tablesOf(depth), progress });
  }
  const latest = new Map<number, Explored>();
  const shares = Array.from({ length: jobs }, (_, index) =>
    exploreShare({ ...scope, share: { index, of: jobs } }, (explored) => {
      latest.set(index, explored);
      if (latest.size === jobs) progress(together([...latest.values()]));
    }),
  );
  try {
    return together(await Promise.all(shares.map(({ explored }) => explored)));
  } finally {
    for (const { child } of shares) child.kill();
  }
}

function exploreShare(
  request: CrewRequest,
  progress: (explored: Explored) => void,
): { readonly child: ChildProcess; readonly explored: Promise<Explored> } {
  const child = startCompanion('explore/worker');
  const explored = new Promise<Explored>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`an exploring process died with ${String(code)}`)));
    child.on('message', (report) => {
      const { isDone, explored: sofar } = report as CrewReport;
      if (isDone) resolve(sofar);
      else progress(sofar);
    });
  });
  child.send(request);
  return { child, explored };
}

// The account: what was acknowledged, held against what the handlers themselves wrote down and what the queue says.

import type { JobWithHistory } from '../../embed/job-view.ts';
import type { Acknowledged } from './load.ts';

export type Ledger = {
  readonly acknowledged: number;
  readonly done: number;
  /** Acknowledged, and not done or not there at all. */
  readonly lost: readonly Acknowledged[];
  readonly runs: number;
  /** Jobs that ran more than once. */
  readonly repeated: readonly Repeated[];
};

export type Repeated = {
  readonly key: string;
  readonly id: string;
  /** One for each run in order; why the next one was needed, null for the last. */
  readonly attempts: readonly { readonly attempt: number; readonly endedBy: string | null }[];
};

/** Attempt numbers by key, in the order in which they began. */
export type Runs = ReadonlyMap<string, readonly number[]>;

export function readRuns(text: string): Runs {
  const runs = new Map<string, number[]>();
  for (const line of text.split('\n')) {
    const [key = '', attempt = ''] = line.split(' ');
    if (attempt === '') continue;
    const before = runs.get(key);
    if (before === undefined) runs.set(key, [Number(attempt)]);
    else before.push(Number(attempt));
  }
  return runs;
}

/** `jobs` is what the queue says of each acknowledged job; null where it knows none. */
export function balance(
  jobs: readonly { readonly acknowledged: Acknowledged; readonly job: JobWithHistory | null }[],
  runs: Runs,
): Ledger {
  const isDone = ({ acknowledged, job }: (typeof jobs)[number]): boolean =>
    job?.state === 'succeeded' && (runs.get(acknowledged.key)?.length ?? 0) > 0;
  return {
    acknowledged: jobs.length,
    done: jobs.filter(isDone).length,
    lost: jobs.filter((each) => !isDone(each)).map(({ acknowledged }) => acknowledged),
    runs: [...runs.values()].reduce((sum, { length }) => sum + length, 0),
    repeated: jobs.flatMap(({ acknowledged, job }) => {
      const attempts = runs.get(acknowledged.key) ?? [];
      if (attempts.length < 2 || job === null) return [];
      return [{ ...acknowledged, attempts: attempts.map((attempt) => ({ attempt, endedBy: endOf(attempt, job) })) }];
    }),
  };
}

/** Why the attempt was not the last one, by the job's history. */
function endOf(attempt: number, { history }: JobWithHistory): string | null {
  const end = history.find((entry) => entry.attempt === attempt && entry.kind !== 'started');
  switch (end?.kind) {
    case 'succeeded':
      return null;
    case 'crashed':
      return 'killed with the server';
    case 'failed':
      return 'threw';
    case 'released':
      return 'given back at a shutdown';
    default:
      return end?.kind ?? 'unexplained';
  }
}

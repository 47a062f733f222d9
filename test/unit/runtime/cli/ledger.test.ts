// The demo's account must notice what it exists to notice.

import { describe, expect, it } from 'vitest';
import { balance, readRuns } from '../../../../runtime/cli/demo/ledger.ts';
import type { JobWithHistory } from '../../../../runtime/client/index.ts';

type Entry = readonly [kind: 'started' | 'crashed' | 'failed' | 'succeeded', attempt: number];

/** The fields that the account looks at. */
const job = (state: string, history: readonly Entry[]): JobWithHistory =>
  ({ state, history: history.map(([kind, attempt]) => ({ kind, attempt })) }) as unknown as JobWithHistory;

const acknowledged = (key: string) => ({ id: `id-${key}`, key });

describe('the account', () => {
  it('explains every run but the last', () => {
    const history = [['started', 1], ['crashed', 1], ['started', 2], ['failed', 2], ['started', 3], ['succeeded', 3]] as const; // prettier-ignore
    const { done, lost, runs, repeated } = balance(
      [{ acknowledged: acknowledged('a'), job: job('succeeded', history) }],
      readRuns('a 1\na 2\na 3\n'),
    );
    expect({ done, lost, runs }).toEqual({ done: 1, lost: [], runs: 3 });
    expect(repeated[0]?.attempts).toEqual([
      { attempt: 1, endedBy: 'killed with the server' },
      { attempt: 2, endedBy: 'threw' },
      { attempt: 3, endedBy: null },
    ]);
  });

  it.each([
    ['that the queue does not know', null, 'a 1\n'],
    ['that is not done', job('pending', []), 'a 1\n'],
    ['that is dead', job('dead', []), 'a 1\n'],
    ['that is said to be done and never ran', job('succeeded', []), 'b 1\n'],
  ])('counts as lost a job %s', (_, found, runs) => {
    const { done, lost } = balance([{ acknowledged: acknowledged('a'), job: found }], readRuns(runs));
    expect({ done, lost }).toEqual({ done: 0, lost: [acknowledged('a')] });
  });

  it('leaves out the line that a kill has cut', () => {
    expect([...readRuns('a 1\na 2\nb')]).toEqual([['a', [1, 2]]]);
  });
});

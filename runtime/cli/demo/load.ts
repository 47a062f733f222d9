// The clients of the demo: they submit their share of the jobs, each under a key, and send a job again under the same key
// until it is acknowledged, as a client that means it would.

import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '../../client/client.ts';
import { ProblemError } from '../../client/problem-error.ts';

export type Acknowledged = { readonly id: string; readonly key: string };

export type Load = {
  readonly jobs: number;
  readonly clients: number;
  /** Where the server listens now: it comes back elsewhere. */
  readonly url: () => string;
  readonly onAcknowledged: (job: Acknowledged, outcome: { readonly replayed: boolean; readonly sent: number }) => void;
  readonly signal: AbortSignal;
};

const PAUSE_MS = 25;

/** A few jobs fail once, so that the reasons of a second run differ. */
const FAILING_EVERY = 50;

/** Resolves when every job was acknowledged, or the signal was aborted. */
export async function submitAll(load: Load): Promise<void> {
  const { jobs, clients } = load;
  const submitShare = async (client: number): Promise<void> => {
    for (let n = client; n < jobs && !load.signal.aborted; n += clients) await submitOne(n, load);
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => submitShare(client)));
}

async function submitOne(n: number, { url, onAcknowledged, signal }: Load): Promise<void> {
  const key = `demo-${String(n + 1).padStart(4, '0')}`;
  const payload = { key, ms: 10 + ((n * 37) % 70), failures: n % FAILING_EVERY === 7 ? 1 : 0 };
  for (let sent = 1; !signal.aborted; sent += 1) {
    try {
      const client = createClient({ url: url(), triesMax: 1 });
      const { job, replayed } = await client.submit('work', payload, { idempotencyKey: key });
      onAcknowledged({ id: job.id, key }, { replayed, sent });
      return;
    } catch (error) {
      if (error instanceof ProblemError && error.isFinal) throw error;
      await wait(PAUSE_MS);
    }
  }
}

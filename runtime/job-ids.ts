// Job ids: UUIDv7, ordered by the queue's clock.

import { getRandomValues } from 'node:crypto';
import { V7Generator } from 'uuidv7';
import { JobId } from '../core/job/job.ts';
import type { QueueClock } from './clock.ts';

/** How far back the generator lets the clock step before it starts anew, in milliseconds; the queue's never does. */
const ROLLBACK_MS_MAX = 10_000;

/** Random words fetched at once: asking the system for each id would cost as much as a row of the tables. */
const RANDOM_WORDS = 1_024;

export function newJobIds(clock: QueueClock): () => JobId {
  const generator = new V7Generator({ nextUint32: randomWords() });
  return () => JobId(generator.generateOrResetCore(clock.at(), ROLLBACK_MS_MAX).toString());
}

function randomWords(): () => number {
  const words = new Uint32Array(RANDOM_WORDS);
  let used = RANDOM_WORDS;
  return () => {
    if (used === RANDOM_WORDS) {
      getRandomValues(words);
      used = 0;
    }
    const word = words[used] ?? 0;
    used += 1;
    return word;
  };
}

// Job ids: UUIDv7, ordered by the queue's clock.

import { V7Generator } from 'uuidv7';
import { JobId } from '../core/job/job.ts';
import type { QueueClock } from './clock.ts';

/** How far back the generator lets the clock step before it starts anew, in milliseconds; the queue's never does. */
const ROLLBACK_MS_MAX = 10_000;

export function newJobIds(clock: QueueClock): () => JobId {
  const generator = new V7Generator();
  return () => JobId(generator.generateOrResetCore(clock.at(), ROLLBACK_MS_MAX).toString());
}

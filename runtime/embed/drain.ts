// Waiting until there is nothing left to do. Nothing polls: the queue is asked again only when a job has ended.

import type { QueuePort } from '../queue-port.ts';

/** Resolves when no job is pending or running. Rejects if the queue can no longer be asked. */
export function whenDrained(queue: QueuePort): Promise<void> {
  return new Promise((resolve, reject) => {
    let isAsking = false;
    let isStale = false;

    const look = async (): Promise<void> => {
      if (isAsking) {
        isStale = true;
        return;
      }
      isAsking = true;
      do {
        isStale = false;
        const reply = await queue.ask({ kind: 'stats' });
        if (reply.kind !== 'stats') return end(() => reject(new Error('the queue has ended')));
        if (reply.stats.depth === 0) return end(resolve);
      } while (isStale);
      isAsking = false;
    };
    const stop = queue.subscribe((rows) => {
      if (rows.some(({ state }) => state !== 'pending' && state !== 'running')) void look();
    });
    const end = (settle: () => void): void => {
      stop();
      settle();
    };
    void look();
  });
}

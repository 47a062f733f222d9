// The progress that one attempt reports: as often as it likes, stored as fast as the disk allows.
//
// Rule 1: one value is on its way at a time; of those that wait behind it, only the latest is sent.
// Rule 2: a report resolves when its value or a later one is durable.

import type { JsonText } from '../../core/job/job.ts';

type Waiting = { text: JsonText; readonly sent: Promise<void> };

/** `send` resolves when the value is durable. */
export function coalesce(send: (text: JsonText) => Promise<void>): (text: JsonText) => Promise<void> {
  let inFlight: Promise<void> | null = null;
  let waiting: Waiting | null = null;

  const depart = (text: JsonText): Promise<void> => {
    inFlight = send(text).finally(() => {
      inFlight = null;
    });
    return inFlight;
  };

  return (text) => {
    if (waiting !== null) {
      waiting.text = text;
      return waiting.sent;
    }
    if (inFlight === null) return depart(text);
    const departLatest = (): Promise<void> => {
      const latest = waiting?.text ?? text;
      waiting = null;
      return depart(latest);
    };
    // Whether the one before arrived or not, the latest is worth its own try.
    waiting = { text, sent: inFlight.then(departLatest, departLatest) };
    return waiting.sent;
  };
}

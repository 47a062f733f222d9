// What an event decided, on one line.

import { unreachable } from '../../core/job/assert.ts';
import type { Event, Verdict } from '../../core/job/event.ts';

/** Longer payloads and results are cut: `--json` has all of them. */
const VALUE_LENGTH_MAX = 80;

export function eventFacts(event: Event): string {
  switch (event.kind) {
    case 'submitted': {
      const { type, queue, payload, idempotencyKey } = event.job;
      const key = idempotencyKey === null ? '' : ` key=${JSON.stringify(idempotencyKey)}`;
      return `${type} in ${queue} ${shortened(payload)}${key}`;
    }
    case 'started':
    case 'extended':
      return `attempt ${event.attempt}, lease until ${instant(event.leaseUntil)}`;
    case 'progressed':
      return `attempt ${event.attempt}, ${shortened(event.progress)}`;
    case 'succeeded':
      return `attempt ${event.attempt}, ${shortened(event.result)}`;
    case 'failed':
    case 'expired':
    case 'crashed':
      return `attempt ${event.attempt}, ${shortened(`${event.error.name}: ${event.error.message}`)}; ${verdict(event.next)}`;
    case 'released':
    case 'retried':
      return `attempt ${event.attempt}, runs at ${instant(event.runAt)}`;
    case 'cancelled':
      return `attempt ${event.attempt}`;
    case 'deleted':
    case 'paused':
    case 'resumed':
      return '';
    default:
      return unreachable(event);
  }
}

const instant = (at: number): string => new Date(at).toISOString();

const verdict = (next: Verdict): string => (next.state === 'dead' ? 'dead' : `again at ${instant(next.runAt)}`);

const shortened = (text: string): string =>
  text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}…`;

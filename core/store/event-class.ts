// How long an event is kept. Every kind belongs to exactly one class.
//
// history    kept as long as its job; listed by the job's history (HISTORY_KINDS)
// feed-only  kept as long as its job, but only the latest few of them: a handler may report as often as it likes
// loose      outlives its job or has none; only the latest few of all are kept

import { HISTORY_KINDS } from '../job/event.ts';
import type { EventKind } from '../job/event.ts';

export const LOOSE_KINDS: ReadonlySet<EventKind> = new Set<EventKind>(['deleted', 'paused', 'resumed']);

export const isLoose = (kind: EventKind): boolean => LOOSE_KINDS.has(kind);

export const isFeedOnly = (kind: EventKind): boolean => !HISTORY_KINDS.has(kind) && !LOOSE_KINDS.has(kind);

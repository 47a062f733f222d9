// What one place for a job may look like from outside: the sequential specification that replies are held against.
//
// A slot is what one idempotency key names, or the one job of a submission without a key. It holds at most one job at a
// time. It is written from the contract alone and knows nothing of events, turns or tables.
//
// Rule 1: between two acts the queue may have moved a job on by itself: started it, and ended its attempts by every way
//         that needs no client. Cancelling, retrying and deleting need one.
// Rule 2: after an act whose outcome is unknown only bounds of the counts are known: they are the least that there may be.
// Rule 3: a terminal job is moved by nothing but a client, and by retention.

import type { JobId, JobState } from '../../core/job/job.ts';
import type { Specification } from './linearizability.ts';

/** A job as a reply shows it. */
export type Glimpse = {
  readonly id: JobId;
  readonly state: JobState;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  /** Number of the latest event of its history; null where the reply shows none. */
  readonly version: number | null;
};

/** What was asked and answered. `request` is what must be equal in a replay. */
export type SlotAct =
  | { readonly kind: 'created'; readonly request: string; readonly seen: Glimpse }
  | { readonly kind: 'replayed'; readonly request: string; readonly seen: Glimpse }
  /** Refused: another request came before under this key. */
  | { readonly kind: 'key-taken'; readonly request: string; readonly id: JobId }
  /** Refused for a reason that is given only where the key names no job. */
  | { readonly kind: 'key-free' }
  | { readonly kind: 'seen'; readonly seen: Glimpse }
  | { readonly kind: 'absent'; readonly id: JobId }
  /** Refused: this is not a state for what was asked. */
  | {
      readonly kind: 'wrong-state';
      readonly id: JobId;
      readonly asked: keyof typeof WRONG_STATES;
      readonly state: JobState;
    }
  | { readonly kind: 'cancelled'; readonly seen: Glimpse }
  | { readonly kind: 'retried'; readonly seen: Glimpse }
  | { readonly kind: 'deleted'; readonly id: JobId }
  | { readonly kind: 'perhaps-created'; readonly request: string; readonly id: JobId }
  | { readonly kind: 'perhaps-cancelled' | 'perhaps-retried' | 'perhaps-deleted'; readonly id: JobId };

/** The states in which each request is refused. */
const WRONG_STATES = {
  cancel: ['succeeded', 'dead', 'cancelled'],
  retry: ['pending', 'running', 'succeeded'],
  delete: ['pending', 'running'],
} as const satisfies Record<string, readonly JobState[]>;

/** What is known of the job in the slot. */
export type Held = {
  readonly id: JobId;
  readonly request: string;
  readonly state: JobState;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  /** Whether attempt, failures and crashes are what they were, and not bounds. */
  readonly isExact: boolean;
  readonly version: number;
  readonly isVersionExact: boolean;
};

export type Slot = Held | null;

export function slotSpecification({ canForget }: { canForget: boolean }): Specification<Slot, SlotAct> {
  const free = (slot: Slot): boolean => slot === null || canForget;
  return {
    initial: null,
    keyOf: (slot) => (slot === null ? '' : Object.values(slot).join(' ')),
    after(slot, act) {
      switch (act.kind) {
        case 'created':
          return free(slot) && isFresh(act.seen) ? heldAs(act.seen, act.request) : undefined;
        case 'perhaps-created':
          return free(slot) ? { ...UNSEEN, id: act.id, request: act.request } : undefined;
        case 'key-free':
          return free(slot) ? null : undefined;
        case 'absent':
          return slot?.id === act.id ? (canForget ? null : undefined) : slot;
        default:
          return slot === null ? undefined : afterHeld(slot, act);
      }
    },
  };
}

type HeldAct = Exclude<SlotAct, { kind: 'created' | 'perhaps-created' | 'key-free' | 'absent' }>;

function afterHeld(held: Held, act: HeldAct): Slot | undefined {
  if (held.id !== ('seen' in act ? act.seen.id : act.id)) return undefined;
  switch (act.kind) {
    case 'replayed':
      return held.request === act.request ? moved(held, act.seen) : undefined;
    case 'key-taken':
      return held.request === act.request ? undefined : held;
    case 'seen':
      return moved(held, act.seen);
    case 'wrong-state':
      return WRONG_STATES[act.asked].some((state) => state === act.state) ? inState(held, act.state) : undefined;
    case 'cancelled':
      return cancelled(held, act.seen);
    case 'retried':
      return retried(held, act.seen);
    case 'perhaps-cancelled':
      return isLive(held) ? { ...held, state: 'cancelled', isExact: false, isVersionExact: false } : undefined;
    case 'perhaps-retried':
      return perhapsRetried(held);
    case 'deleted':
    case 'perhaps-deleted':
      // A live job may have ended just before.
      return null;
  }
}

const UNSEEN = {
  state: 'pending',
  attempt: 0,
  failures: 0,
  crashes: 0,
  isExact: true,
  version: 0,
  isVersionExact: false,
} as const;

const isLive = ({ state }: { readonly state: JobState }): boolean => state === 'pending' || state === 'running';

const isFresh = (seen: Glimpse): boolean =>
  seen.state === 'pending' && seen.attempt === 0 && seen.failures === 0 && seen.crashes === 0;

/** Attempts that are over. */
const endedOf = ({ state, attempt }: Glimpse | Held): number => (state === 'running' ? attempt - 1 : attempt);

const isLike = (held: Held, seen: Glimpse): boolean =>
  held.state === seen.state &&
  held.attempt === seen.attempt &&
  held.failures === seen.failures &&
  held.crashes === seen.crashes;

function heldAs(seen: Glimpse, request: string, versionAtLeast = 0): Held {
  const { version, ...rest } = seen;
  return { ...rest, request, isExact: true, version: version ?? versionAtLeast, isVersionExact: version !== null };
}

/** The job as it is seen, if the queue alone may have brought it there. */
function moved(held: Held, seen: Glimpse): Held | undefined {
  if (held.isExact && isLike(held, seen)) {
    if (seen.version === null) return held;
    const fits = held.isVersionExact ? seen.version === held.version : seen.version >= held.version;
    return fits ? heldAs(seen, held.request) : undefined;
  }
  if (!isLater(held, seen) || !mayBecome(held, seen)) return undefined;
  return heldAs(seen, held.request, held.version);
}

/** Every step leaves an event in the history. */
const isLater = (held: Held, { version }: Glimpse): boolean =>
  version === null || (held.isVersionExact ? version > held.version : version >= held.version);

/** Whether hidden moves lead there; those that are needed, not those that would be enough. */
function mayBecome(held: Held, seen: Glimpse): boolean {
  const failures = seen.failures - held.failures;
  const crashes = seen.crashes - held.crashes;
  if (failures < 0 || crashes < 0 || seen.attempt < held.attempt) return false;
  if (!isLive(held)) return !held.isExact && seen.state === held.state;
  if (seen.state === 'cancelled') return false;
  const ended = endedOf(seen) - endedOf(held);
  if (ended < 0) return false;
  // From bounds it cannot be told how many attempts ended since, nor how.
  if (!held.isExact) return seen.state !== 'dead' || seen.failures + seen.crashes > 0;
  if (failures + crashes + (seen.state === 'succeeded' ? 1 : 0) > ended) return false;
  return seen.state !== 'dead' || failures + crashes > 0;
}

/** Only the state is known. */
function inState(held: Held, state: JobState): Held | undefined {
  if (!isLive(held)) return held.state === state ? held : undefined;
  if (state === 'cancelled') return undefined;
  const isOver = state !== 'running' && state !== 'pending';
  const takesStart = held.state === 'pending' && (state === 'running' || isOver);
  const attempt = held.attempt + (takesStart ? 1 : 0);
  return { ...held, state, attempt, isExact: false, isVersionExact: false };
}

function cancelled(held: Held, seen: Glimpse): Held | undefined {
  if (seen.state !== 'cancelled' || !isLive(held) || !isAfter(held, seen)) return undefined;
  const isReached = (['pending', 'running'] as const).some((state) => {
    const before: Glimpse = { ...seen, state, version: null };
    return (held.isExact && isLike(held, before)) || mayBecome(held, before);
  });
  return isReached ? heldAs(seen, held.request, held.version) : undefined;
}

function retried(held: Held, seen: Glimpse): Held | undefined {
  const isRevived = seen.state === 'pending' && seen.failures === 0 && seen.crashes === 0;
  const before = perhapsRetried(held);
  if (!isRevived || before === undefined || !isAfter(held, seen)) return undefined;
  const fits = before.isExact ? seen.attempt === before.attempt : seen.attempt >= before.attempt;
  return fits ? heldAs(seen, held.request, held.version) : undefined;
}

/** A change that was answered left an event of its own. */
const isAfter = (held: Held, { version }: Glimpse): boolean => version === null || version > held.version;

function perhapsRetried(held: Held): Held | undefined {
  if (held.state === 'succeeded') return undefined;
  const attempt = held.attempt + (held.state === 'pending' ? 1 : 0);
  const isExact = held.isExact && !isLive(held);
  return { ...held, state: 'pending', attempt, failures: 0, crashes: 0, isExact, isVersionExact: false };
}

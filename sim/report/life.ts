// A life as a picture is drawn from it: lanes, requests, processes, crashes, and each job through its states.
//
// Everything is read from the trace, so it is what could be seen from outside: a state begins when the feed, a reply or
// a handler tells of it. Instants are numbers of events.

import type { TraceEvent } from '../world/trace.ts';
import { isCrash } from './story.ts';

/** From the event that begins it to the one that ends it, or to the end of the life. */
export type Span<Kind extends string> = { readonly kind: Kind; readonly from: number; readonly to: number };

/** `failed` is an attempt that failed as the last thing heard of a job in a life cut short: pending again, or dead. */
export type JobState = 'pending' | 'running' | 'succeeded' | 'dead' | 'cancelled' | 'failed';

export type JobLife = {
  readonly id: string;
  readonly spans: readonly (Span<JobState> & { readonly attempt: number })[];
  /** When a client was told that it was accepted. */
  readonly acknowledgedAt: number | null;
};

export type Request = Span<'request'> & { readonly actor: string; readonly text: string };
export type Life = {
  readonly lanes: readonly string[];
  readonly requests: readonly Request[];
  readonly processes: readonly Span<'recovering' | 'serving' | 'draining'>[];
  readonly crashes: readonly { readonly at: number; readonly text: string }[];
  readonly jobs: readonly JobLife[];
};

const LANES = ['client', 'burst', 'operator', 'reader', 'net', 'server', 'handler', 'disk', 'feed', 'nature'];
const NEXT_STATE: Readonly<Record<string, JobState>> = {
  submitted: 'pending',
  started: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  expired: 'failed',
  crashed: 'failed',
  released: 'pending',
  cancelled: 'cancelled',
  retried: 'pending',
};

export function lifeOf(events: readonly TraceEvent[], { isComplete }: { readonly isComplete: boolean }): Life {
  const end = events.at(-1)?.ordinal ?? 0;
  return {
    lanes: lanesOf(events),
    requests: requestsOf(events, end),
    processes: processesOf(events, end),
    crashes: events.filter(isCrash).map(({ ordinal, text }) => ({ at: ordinal, text })),
    jobs: jobsOf(events, { end, isComplete }),
  };
}

/** Clients first, nature last; a client is a lane of its own. */
function lanesOf(events: readonly TraceEvent[]): string[] {
  const rank = (actor: string): number => {
    const found = LANES.findIndex((lane) => actor.startsWith(lane));
    return found < 0 ? LANES.length : found;
  };
  return [...new Set(events.map(({ actor }) => actor))].sort(
    (a, b) => rank(a) - rank(b) || a.localeCompare(b, 'en', { numeric: true }),
  );
}

function requestsOf(events: readonly TraceEvent[], end: number): Request[] {
  const requests: Request[] = [];
  const open = new Map<string, { readonly from: number; readonly text: string }>();
  const close = (actor: string, to: number): void => {
    const request = open.get(actor);
    if (request !== undefined) requests.push({ kind: 'request', actor, to, ...request });
    open.delete(actor);
  };
  for (const { ordinal, actor, text } of events) {
    const [, receiver] = /^replies .* to (client\S*)$/.exec(text) ?? [];
    if (receiver !== undefined) close(receiver, ordinal);
    if (!actor.startsWith('client')) continue;
    close(actor, ordinal);
    if (!/: (no answer|connection refused|refused, .*)$/.test(text)) open.set(actor, { from: ordinal, text });
  }
  for (const actor of [...open.keys()]) close(actor, end);
  return requests.sort((a, b) => a.from - b.from);
}

function processesOf(events: readonly TraceEvent[], end: number): Life['processes'] {
  const spans: Span<'recovering' | 'serving' | 'draining'>[] = [];
  let open: { readonly kind: 'recovering' | 'serving' | 'draining'; readonly from: number } | null = null;
  const next = (ordinal: number, kind: 'recovering' | 'serving' | 'draining' | null): void => {
    if (open !== null) spans.push({ ...open, to: ordinal });
    open = kind === null ? null : { kind, from: ordinal };
  };
  for (const event of events) {
    const { actor, text, ordinal } = event;
    if (isCrash(event)) next(ordinal, null);
    if (actor !== 'server') continue;
    if (/^process \d+ starts/.test(text)) next(ordinal, 'recovering');
    else if (text.startsWith('recovered ')) next(ordinal, 'serving');
    else if (text === 'shutdown begins') next(ordinal, 'draining');
    else if (/^(ends: |orderly exit|does not start)/.test(text)) next(ordinal, null);
  }
  next(end, null);
  return spans;
}

/** What one event tells of jobs. */
function newsOf({ actor, text }: TraceEvent): { id: string; state: JobState | 'deleted'; attempt: number }[] {
  if (actor === 'feed') {
    const [, kind = '', id, attempt] = /^\d+ (\w+) ([^#\s]+)(?:#(\d+))?/.exec(text) ?? [];
    const state = kind === 'deleted' ? 'deleted' : NEXT_STATE[kind];
    return id === undefined || state === undefined ? [] : [{ id, state, attempt: Number(attempt ?? 0) }];
  }
  if (actor === 'handler') {
    const [, id, attempt] = /^(\S+)#(\d+) runs$/.exec(text) ?? [];
    return id === undefined ? [] : [{ id, state: 'running', attempt: Number(attempt) }];
  }
  return acceptedBy(text).map((id) => ({ id, state: 'pending', attempt: 0 }));
}

/** Jobs that a reply acknowledges. */
const acceptedBy = (text: string): string[] =>
  text.startsWith('replies ') ? [...text.matchAll(/\bcreated (\S+?)(?=,| )/g)].map(([, id]) => id ?? '') : [];

function jobsOf(
  events: readonly TraceEvent[],
  { end, isComplete }: { readonly end: number; readonly isComplete: boolean },
): JobLife[] {
  type Open = { spans: JobLife['spans'][number][]; acknowledgedAt: number | null; isDeleted: boolean };
  const jobs = new Map<string, Open>();
  for (const event of events) {
    for (const { id, state, attempt } of newsOf(event)) {
      const job = jobs.get(id) ?? { spans: [], acknowledgedAt: null, isDeleted: false };
      jobs.set(id, job);
      const last = job.spans.at(-1);
      if (acceptedBy(event.text).includes(id)) job.acknowledgedAt ??= event.ordinal;
      // The feed says once more what a reply or a handler has shown.
      if (state === 'pending' && attempt === 0 && last !== undefined) continue;
      if (state === 'running' && last?.kind === 'running' && last.attempt >= attempt) continue;
      if (last !== undefined && !job.isDeleted) {
        const kind = last.kind === 'failed' ? settled(state) : last.kind;
        job.spans.splice(-1, 1, { ...last, kind, to: event.ordinal });
      }
      job.isDeleted = state === 'deleted';
      if (state !== 'deleted') job.spans.push({ kind: state, from: event.ordinal, to: end, attempt });
    }
  }
  return [...jobs].map(([id, { spans, acknowledgedAt, isDeleted }]) => {
    const last = spans.at(-1);
    if (last?.kind === 'failed' && isComplete && !isDeleted) spans.splice(-1, 1, { ...last, kind: 'dead' });
    return { id, spans, acknowledgedAt };
  });
}

/** Where a failed attempt had led, by what came next: only a dead job is retried or deleted. */
const settled = (next: JobState | 'deleted'): JobState =>
  next === 'deleted' || next === 'pending' ? 'dead' : 'pending';

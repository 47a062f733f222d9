// The parameters behind the `?`. Unknown and repeated ones are refused: a misspelt filter would else be a wider one.

import { JOB_STATES } from '../../core/job/job.ts';
import type { JobState } from '../../core/job/job.ts';
import { PAGE_JOBS_MAX } from '../../core/job/limits.ts';
import type { JobFilter } from '../../core/store/tables.ts';
import { accept, invalid, pointer, refuse } from './problem.ts';
import type { FieldError, Outcome } from './problem.ts';
import { NAME_PATTERN } from './submission-schema.ts';

export const PAGE_JOBS_DEFAULT = 100;

const NONE: ReadonlyMap<string, string> = new Map();

/** The parameters of the URL, each one of `names` and given once at most. */
export function readQuery(url: string, names: readonly string[]): Outcome<ReadonlyMap<string, string>> {
  const mark = url.indexOf('?');
  if (mark === -1) return accept(NONE);
  const hash = url.indexOf('#', mark);
  const values = new Map<string, string>();
  const errors: FieldError[] = [];
  for (const part of url.slice(mark + 1, hash === -1 ? undefined : hash).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals === -1 ? part : part.slice(0, equals));
    const value = decode(equals === -1 ? '' : part.slice(equals + 1));
    if (name === undefined) errors.push({ path: pointer(part), message: 'is not percent-encoded UTF-8' });
    else if (!names.includes(name)) errors.push({ path: pointer(name), message: 'is not a query parameter here' });
    else if (values.has(name)) errors.push({ path: pointer(name), message: 'is given twice' });
    else if (value === undefined) errors.push({ path: pointer(name), message: 'is not percent-encoded UTF-8' });
    else values.set(name, value);
  }
  return errors.length === 0 ? accept(values) : refuse(invalid(errors));
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

export const LIST_PARAMETERS = ['state', 'type', 'queue', 'limit', 'cursor'] as const;

export type ListQuery = { readonly filter: JobFilter; readonly before: number | undefined; readonly limit: number };

/** A cursor is the submission number of the last job seen: jobs added meanwhile are above it. */
export function listQuery(values: ReadonlyMap<string, string>): Outcome<ListQuery> {
  const errors: FieldError[] = [];
  const read = <Value>(name: string, parse: (text: string) => Value | undefined, rule: string): Value | undefined => {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) errors.push({ path: pointer(name), message: rule });
    return value;
  };
  const state = read('state', asState, `must be one of ${JOB_STATES.join(', ')}`);
  const type = read('type', asName, 'must be 1 to 128 of A-Z a-z 0-9 . _ : -');
  const queue = read('queue', asName, 'must be 1 to 128 of A-Z a-z 0-9 . _ : -');
  const limit = read(
    'limit',
    (text) => asInteger(text, PAGE_JOBS_MAX),
    `must be an integer from 1 to ${PAGE_JOBS_MAX}`,
  );
  const before = read('cursor', (text) => asInteger(text, Number.MAX_SAFE_INTEGER), 'is no cursor of this list');
  if (errors.length > 0) return refuse(invalid(errors));
  return accept({ filter: { state, type, queue }, before, limit: limit ?? PAGE_JOBS_DEFAULT });
}

export const cursorText = (before: number | null): string | null => (before === null ? null : String(before));

const asState = (text: string): JobState | undefined => JOB_STATES.find((state) => state === text);
const asName = (text: string): string | undefined => (NAME_PATTERN.test(text) ? text : undefined);

function asInteger(text: string, max: number): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** Where a feed starts: after this event, or undefined for what happens from now on. A future number is legal. */
export function feedStart(sources: {
  readonly lastEventId: string | undefined;
  readonly after: string | undefined;
}): Outcome<number | undefined> {
  const errors: FieldError[] = [];
  const read = (path: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text)) return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
    errors.push({ path, message: 'must be the sequence number of an event' });
    return undefined;
  };
  // A browser that reconnects repeats the URL, so the header is the newer of the two.
  const after = read('/after', sources.after);
  const lastEventId = read('/Last-Event-ID', sources.lastEventId);
  return errors.length === 0 ? accept(lastEventId ?? after) : refuse(invalid(errors));
}

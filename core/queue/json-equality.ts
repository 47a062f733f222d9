// Whether two JSON texts are the same JSON value, whatever the order of keys: what makes a repeated submission a replay.

import type { JsonText } from '../job/job.ts';

export function isSameJson(a: JsonText, b: JsonText): boolean {
  return a === b || isSameValue(JSON.parse(a), JSON.parse(b));
}

/** Depth is bounded where payloads come in, so recursion is safe. */
function isSameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSameValue(a[key], b[key]))
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

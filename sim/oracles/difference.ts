// Where two values part. Undefined is what nobody knows: anything fits it.

/** Null if what is told is as expected, in every part. What one of both lacks counts as null. */
export function differs(what: string, expected: unknown, told: unknown): string | null {
  return fits(expected, told) ? null : difference(what, expected, told);
}

/** The same as a plain yes or no: nearly always there is nothing to say. */
function fits(expected: unknown, told: unknown): boolean {
  if (expected === undefined || expected === told) return true;
  if (!isComposed(expected) || !isComposed(told)) return false;
  if (expected instanceof Map || told instanceof Map) return difference('', expected, told) === null;
  const [ours, theirs] = [expected as Parts, told as Parts];
  for (const name in ours) if (!fits(ours[name], theirs[name] ?? null)) return false;
  for (const name in theirs) if (!(name in ours) && !fits(null, theirs[name] ?? null)) return false;
  return true;
}

type Parts = Readonly<Record<string, unknown>>;

/** Where they part, found by looking at every part: what `differs` says, more slowly. */
export function difference(what: string, expected: unknown, told: unknown): string | null {
  if (expected === undefined || expected === told) return null;
  if (!isComposed(expected) || !isComposed(told)) return `${what}: ${textOf(told)}, not ${textOf(expected)}`;
  const [ours, theirs] = [partsOf(expected), partsOf(told)];
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const part = ours.has(name) ? ours.get(name) : null;
    const label = isComposed(part) && 'id' in part ? `${name} ${String(part.id)}` : name;
    const found = difference(`${what}, ${label}`, part, theirs.get(name) ?? null);
    if (found !== null) return found;
  }
  return null;
}

export const textOf = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

const isComposed = (value: unknown): value is object => typeof value === 'object' && value !== null;

const partsOf = (value: object): ReadonlyMap<string, unknown> =>
  value instanceof Map ? value : new Map(Object.entries(value));

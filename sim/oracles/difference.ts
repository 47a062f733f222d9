// Where two values part. Undefined is what nobody knows: anything fits it.

/** Null if what is told is as expected, in every part. What one of both lacks counts as null. */
export function differs(what: string, expected: unknown, told: unknown): string | null {
  if (expected === undefined || expected === told) return null;
  if (!isComposed(expected) || !isComposed(told)) return `${what}: ${textOf(told)}, not ${textOf(expected)}`;
  const [ours, theirs] = [partsOf(expected), partsOf(told)];
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const part = ours.has(name) ? ours.get(name) : null;
    const label = isComposed(part) && 'id' in part ? `${name} ${String(part.id)}` : name;
    const difference = differs(`${what}, ${label}`, part, theirs.get(name) ?? null);
    if (difference !== null) return difference;
  }
  return null;
}

export const textOf = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

const isComposed = (value: unknown): value is object => typeof value === 'object' && value !== null;

const partsOf = (value: object): ReadonlyMap<string, unknown> =>
  value instanceof Map ? value : new Map(Object.entries(value));

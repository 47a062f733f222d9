// Invariants of our own. They stay on in production: a process that has lost one must stop before it stores the damage.

/** A broken invariant: a bug in perdure, never the caller's fault. The process exits 70. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** @throws {InvariantError} if the condition does not hold. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(invariant);
}

/** Makes a `switch` exhaustive: it does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`no case for ${JSON.stringify(value)}`);
}

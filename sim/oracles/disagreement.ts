// Where the queue and the contract part.

export class Disagreement extends Error {
  override readonly name = 'Disagreement';
}

/** @throws {Disagreement} if it does not hold. */
export function insist(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Disagreement(otherwise);
}

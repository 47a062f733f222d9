// Whether operations that overlapped can be put in one order that a sequential specification allows.
//
// The search of Wing and Gong, with Lowe's memory ("Testing for linearizability", 2017): of the operations that are open at
// one moment each is tried as the next one, and a configuration (which operations are done, and the state they led to)
// that led nowhere once is not entered again.
//
// Rule 1: an operation takes effect at one moment between its invocation and its return.
// Rule 2: one whose outcome is unknown takes effect at any moment after its invocation, or never.
// Rule 3: operations of which one returned before the other was invoked keep that order.

export type Operation<Act> = {
  /** What was asked together with what was answered. */
  readonly act: Act;
  /** Moments are of one order for all operations, and no two are equal. */
  readonly invokedAt: number;
  /** Null: the outcome is unknown. */
  readonly returnedAt: number | null;
};

export type Specification<State, Act> = {
  readonly initial: State;
  /** The state after the act; undefined if the act cannot have met this state. */
  readonly after: (state: State, act: Act) => State | undefined;
  /** Equal for equal states, and for no others. */
  readonly keyOf: (state: State) => string;
};

export type Finding<Act> =
  | { readonly kind: 'linearizable' }
  /** `stuckAt` had to take effect before its return and could not, on the way that led furthest. */
  | { readonly kind: 'impossible'; readonly stuckAt: Operation<Act> }
  /** The search was given up. */
  | { readonly kind: 'undecided' };

/** Steps of one search: the problem is NP-complete, and a life has better uses for its time. */
const STEPS_MAX = 200_000;

/** An invocation or a return on the time line, which is a doubly linked list with a head of its own. */
type Entry<Act> = {
  readonly operation: Operation<Act>;
  readonly index: number;
  readonly at: number;
  /** The invocation's return; null for a return, and for an invocation that has none. */
  readonly end: Entry<Act> | null;
  readonly isReturn: boolean;
  before: Entry<Act> | null;
  after: Entry<Act> | null;
};

export function linearize<State, Act>(
  specification: Specification<State, Act>,
  operations: readonly Operation<Act>[],
  stepsMax: number = STEPS_MAX,
): Finding<Act> {
  const line = new TimeLine(operations);
  const done: { readonly call: Entry<Act>; readonly before: State }[] = [];
  const isDone = new Uint8Array(operations.length);
  const deadEnds = new Set<string>();
  const configuration = (state: State): string => `${isDone.join('')} ${specification.keyOf(state)}`;

  let state = specification.initial;
  let returnsLeft = operations.filter(({ returnedAt }) => returnedAt !== null).length;
  let fewestLeft = Number.POSITIVE_INFINITY;
  let stuckAt: Operation<Act> | null = null;
  let entry = line.first;

  for (let steps = 0; returnsLeft > 0; steps += 1) {
    if (steps === stepsMax) return { kind: 'undecided' };
    if (entry !== null && !entry.isReturn) {
      const next = specification.after(state, entry.operation.act);
      if (next === undefined || isDeadEnd(entry, next)) {
        entry = entry.after;
        continue;
      }
      done.push({ call: entry, before: state });
      isDone[entry.index] = 1;
      if (entry.end !== null) returnsLeft -= 1;
      state = next;
      line.take(entry);
      entry = line.first;
      continue;
    }
    // A return that comes before its operation took effect: the latest choice was wrong.
    if (entry !== null && returnsLeft < fewestLeft) {
      fewestLeft = returnsLeft;
      stuckAt = entry.operation;
    }
    const latest = done.pop();
    if (latest === undefined) break;
    deadEnds.add(configuration(state));
    isDone[latest.call.index] = 0;
    if (latest.call.end !== null) returnsLeft += 1;
    state = latest.before;
    line.giveBack(latest.call);
    entry = latest.call.after;
  }
  return returnsLeft === 0 || stuckAt === null ? { kind: 'linearizable' } : { kind: 'impossible', stuckAt };

  function isDeadEnd(call: Entry<Act>, next: State): boolean {
    if (deadEnds.size === 0) return false;
    isDone[call.index] = 1;
    const isKnown = deadEnds.has(configuration(next));
    isDone[call.index] = 0;
    return isKnown;
  }
}

class TimeLine<Act> {
  #first: Entry<Act> | null = null;

  constructor(operations: readonly Operation<Act>[]) {
    const entries: Entry<Act>[] = [];
    for (const [index, operation] of operations.entries()) {
      const { invokedAt, returnedAt } = operation;
      const ends = { before: null, after: null };
      const end = returnedAt === null ? null : { operation, index, at: returnedAt, end: null, isReturn: true, ...ends };
      entries.push({ operation, index, at: invokedAt, end, isReturn: false, ...ends });
      if (end !== null) entries.push(end);
    }
    entries.sort((left, right) => left.at - right.at);
    let before: Entry<Act> | null = null;
    for (const entry of entries) {
      entry.before = before;
      if (before === null) this.#first = entry;
      else before.after = entry;
      before = entry;
    }
  }

  get first(): Entry<Act> | null {
    return this.#first;
  }

  /** Takes the invocation and its return off the line; both remember their places. */
  take(call: Entry<Act>): void {
    this.#unlink(call);
    if (call.end !== null) this.#unlink(call.end);
  }

  /** The inverse of the latest `take` that was not given back yet. */
  giveBack(call: Entry<Act>): void {
    if (call.end !== null) this.#relink(call.end);
    this.#relink(call);
  }

  #unlink({ before, after }: Entry<Act>): void {
    if (before === null) this.#first = after;
    else before.after = after;
    if (after !== null) after.before = before;
  }

  #relink(entry: Entry<Act>): void {
    const { before, after } = entry;
    if (before === null) this.#first = entry;
    else before.after = entry;
    if (after !== null) after.before = entry;
  }
}

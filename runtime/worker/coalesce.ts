// What one attempt tells the queue again and again, its progress or an extension of its lease: as often as it likes,
// stored as fast as the disk allows.
//
// Rule 1: one value is on its way at a time; of those that wait behind it, only the latest is sent.
// Rule 2: a call resolves when its value or a later one is durable.
// Rule 3: calls that wait for the same value share one promise: a handler that never awaits adds nothing to memory,
//         however long the disk takes.

type Waiting<Value> = { value: Value; readonly sent: Promise<void> };

/** `send` resolves when the value is durable. */
export function coalesce<Value>(send: (value: Value) => Promise<void>): (value: Value) => Promise<void> {
  let inFlight: Promise<void> | null = null;
  let waiting: Waiting<Value> | null = null;

  const depart = (value: Value): Promise<void> => {
    inFlight = send(value).finally(() => {
      inFlight = null;
    });
    return handledElsewhere(inFlight);
  };

  return (value) => {
    if (waiting !== null) {
      waiting.value = value;
      return waiting.sent;
    }
    if (inFlight === null) return depart(value);
    const departLatest = (): Promise<void> => {
      const latest = waiting === null ? value : waiting.value;
      waiting = null;
      return depart(latest);
    };
    // Whether the one before arrived or not, the latest is worth its own try.
    waiting = { value, sent: handledElsewhere(inFlight.then(departLatest, departLatest)) };
    return waiting.sent;
  };
}

/**
 * The handler may or may not look at what it asked for. If it does not, a lost lease must not count as an unhandled
 * rejection.
 */
export function handledElsewhere(asked: Promise<void>): Promise<void> {
  asked.catch(() => undefined);
  return asked;
}

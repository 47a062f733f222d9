// Inside a life there is no real time, no real chance and no real network: touching one throws.
//
// A life runs from beginning to end without giving way to anything else, so the globals can be taken away and put back.

const BANNED = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'] as const;

/** Takes the globals away. Returns the way to put them back. */
export function forbidden(): () => void {
  const globals = globalThis as unknown as Record<string, unknown>;
  const kept = new Map<string, unknown>(BANNED.map((name) => [name, globals[name]]));
  const refuse = (name: string) => (): never => {
    throw new Error(`${name} is used inside a simulated life`);
  };
  for (const name of BANNED) globals[name] = refuse(name);
  const now = Date.now;
  const random = Math.random;
  const performanceNow = performance.now;
  Date.now = refuse('Date.now');
  Math.random = refuse('Math.random');
  performance.now = refuse('performance.now');
  return () => {
    for (const [name, value] of kept) globals[name] = value;
    Date.now = now;
    Math.random = random;
    performance.now = performanceNow;
  };
}

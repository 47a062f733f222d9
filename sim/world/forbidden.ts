// Inside a life there is no real time, no real chance and no real network: touching one throws.
//
// A life runs from beginning to end without giving way to anything else, so the globals can be taken away and put back.
// sql.js stamps its files in memory with `Date.now` and names them by `Math.random`: for it both are there, and stand still.

const BANNED = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'] as const;

/** Never the same number twice, over all lives: a name that is taken would be refused. */
let draws = 0;

/** What `Date.now` and `Math.random` do inside a life. */
export type Senses = 'throw' | 'stand still';

/** Takes the globals away. Returns the way to put them back. */
export function forbidden(senses: Senses): () => void {
  const globals = globalThis as unknown as Record<string, unknown>;
  const kept = new Map<string, unknown>(BANNED.map((name) => [name, globals[name]]));
  const refuse = (name: string) => (): never => {
    throw new Error(`${name} is used inside a simulated life`);
  };
  for (const name of BANNED) globals[name] = refuse(name);
  const now = Date.now;
  const random = Math.random;
  const performanceNow = performance.now;
  Date.now = senses === 'throw' ? refuse('Date.now') : () => 0;
  Math.random = senses === 'throw' ? refuse('Math.random') : () => ((draws += 1) % 2 ** 31) / 2 ** 32;
  performance.now = refuse('performance.now');
  return () => {
    for (const [name, value] of kept) globals[name] = value;
    Date.now = now;
    Math.random = random;
    performance.now = performanceNow;
  };
}

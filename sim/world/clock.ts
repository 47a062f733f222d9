// Time inside a simulated life. It stands still while an event runs and jumps to the next one.
//
// Rule 1: monotonic time only moves on; the wall clock is monotonic time plus an offset that a fault may move at will.
// Rule 2: events at one instant run in the order in which they were set, so that a seed always lives alike.
// Rule 3: an event belongs to a life (a process, say), and is silently gone when that life has ended. The events of a
//         frozen life wait for it, in order.

/** What events may die with. */
export type Life = {
  alive: boolean;
  /** In microseconds of monotonic time; its events do not run before. */
  frozenUntilUs: number;
};

export const newLife = (): Life => ({ alive: true, frozenUntilUs: 0 });

export type Timer = {
  atUs: number;
  readonly order: number;
  readonly life: Life | null;
  readonly run: () => void;
  cancelled: boolean;
};

/** Microseconds an event may be ahead at most: four hundred years of 2^53. */
const AHEAD_US_MAX = 2 ** 52;

export class Clock {
  /** Monotonic time in microseconds since the life began. */
  nowUs = 0;
  /** What the wall clock shows beyond monotonic time, in milliseconds since 1970. */
  wallOffsetMs: number;
  /** Everything happens at multiples of this. */
  gridUs = 1;
  readonly #heap: Timer[] = [];
  #order = 0;

  constructor(wallOffsetMs: number) {
    this.wallOffsetMs = wallOffsetMs;
  }

  get monotonicMs(): number {
    return Math.floor(this.nowUs / 1000);
  }

  get wallMs(): number {
    return this.wallOffsetMs + this.monotonicMs;
  }

  /** Runs something after a delay, unless its life has ended by then. */
  after(delayUs: number, life: Life | null, run: () => void): Timer {
    const atUs = this.nowUs + Math.min(Math.max(Math.floor(delayUs), 0), AHEAD_US_MAX);
    const timer = {
      atUs: Math.ceil(atUs / this.gridUs) * this.gridUs,
      order: this.#order,
      life,
      run,
      cancelled: false,
    };
    this.#order += 1;
    this.#push(timer);
    return timer;
  }

  /** Moves time to the next event and returns it; undefined when nothing is to come. The caller runs it. */
  next(): Timer | undefined {
    for (;;) {
      const timer = this.#pop();
      if (timer === undefined) return undefined;
      if (timer.cancelled || timer.life?.alive === false) continue;
      if (timer.life !== null && timer.life.frozenUntilUs > timer.atUs) {
        timer.atUs = timer.life.frozenUntilUs;
        this.#push(timer);
        continue;
      }
      this.nowUs = Math.max(this.nowUs, timer.atUs);
      return timer;
    }
  }

  /** The whole world sleeps: what was due meanwhile happens afterwards, late. */
  sleep(forUs: number): void {
    this.nowUs += forUs;
  }

  /** How many events wait, dead ones included. */
  get waiting(): number {
    return this.#heap.length;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(timer);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || before(parent, timer)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && before(right, child)) {
        below += 1;
        child = right;
      }
      if (before(last, child)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
    return top;
  }
}

function before(first: Timer, second: Timer): boolean {
  return first.atUs < second.atUs || (first.atUs === second.atUs && first.order < second.order);
}

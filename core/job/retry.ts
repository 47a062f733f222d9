// When a failed job runs again.
//
// Exponential backoff with full jitter, as in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015):
// failure n waits random(0, min(baseMs * factor^(n-1), maxMs)).

/** `baseMs` and `maxMs` in milliseconds, at least 0; `factor` at least 1. */
export type ExponentialBackoff = { readonly baseMs: number; readonly maxMs: number; readonly factor: number };

/** Milliseconds to wait after failure n, n from 1. It decides alone: no jitter is added. */
export type BackoffFunction = (failures: number) => number;

export type Backoff = ExponentialBackoff | BackoffFunction;

export const DEFAULT_BACKOFF: ExponentialBackoff = { baseMs: 1_000, maxMs: 3_600_000, factor: 2 };

/** A year: no retry waits longer, whatever a user's function says. */
export const RETRY_DELAY_MS_MAX = 31_536_000_000;

/**
 * Whole milliseconds until the retry after the `failures`-th failure. `random` is a draw from [0, 1).
 * What a user's function returns is clamped to 0 … a year; what is not a number, or thrown, falls back to the default.
 */
export function retryDelayMs(backoff: Backoff, failures: number, random: number): number {
  if (typeof backoff === 'function') {
    const delayMs = call(backoff, failures);
    if (delayMs !== undefined) return Math.round(Math.min(Math.max(delayMs, 0), RETRY_DELAY_MS_MAX));
    backoff = DEFAULT_BACKOFF;
  }
  const growth = Math.min(backoff.factor ** (failures - 1), Number.MAX_SAFE_INTEGER); // 0 times infinity is no number
  const ceilingMs = Math.floor(Math.min(backoff.baseMs * growth, backoff.maxMs, RETRY_DELAY_MS_MAX));
  return Math.floor(random * (ceilingMs + 1));
}

function call(backoff: BackoffFunction, failures: number): number | undefined {
  try {
    const delayMs: unknown = backoff(failures);
    return typeof delayMs === 'number' && !Number.isNaN(delayMs) ? delayMs : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A stream of draws from [0, 1) out of one 32-bit seed: splitmix32 (after Steele, Lea and Flood, "Fast Splittable
 * Pseudorandom Number Generators", OOPSLA 2014). One seed a step keeps the core free of dice and its runs repeatable.
 */
export function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 2 ** 32;
  };
}

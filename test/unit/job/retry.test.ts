import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_BACKOFF, RETRY_DELAY_MS_MAX, draws, retryDelayMs } from '../../../core/job/retry.ts';

const ALMOST_ONE = 1 - 2 ** -32;

describe('exponential backoff with full jitter', () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [12, 2_048_000],
    [13, 3_600_000],
    [100, 3_600_000],
  ])('failure %i waits at most %i ms by default, and as little as nothing', (failures, ceilingMs) => {
    expect(retryDelayMs(DEFAULT_BACKOFF, failures, ALMOST_ONE)).toBe(ceilingMs);
    expect(retryDelayMs(DEFAULT_BACKOFF, failures, 0)).toBe(0);
  });

  it('is a whole number within its bounds, whatever the settings', () => {
    const backoffs = fc.record({
      baseMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
      maxMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
      factor: fc.double({ min: 1, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(
        backoffs,
        fc.integer({ min: 1, max: 101 }),
        fc.double({ min: 0, max: ALMOST_ONE, noNaN: true }),
        (b, n, random) => {
          const delayMs = retryDelayMs(b, n, random);
          expect(Number.isSafeInteger(delayMs)).toBe(true);
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThanOrEqual(Math.min(b.maxMs, RETRY_DELAY_MS_MAX));
        },
      ),
    );
  });
});

describe("a user's function", () => {
  it('decides alone', () => {
    expect(retryDelayMs((failures) => failures * 10, 3, 0.5)).toBe(30);
  });

  it.each([
    [-5, 0],
    [Infinity, RETRY_DELAY_MS_MAX],
    [1.6, 2],
  ])('that says %d waits %d ms', (says, delayMs) => {
    expect(retryDelayMs(() => says, 1, 0.5)).toBe(delayMs);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['says NaN', () => NaN],
    ['says a text', () => 'soon' as unknown as number],
  ])('that %s is replaced by the default', (_, backoff) => {
    expect(retryDelayMs(backoff, 1, ALMOST_ONE)).toBe(DEFAULT_BACKOFF.baseMs);
  });
});

describe('draws', () => {
  it('are the same for the same seed, and within [0, 1)', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const [a, b] = [draws(seed), draws(seed)];
        for (let i = 0; i < 20; i++) {
          const value = a();
          expect(value).toBe(b());
          expect(value >= 0 && value < 1).toBe(true);
        }
      }),
    );
  });

  it('are spread evenly', () => {
    const draw = draws(7);
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const bucket = Math.floor(draw() * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

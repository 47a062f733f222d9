// Seeds as people write them: `42`, `0x2a`, a commit hash, or a range of numbers.

const SEED_BITS = 64n;
const MASK = (1n << SEED_BITS) - 1n;

/** Digits are a number; `0x` and digits are one too; seven or more hexadecimal digits are a commit hash. */
export function parseSeed(text: string): bigint | undefined {
  if (/^\d+$/.test(text) || /^0x[\da-f]+$/i.test(text)) return BigInt(text) & MASK;
  if (/^[\da-f]{7,40}$/i.test(text)) return BigInt(`0x${text.slice(0, 16)}`);
  return undefined;
}

/** `0..1000` is the thousand seeds from 0 to 999. */
export function parseRange(text: string): { readonly from: bigint; readonly to: bigint } | undefined {
  const [first, last, ...rest] = text.split('..');
  if (first === undefined || last === undefined || rest.length > 0) return undefined;
  const from = parseSeed(first);
  const to = parseSeed(last);
  return from === undefined || to === undefined || to <= from ? undefined : { from, to };
}

export const formatSeed = (seed: bigint): string => `0x${(seed & MASK).toString(16)}`;

export const nextSeed = (seed: bigint): bigint => (seed + 1n) & MASK;

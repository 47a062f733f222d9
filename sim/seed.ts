// Seeds as people write them: `42`, `0x2a`, a commit hash, `commit` for the one that is checked out, or a range.

import { randomBytes } from 'node:crypto';
import { commitHash } from './commit.ts';

const SEED_BITS = 64n;
const MASK = (1n << SEED_BITS) - 1n;

/**
 * Digits are a number; `0x` and digits are one too; seven or more hexadecimal digits are a commit hash. Where there is no
 * repository, `commit` is any seed.
 */
export function parseSeed(text: string): bigint | undefined {
  if (text === 'commit') return parseSeed(commitHash() ?? `0x${randomBytes(8).toString('hex')}`);
  if (/^\d+$/.test(text) || /^0x[\da-f]+$/i.test(text)) return BigInt(text) & MASK;
  if (/^[\da-f]{7,40}$/i.test(text)) return BigInt(`0x${text.slice(0, 16)}`);
  return undefined;
}

/** `0..1000` is the thousand seeds from 0 to 999; `5+10` is the ten from 5 on. */
export function parseRange(text: string): { readonly from: bigint; readonly to: bigint } | undefined {
  const [, first = '', sign, last = ''] = /^(\w+)(\.\.|\+)(\w+)$/.exec(text) ?? [];
  const from = parseSeed(first);
  const end = parseSeed(last);
  if (from === undefined || end === undefined) return undefined;
  const to = sign === '+' ? from + end : end;
  return to <= from ? undefined : { from, to };
}

export const formatSeed = (seed: bigint): string => `0x${(seed & MASK).toString(16)}`;

export const nextSeed = (seed: bigint): bigint => (seed + 1n) & MASK;

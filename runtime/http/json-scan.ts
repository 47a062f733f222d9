// Reads JSON text without building values: strict, iterative and linear, so that it can look at a hostile body before
// `JSON.parse` does. What `JSON.parse` would take in silence, or only at a price, is found here:
//
// - levels beyond `PAYLOAD_LEVELS_MAX` (`JSON.parse` takes a million, `JSON.stringify` dies at five thousand),
// - numbers beyond the range of IEEE doubles (they become Infinity, and then null),
// - equal names in one object (the last wins),
// - the place of each part, so that a bulk body is measured and parsed job by job.
//
// A value that is too deep is skipped by its brackets alone; since it is refused anyway, its grammar does not matter.

import { PAYLOAD_LEVELS_MAX } from './settings.ts';

/** The caller's text is not JSON. `offset` counts UTF-16 units. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
  readonly offset: number;

  constructor(offset: number) {
    super(`not JSON at offset ${offset}`);
    this.offset = offset;
  }
}

export type Field = {
  readonly name: string;
  /** Offsets of the value. */
  readonly start: number;
  readonly end: number;
  readonly tooDeep: boolean;
  readonly outOfRange: boolean;
};

export type Member = { readonly name: string; /** Offset of the value. */ readonly start: number };

export type ObjectScan = {
  /** In the order of the text: the first `FIELDS_RECORDED_MAX`, equal names too, and known ones behind them. */
  readonly fields: readonly Field[];
  readonly fieldCount: number;
  readonly end: number;
};

/** Fields of one object that are told apart; no legal object has more than a handful. */
export const FIELDS_RECORDED_MAX = 1_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const NEVER_TOO_LONG = 300;

type Findings = { tooDeep: boolean; outOfRange: boolean };

/**
 * The fields of the object at `at`; undefined if another value is there. Those of `known` names are told wherever they are.
 * @throws {JsonSyntaxError}
 */
export function scanObject(text: string, at: number, known: ReadonlySet<string>): ObjectScan | undefined {
  if (!isObjectAt(text, at)) return undefined;
  const fields: Field[] = [];
  /** Known names that stand behind the others; of each two tell that it is given twice. */
  const late = new Map<string, number>();
  let fieldCount = 0;
  const members = scanMembers(text, at);
  let member = members.next(at);
  while (member.done !== true) {
    const { name, start } = member.value;
    const findings: Findings = { tooDeep: false, outOfRange: false };
    const end = skipValue(text, start, findings);
    fieldCount += 1;
    const isLate = fieldCount > FIELDS_RECORDED_MAX;
    if (isLate && known.has(name)) late.set(name, (late.get(name) ?? 0) + 1);
    if (!isLate || (late.get(name) ?? Number.POSITIVE_INFINITY) <= 2) {
      fields.push({ name, start, end, tooDeep: findings.tooDeep, outOfRange: findings.outOfRange });
    }
    member = members.next(end);
  }
  return { fields, fieldCount, end: member.value };
}

/**
 * The members of the object at `at`, each with the offset of its value. It is sent the offset behind that value, and
 * returns the one behind the object.
 * @throws {JsonSyntaxError}
 */
export function* scanMembers(text: string, at: number): Generator<Member, number, number> {
  at = skipSpace(text, at + 1);
  if (text.charCodeAt(at) === CLOSE_BRACE) return at + 1;
  for (;;) {
    const nameEnd = skipString(text, at);
    const name = nameOf(text.slice(at, nameEnd));
    at = skipSpace(text, yield { name, start: skipSpace(text, skipColon(text, nameEnd)) });
    const code = text.charCodeAt(at);
    if (code === CLOSE_BRACE) return at + 1;
    if (code !== COMMA) throw new JsonSyntaxError(at);
    at = skipSpace(text, at + 1);
  }
}

/** The same for the elements of the array at `at`. */
export function* scanElements(text: string, at: number): Generator<number, number, number> {
  at = skipSpace(text, at + 1);
  if (text.charCodeAt(at) === CLOSE_BRACKET) return at + 1;
  for (;;) {
    at = skipSpace(text, yield at);
    const code = text.charCodeAt(at);
    if (code === CLOSE_BRACKET) return at + 1;
    if (code !== COMMA) throw new JsonSyntaxError(at);
    at = skipSpace(text, at + 1);
  }
}

const nameOf = (quoted: string): string =>
  quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);

export const isObjectAt = (text: string, at: number): boolean => text.charCodeAt(at) === OPEN_BRACE;
export const isArrayAt = (text: string, at: number): boolean => text.charCodeAt(at) === OPEN_BRACKET;

/**
 * The offset behind the value at `at`.
 * @throws {JsonSyntaxError}
 */
export function skipValue(
  text: string,
  at: number,
  findings: Findings = { tooDeep: false, outOfRange: false },
): number {
  const closers: number[] = [];
  for (;;) {
    at = skipSpace(text, at);
    const code = text.charCodeAt(at);
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (closers.length === PAYLOAD_LEVELS_MAX) {
        findings.tooDeep = true;
        at = skipBrackets(text, at);
      } else {
        const closer = code === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
        at = skipSpace(text, at + 1);
        if (text.charCodeAt(at) === closer) at += 1;
        else {
          closers.push(closer);
          if (closer === CLOSE_BRACE) at = skipColon(text, skipString(text, at));
          continue;
        }
      }
    } else at = skipScalar(text, at, code, findings);

    for (;;) {
      const closer = closers.at(-1);
      if (closer === undefined) return at;
      at = skipSpace(text, at);
      const after = text.charCodeAt(at);
      if (after === COMMA) {
        at = skipSpace(text, at + 1);
        if (closer === CLOSE_BRACE) at = skipColon(text, skipString(text, at));
        break;
      }
      if (after !== closer) throw new JsonSyntaxError(at);
      closers.pop();
      at += 1;
    }
  }
}

export function skipSpace(text: string, at: number): number {
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at += 1;
  }
}

function skipColon(text: string, at: number): number {
  at = skipSpace(text, at);
  if (text.charCodeAt(at) !== COLON) throw new JsonSyntaxError(at);
  return at + 1;
}

function skipScalar(text: string, at: number, code: number, findings: Findings): number {
  if (code === QUOTE) return skipString(text, at);
  if (code === MINUS || isDigit(code)) return skipNumber(text, at, findings);
  for (const literal of ['true', 'false', 'null']) if (text.startsWith(literal, at)) return at + literal.length;
  throw new JsonSyntaxError(at);
}

function skipString(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) throw new JsonSyntaxError(at);
  for (at += 1; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) {
      at += 1;
      const escaped = text.charAt(at);
      if (escaped === 'u') {
        if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) throw new JsonSyntaxError(at);
        at += 4;
      } else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) throw new JsonSyntaxError(at);
    } else if (!(code >= 0x20)) throw new JsonSyntaxError(at); // the end of the text is NaN
  }
}

function skipNumber(text: string, start: number, findings: Findings): number {
  let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
  at = text.charCodeAt(at) === ZERO ? at + 1 : skipDigits(text, at);
  if (text.charCodeAt(at) === DOT) at = skipDigits(text, at + 1);
  const letter = text.charAt(at);
  const hasExponent = letter === 'e' || letter === 'E';
  if (hasExponent) {
    const sign = text.charAt(at + 1);
    at = skipDigits(text, sign === '+' || sign === '-' ? at + 2 : at + 1);
  }
  if (hasExponent || at - start > NEVER_TOO_LONG) {
    if (!Number.isFinite(Number(text.slice(start, at)))) findings.outOfRange = true;
  }
  return at;
}

function skipDigits(text: string, at: number): number {
  if (!isDigit(text.charCodeAt(at))) throw new JsonSyntaxError(at);
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at;
}

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

function skipBrackets(text: string, at: number): number {
  let level = 0;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at);
      continue;
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) level += 1;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) level -= 1;
    else if (Number.isNaN(code)) throw new JsonSyntaxError(at);
    at += 1;
    if (level === 0) return at;
  }
}

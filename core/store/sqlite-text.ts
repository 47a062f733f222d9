// Any string of UTF-16 units as text that SQLite keeps without loss.
//
// A backslash, NUL, a byte order mark and a lone surrogate are written as `\u` and four hexadecimal digits; all else
// stands for itself, so that ordinary names are readable in the file. The backslash itself is always escaped, hence two
// strings are equal exactly if their texts are: unique columns and look-ups need not know of this.

const LOSSY = /[\\\0\uFEFF\p{Surrogate}]/u;
const ALL_LOSSY = /[\\\0\uFEFF\p{Surrogate}]/gu;
const ESCAPE = /\\u([0-9a-f]{4})/g;

export function toText(value: string): string {
  if (!LOSSY.test(value)) return value;
  return value.replace(ALL_LOSSY, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function fromText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

// Instants on the wire (RFC 3339, 5.6): `1985-04-12T23:20:50.52Z`, `t` and `z` in either case, any offset.
//
// Digits below the millisecond are cut. A leap second is refused, as is a day that the month has not: what a calendar
// would make of it is another instant than the one written.

/** The first instant of the year 10000, which four digits cannot write. */
const INSTANT_END = Date.UTC(10_000, 0, 1);

const PATTERN = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Milliseconds since 1970, from 0 to the end of the year 9999; undefined for everything else. */
export function parseInstant(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const [offsetHour, offsetMinute] = [part(9), part(10)];
  if (year < 1969 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const milliseconds = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const offsetMs = (offsetHour * 60 + offsetMinute) * 60_000 * (match[8] === '-' ? -1 : 1);
  const instant = Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offsetMs;
  return instant >= 0 && instant < INSTANT_END ? instant : undefined;
}

export const formatInstant = (milliseconds: number): string => new Date(milliseconds).toISOString();

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

// CRC-32 as in zlib, gzip and PNG (reflected polynomial 0xedb88320), eight bytes a step ("slicing-by-8", Kounavis and
// Berry, 2005): the checksum of everything that is stored. It finds every burst of errors up to 32 bits, and any other
// damage but for one chance in 2³².

const POLYNOMIAL = 0xedb88320;
const SLICES = 8;

/** TABLE[256 * k + b] is the checksum of byte b followed by k zero bytes. */
const TABLE = makeTable();

/** Checksum of the bytes from `start` up to `end`, as an unsigned 32-bit integer. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1;
  let at = start;
  for (const last = end - SLICES; at <= last; at += SLICES) {
    crc ^= byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
    crc =
      entry(1792 + (crc & 0xff)) ^
      entry(1536 + ((crc >>> 8) & 0xff)) ^
      entry(1280 + ((crc >>> 16) & 0xff)) ^
      entry(1024 + (crc >>> 24)) ^
      entry(768 + byte(bytes, at + 4)) ^
      entry(512 + byte(bytes, at + 5)) ^
      entry(256 + byte(bytes, at + 6)) ^
      entry(byte(bytes, at + 7));
  }
  for (; at < end; at += 1) crc = (crc >>> 8) ^ entry((crc ^ byte(bytes, at)) & 0xff);
  return ~crc >>> 0;
}

/** Eight lowercase hexadecimal digits: the only way in which a checksum is written. */
export function crcText(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

/** The checksum that the text writes; undefined if it is not one. */
export function crcOfText(text: unknown): number | undefined {
  return typeof text === 'string' && /^[0-9a-f]{8}$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

// The bounds of the loops hold every index inside its array; the cast spares a branch for each byte.
function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function entry(index: number): number {
  return TABLE[index] as number;
}

function makeTable(): Int32Array {
  const table = new Int32Array(256 * SLICES);
  for (let index = 0; index < 256; index += 1) {
    let crc = index;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[index] = crc;
  }
  for (let index = 256; index < table.length; index += 1) {
    const before = table[index - 256] as number;
    table[index] = (before >>> 8) ^ (table[before & 0xff] as number);
  }
  return table;
}

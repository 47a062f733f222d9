// Why a data directory is not opened. Both errors are thrown before anything in it is changed.

/** Where the damage is, and what it is. */
export type Damage = {
  readonly file: string;
  /** Bytes from the start of the file; 0 for a file that is missing. */
  readonly offset: number;
  /** Number of the record that is lost or cannot be judged; null where no record is concerned. */
  readonly record: number | null;
  readonly reason: string;
};

/** Stored bytes that were durable are not what was stored. Nothing is skipped and nothing guessed: that is for salvage. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
  readonly file: string;
  readonly offset: number;
  readonly record: number | null;
  readonly reason: string;

  constructor(damage: Damage, options?: { cause: unknown }) {
    const { file, offset, record, reason } = damage;
    const place = `${file} is damaged at byte ${offset}${record === null ? '' : `, record ${record}`}`;
    super(
      `${place}: ${reason}. No file was changed. \`perdure salvage DAMAGED NEW\` (from a clone: \`npm run salvage -- DAMAGED NEW\`) copies what can be read to a new directory.`,
      options,
    );
    this.file = file;
    this.offset = offset;
    this.record = record;
    this.reason = reason;
  }
}

/** The file was written by a newer version. It may be in perfect order; only this program cannot know. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly file: string;
  readonly found: number;
  readonly newestKnown: number;

  constructor(format: { file: string; found: number; newestKnown: number }) {
    const { file, found, newestKnown } = format;
    super(
      `${file} has format ${found}, newer than format ${newestKnown}, the newest that this version knows. ` +
        `No file was changed; a newer perdure opens it.`,
    );
    this.file = file;
    this.found = found;
    this.newestKnown = newestKnown;
  }
}

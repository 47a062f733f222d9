// Every bound of the core, with its unit and its reason. What a user may set is in runtime/config.ts.

/** Inputs decided in one step: bounds the time a reply waits for strangers that share its record. */
export const STEP_INPUTS_MAX = 1_024;

/** UTF-16 units of payloads taken into one step: bounds the size of a record. One larger input still goes alone. */
export const STEP_TEXT_MAX = 16 * 1024 * 1024;

/** Client requests that may wait for the disk; one more is refused at once, so that memory stays bounded. */
export const WAITING_REQUESTS_MAX = 20_000;

/** UTF-16 units of payloads that may wait for the disk. */
export const WAITING_TEXT_MAX = 256 * 1024 * 1024;

/** Terminal jobs forgotten in one step: retention never holds up a submission for long. */
export const FORGET_PER_STEP_MAX = 100;

/** Milliseconds within which a job past its retention is forgotten. */
export const FORGET_WITHIN_MS = 10_000;

/** Milliseconds of quiet after which a seal record proves that the last batch was durable. */
export const SEAL_AFTER_MS = 50;

/** Milliseconds between two attempts to write again after the disk was full. */
export const SPACE_RETRY_MS = 2_000;

/** Bytes of the reserve file that is given up when the disk is full: room for completions and the final record. */
export const RESERVE_BYTES = 1024 * 1024;

/** Journal bytes below which no snapshot is taken, however small the last one was. */
export const SNAPSHOT_AFTER_BYTES_MIN = 8 * 1024 * 1024;

/**
 * Journal bytes after which a new segment is begun, also while a snapshot runs or cannot be taken: a start reads a segment
 * whole, and Node reads no file of 2 GiB. One record may still go beyond it.
 */
export const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;

/** Milliseconds before a failed snapshot, or a segment that could not be begun, is tried again. */
export const SNAPSHOT_RETRY_MS = 60_000;

/** Bytes of one journal line: a bulk submission of the largest legal size, its escapes and its events fit. */
export const RECORD_BYTES_MAX = 512 * 1024 * 1024;

/** Jobs of one page of a list. */
export const PAGE_JOBS_MAX = 1_000;

/** Events handed to a reader of the feed in one reply. */
export const FEED_EVENTS_MAX = 1_000;

/** Events of forgotten jobs and of queues that the feed keeps; they belong to no job that could bound them. */
export const LOOSE_EVENTS_MAX = 10_000;

/** `extended` and `progressed` events kept for one job: a handler may report as often as it likes. */
export const FEED_ONLY_EVENTS_MAX = 100;

// What an operator decides about HTTP, and the limits of one server.

export type HttpSettings = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Names that the `Host` header may carry beside loopback and `host`. */
  readonly allowedHosts: readonly string[];
  /** The bearer token of every call but the probes; null where none is asked for. */
  readonly authToken: string | null;
  /** Bytes of one submission; a bulk body may have `BULK_BODY_FACTOR` times as many. */
  readonly bodyBytesMax: number;
  /** Live feeds at once; one more gets 503. */
  readonly feedConnectionsMax: number;
  /** Connections at once; one more gets 503 and is closed. */
  readonly connectionsMax: number;
  /** Milliseconds for all headers of a request to arrive, `HEADERS_TIMEOUT_MS` if absent. */
  readonly headersTimeoutMs?: number;
  /** Milliseconds for a whole request to arrive, `REQUEST_TIMEOUT_MS` if absent. */
  readonly requestTimeoutMs?: number;
};

export const FEED_CONNECTIONS_MAX = 100;
export const CONNECTIONS_MAX = 1_000;
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;

/** Milliseconds an idle connection is kept: longer than the usual client's, so that the client is the one to close. */
export const KEEP_ALIVE_MS = 65_000;

/** Milliseconds without a byte in either direction after which a connection is given up: a reader that is stuck. */
export const SILENCE_MS = 120_000;

/** Milliseconds a refused sender is listened to after its answer: a socket closed on unread bytes loses the answer. */
export const LINGER_MS = 1_000;

/** Milliseconds that requests under way have left when the server closes. */
export const CLOSE_GRACE_MS = 2_000;

/** A bulk body may have so many times the bytes of a single one. */
export const BULK_BODY_FACTOR = 64;

/** Jobs of one bulk submission. */
export const BULK_JOBS_MAX = 10_000;

/** Bytes of all bodies being read or decided on; one more is refused unless it is alone, so that memory is bounded. */
export const BODIES_BYTES_MAX = 512 * 1024 * 1024;

/** Levels of arrays and objects inside a payload: `JSON.stringify` and handlers recurse, and must not overflow. */
export const PAYLOAD_LEVELS_MAX = 64;

/** Field errors listed in one answer; the detail tells how many there are. */
export const ERRORS_LISTED_MAX = 100_000;

/** What the jobs of one page are charged at most, in the units of MAX_DATA_BYTES: a string holds no more than 512 MiB. */
export const PAGE_TEXT_MAX = 64 * 1024 * 1024;

/** Milliseconds between two comments on a silent feed: proxies drop connections that say nothing. */
export const HEARTBEAT_MS = 15_000;

/** Milliseconds a feed may have something to send and a reader that takes nothing. */
export const STALLED_MS = 5_000;

/** UTF-16 units of one piece of a feed: small, so that a slow reader still shows progress. */
export const FEED_PIECE_MAX = 16 * 1024;

/** Events that wait in memory for one reader; beyond them it is served from the store again. */
export const FEED_WAITING_MAX = 1_000;

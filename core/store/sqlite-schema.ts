// The format of the database file. It is meant to be opened with the `sqlite3` tool.
//
// job           one row a job; `submitted_seq` is its place in the order of submission
// event         what happened, numbered by `seq`. `job_seq` is the `submitted_seq` of its job; the job's id, type and queue
//               are in the event itself only where no job is left to hold them (`deleted`) or there never was one
//               (`paused`, `resumed`: the queue alone)
// paused_queue  the queues that start nothing
// meta          one row: how far the events go
// history       a view for people: the events of the jobs that are kept, with their ids and readable instants
//
// Instants are milliseconds since 1970-01-01T00:00:00Z. `payload`, `progress`, `result`, `last_error` and `detail` are JSON
// text. In the other texts a backslash begins an escape (sqlite-text.ts).
//
// `PRAGMA application_id` tells whose file it is, `PRAGMA user_version` is the number of this format.

/** Grows with every change that an older program would misread. */
export const FORMAT = 1;

/** "perd" in ASCII; `file` shows it, and other people's databases are told apart by it. */
export const APPLICATION_ID = 0x70657264;

/**
 * Set on every open. The file lives in memory alone, so what these settings give up on a disk is nothing here; the
 * journal is kept because a rollback needs it. `cache_size` is in KiB when negative.
 */
export const PRAGMAS = `
  PRAGMA journal_mode = MEMORY;
  PRAGMA synchronous = OFF;
  PRAGMA temp_store = MEMORY;
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA cache_size = -16384;
  PRAGMA foreign_keys = ON;
`;

export const SCHEMA = `
  CREATE TABLE job (
    submitted_seq   INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    type            TEXT NOT NULL,
    queue           TEXT NOT NULL,
    state           TEXT NOT NULL,
    priority        INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    crashes         INTEGER NOT NULL,
    suspect         INTEGER NOT NULL,
    max_retries     INTEGER NOT NULL,
    timeout_ms      INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    run_at          INTEGER NOT NULL,
    started_at      INTEGER,
    lease_until     INTEGER,
    finished_at     INTEGER,
    idempotency_key TEXT,
    last_error      TEXT,
    progress        TEXT,
    result          TEXT,
    payload         TEXT NOT NULL
  ) STRICT;

  CREATE UNIQUE INDEX job_by_key ON job (idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX job_by_state ON job (state);
  CREATE INDEX job_by_type ON job (type);
  CREATE INDEX job_by_queue ON job (queue);
  CREATE INDEX job_pending ON job (queue) WHERE state = 'pending';
  CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL;

  CREATE TABLE event (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    job_seq INTEGER REFERENCES job,
    state   TEXT,
    attempt INTEGER,
    detail  TEXT,
    job_id  TEXT,
    type    TEXT,
    queue   TEXT
  ) STRICT;

  CREATE INDEX event_by_job ON event (job_seq);
  CREATE INDEX event_feed_only ON event (job_seq) WHERE kind IN ('extended', 'progressed');

  CREATE TABLE paused_queue (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

  CREATE TABLE meta (
    last_seq      INTEGER NOT NULL,
    last_at       INTEGER NOT NULL,
    forgotten_seq INTEGER NOT NULL
  ) STRICT;
  INSERT INTO meta VALUES (0, 0, 0);

  CREATE VIEW history AS
    SELECT job.id AS job_id, event.seq, strftime('%Y-%m-%dT%H:%M:%fZ', event.at / 1000.0, 'unixepoch') AS at,
           event.kind, event.state, event.attempt, event.detail
    FROM event JOIN job ON job.submitted_seq = event.job_seq;

  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};
`;

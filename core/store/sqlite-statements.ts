// Every statement that the SQLite tables keep prepared. All values are bound by position.

import { EVENT_COLUMNS, JOB_COLUMNS, LIFE_ASSIGNMENTS } from './sqlite-rows.ts';
import type { JobFilter } from './tables.ts';

const FEED_ONLY = `kind IN ('extended', 'progressed')`;

export const SELECT_META = `SELECT last_seq, last_at, forgotten_seq FROM meta`;
export const UPDATE_META = `UPDATE meta SET last_seq = ?, last_at = ?, forgotten_seq = ?`;

export const SELECT_JOB = `SELECT ${JOB_COLUMNS} FROM job WHERE id = ?`;
export const SELECT_JOB_BY_KEY = `SELECT ${JOB_COLUMNS} FROM job WHERE idempotency_key = ?`;
export const SELECT_JOB_SEQ = `SELECT submitted_seq FROM job WHERE id = ?`;
export const SELECT_LATEST_JOB = `SELECT ifnull(max(submitted_seq), 0) FROM job`;
export const SELECT_STATE = `
  SELECT ${JOB_COLUMNS} FROM job WHERE state = ? AND submitted_seq > ? ORDER BY submitted_seq LIMIT ?`;
export const SELECT_FINISHED = `
  SELECT id FROM job WHERE finished_at <= ? ORDER BY finished_at, submitted_seq LIMIT ?`;
export const SELECT_OLDEST_FINISHED = `
  SELECT finished_at FROM job WHERE finished_at IS NOT NULL ORDER BY finished_at LIMIT 1`;
export const SELECT_OLDEST_PENDING = `
  SELECT created_at FROM job WHERE queue = ? AND state = 'pending' ORDER BY submitted_seq LIMIT 1`;
export const INSERT_JOB = `
  INSERT INTO job (${JOB_COLUMNS.replaceAll('job.', '')}) VALUES (${JOB_COLUMNS.replaceAll(/job\.\w+/g, '?')})`;
/** The payload is not in it: an update never writes it again. */
export const UPDATE_JOB = `UPDATE job SET ${LIFE_ASSIGNMENTS} WHERE submitted_seq = ? AND id = ?`;
export const DELETE_JOB = `DELETE FROM job WHERE submitted_seq = ?`;

export const SELECT_HISTORY = `
  SELECT ${EVENT_COLUMNS} FROM job JOIN event ON event.job_seq = job.submitted_seq
  WHERE job.id = ? AND NOT event.${FEED_ONLY} ORDER BY event.seq`;
export const SELECT_EVENTS = `
  SELECT ${EVENT_COLUMNS} FROM event LEFT JOIN job ON job.submitted_seq = event.job_seq
  WHERE event.seq > ? ORDER BY event.seq LIMIT ?`;
export const SELECT_LATEST_EVENT_OF_JOB = `SELECT ifnull(max(seq), 0) FROM event WHERE job_seq = ?`;
/** The latest of the feed-only events beyond those to keep. */
export const SELECT_FEED_ONLY_SURPLUS = `
  SELECT seq FROM event WHERE job_seq = ? AND ${FEED_ONLY} ORDER BY seq DESC LIMIT 1 OFFSET ?`;
/** The latest of that many of the oldest loose events. */
export const SELECT_LOOSE_SURPLUS = `
  SELECT max(seq) FROM (SELECT seq FROM event WHERE job_seq IS NULL ORDER BY seq LIMIT ?)`;
export const COUNT_LOOSE = `SELECT count(*) FROM event WHERE job_seq IS NULL`;
export const INSERT_EVENT = `
  INSERT INTO event (seq, at, kind, job_seq, state, attempt, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`;
export const INSERT_LOOSE_EVENT = `
  INSERT INTO event (seq, at, kind, state, attempt, detail, job_id, type, queue) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
export const DELETE_EVENTS_OF_JOB = `DELETE FROM event WHERE job_seq = ?`;
export const DELETE_FEED_ONLY = `DELETE FROM event WHERE job_seq = ? AND ${FEED_ONLY} AND seq <= ?`;
export const DELETE_LOOSE = `DELETE FROM event WHERE job_seq IS NULL AND seq <= ?`;

export const SELECT_PAUSED = `SELECT name FROM paused_queue`;
export const INSERT_PAUSED = `INSERT INTO paused_queue VALUES (?) ON CONFLICT DO NOTHING`;
export const DELETE_PAUSED = `DELETE FROM paused_queue WHERE name = ?`;

/**
 * A page of a list. Bound are the type and the queue, where the filter has them, then `before` and the limit. A `+` keeps
 * SQLite from an index: most jobs have succeeded, so that this state narrows least of all, and any other narrows most.
 */
export function selectList({ state, type, queue }: JobFilter): string {
  const byState = state !== undefined && (state !== 'succeeded' || (type === undefined && queue === undefined));
  const byType = !byState && type !== undefined;
  const byQueue = state === 'pending' || (!byState && !byType);
  const conditions = [
    state === undefined ? '' : `${byState ? '' : '+'}state = '${state}' AND`,
    type === undefined ? '' : `${byType ? '' : '+'}type = ? AND`,
    queue === undefined ? '' : `${byQueue ? '' : '+'}queue = ? AND`,
  ];
  return `
    SELECT ${JOB_COLUMNS} FROM job WHERE ${conditions.join(' ')} submitted_seq < ? ORDER BY submitted_seq DESC LIMIT ?`;
}

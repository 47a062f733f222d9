// Scheduling: decided here and nowhere else. At the end of every step the free slots are filled with the jobs that come
// first, and old jobs are forgotten in small steps.

import { assert } from '../job/assert.ts';
import { Instant, earliest, isTerminal } from '../job/job.ts';
import { FORGET_PER_STEP_MAX, FORGET_WITHIN_MS } from '../job/limits.ts';
import { start } from './attempt.ts';
import type { Step } from './step.ts';
import type { Lane } from './timetable.ts';

export function schedule(step: Step): void {
  step.memory.timetable.promote(step.at);
  if (!step.isWritable) return;
  forgetOld(step);
  startReady(step);
}

/** When the next step is due though nothing comes in; null if only an input can change anything. */
export function wakeAt(step: Step): Instant | null {
  const { timetable, forgetAt } = step.memory;
  if (!step.isWritable) return timetable.nextExpiryAt;
  const { retentionMs } = step.settings;
  const forgetDueAt = retentionMs === 0 || forgetAt === null ? null : Instant(forgetAt + retentionMs);
  return earliest(timetable.nextReadyAt, timetable.nextExpiryAt, forgetDueAt);
}

function startReady(step: Step): void {
  const { memory, settings } = step;
  while (!memory.isDraining && memory.census.running < settings.workerCount) {
    if (memory.abandoned.size >= settings.workerCount) return;
    const jobId = memory.timetable.next((lane) => isOpen(step, lane));
    if (jobId === undefined) return;
    start(step, jobId);
  }
}

/** Whether a job of the lane may start now. */
function isOpen(step: Step, lane: Lane): boolean {
  const { paused, timetable } = step.memory;
  const type = step.settings.types.get(lane.type);
  if (type === undefined || paused.has(lane.queue)) return false;
  if (lane.suspect && timetable.suspectsRunning > 0) return false;
  return type.concurrency === null || timetable.runningOf(lane.type) < type.concurrency;
}

function forgetOld(step: Step): void {
  const { memory, tables } = step;
  const { retentionMs } = step.settings;
  if (retentionMs === 0 || memory.forgetAt === null || memory.forgetAt + retentionMs > step.at) return;

  const old = tables.finishedBefore(Instant(step.at - retentionMs), FORGET_PER_STEP_MAX);
  for (const jobId of old) {
    const job = tables.job(jobId);
    assert(job !== undefined && isTerminal(job), `only a terminal job is forgotten (${jobId})`);
    step.happen(jobId, job, { kind: 'deleted' });
  }
  memory.forgetAt = nextForgetAt(step, old.length === FORGET_PER_STEP_MAX);
}

/** The oldest terminal job decides, but sweeps stay some seconds apart unless there is more to forget already. */
function nextForgetAt(step: Step, hasMore: boolean): Instant | null {
  const oldestAt = step.tables.oldestFinishedAt();
  if (oldestAt === undefined || hasMore) return oldestAt ?? null;
  return Instant(Math.max(oldestAt, step.at + FORGET_WITHIN_MS - step.settings.retentionMs));
}

// A whole turn, held against the reference: its inputs are known, so that everything it did must follow from them.

import type { Turn } from '../../core/engine/engine.ts';
import type { Input, RequestId } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { EventRow, Tables } from '../../core/store/tables.ts';
import { advance, jobDiffers, meet, turnOf } from '../../sim/oracles/agreement.ts';
import { Disagreement } from '../../sim/oracles/disagreement.ts';
import type { Reference } from '../../sim/oracles/reference.ts';

/** Age beyond its retention at which a job must be gone. */
const FORGOTTEN_WITHIN_MS = 60_000;

export type Told = {
  readonly inputs: readonly Input[];
  readonly rows: readonly EventRow[];
  readonly at: number;
  /** Null if the process died before it answered. */
  readonly replies: ReadonlyMap<RequestId, Reply> | null;
};

/** @throws {Disagreement} if the turn did, said or left undone anything that does not follow from its inputs. */
export function followTurn(reference: Reference, { inputs, rows, at, replies }: Told): void {
  const turn = turnOf(rows, at);
  for (const row of rows) if (row.at !== at) throw new Disagreement(`event ${row.seq} is stamped ${row.at}, not ${at}`);
  let isTick = false;
  for (const { requestId, command } of inputs) {
    switch (command.kind) {
      case 'recover':
        while (reference.in('running').length > 0) {
          if (rows[turn.followed]?.kind !== 'crashed') throw new Disagreement('what was running has not crashed');
          advance(reference, turn, {});
        }
        break;
      case 'tick':
        isTick = true;
        break;
      case 'drain':
        reference.isDraining = true;
        break;
      default: {
        if (['succeed', 'fail', 'release', 'ended'].includes(command.kind) && 'attempt' in command) {
          reference.abandoned?.delete(`${command.jobId}#${command.attempt}`);
        }
        const reply = requestId === null ? null : (replies?.get(requestId) ?? null);
        if (requestId !== null && replies !== null && reply === null)
          throw new Disagreement(`${command.kind}: no reply`);
        const mismatch = meet(reference, { command, reply }, turn);
        if (mismatch !== null) throw new Disagreement(`${command.kind}: ${mismatch}`);
      }
    }
  }
  for (let row = rows[turn.followed]; row !== undefined; row = rows[turn.followed]) {
    if (row.kind === 'deleted') mayBeForgotten(reference, row);
    else if (row.kind !== 'started' && !(row.kind === 'expired' && isTick)) {
      throw new Disagreement(`nobody asked for event ${row.seq}: ${row.jobId ?? row.queue} is ${row.kind}`);
    }
    advance(reference, turn, {});
  }
  if (isTick) nothingIsOverdue(reference, at);
  const waiting = reference.next(at);
  if (waiting !== undefined) throw new Disagreement(`job ${waiting.id} may start, and is left to wait`);
}

/** What the turn sets going in the world, and when it wants to be woken. */
export function followEffects(reference: Reference, { effects, wakeAt }: Turn, rows: readonly EventRow[]): void {
  const started = effects.flatMap((effect) => (effect.kind === 'start' ? [effect.job] : []));
  const expected = rows.filter(({ kind }) => kind === 'started').map(({ jobId }) => jobId);
  const told = started.map(({ id }) => id);
  if (told.join(' ') !== expected.join(' '))
    throw new Disagreement(`started ${told.join(' ')}, not ${expected.join(' ')}`);
  for (const job of started) {
    const mismatch = jobDiffers(reference.jobs.get(job.id), job);
    if (mismatch !== null) throw new Disagreement(`a handler is started, and ${mismatch}`);
  }
  const aborts = effects.flatMap((one) => (one.kind === 'abort' ? [`${one.jobId}#${one.attempt} ${one.reason}`] : []));
  const expectedAborts = reference.aborts.splice(0);
  if (aborts.sort().join() !== expectedAborts.sort().join()) {
    throw new Disagreement(`aborted ${aborts.join()}, not ${expectedAborts.join()}`);
  }
  for (const { leaseUntil } of reference.in('running')) {
    if (leaseUntil !== null && (wakeAt === null || wakeAt > leaseUntil)) throw new Disagreement('a lease ends unseen');
  }
  const earliest = Math.min(...reference.in('pending').map(({ runAt }) => runAt));
  const canStart = Number.isFinite(earliest) && reference.next(earliest) !== undefined;
  if (canStart && (wakeAt === null || wakeAt > earliest)) throw new Disagreement('a job comes due unseen');
}

/** Every stored job is as it must be, and there is no other. */
export function sameJobs(reference: Reference, tables: Tables): void {
  const stored = tables.list({ filter: {}, before: undefined, limit: Number.MAX_SAFE_INTEGER });
  if (stored.length !== reference.jobs.size)
    throw new Disagreement(`${stored.length} jobs, not ${reference.jobs.size}`);
  for (const job of stored) {
    const mismatch = jobDiffers(reference.jobs.get(job.id), job);
    if (mismatch !== null) throw new Disagreement(mismatch);
  }
}

function mayBeForgotten({ jobs, settings }: Reference, { jobId, at }: EventRow): void {
  const finishedAt = jobId === null ? null : jobs.get(jobId)?.finishedAt;
  const isOld = settings.retentionMs > 0 && finishedAt != null && at - finishedAt >= settings.retentionMs;
  if (!isOld) throw new Disagreement(`job ${jobId ?? ''} is forgotten too early`);
}

function nothingIsOverdue({ jobs, settings: { retentionMs } }: Reference, at: number): void {
  for (const { id, leaseUntil, finishedAt } of jobs.values()) {
    if (leaseUntil !== null && leaseUntil <= at) throw new Disagreement(`the lease of job ${id} is over and goes on`);
    const ageMs = finishedAt === null || retentionMs === 0 ? 0 : at - finishedAt - retentionMs;
    if (ageMs > FORGOTTEN_WITHIN_MS) throw new Disagreement(`job ${id} is kept too long`);
  }
}

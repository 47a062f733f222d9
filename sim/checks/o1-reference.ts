// The whole queue, held against a second reading of its contract.
//
// A turn's events come before its replies, and neither says at which of them a reply was decided. So each reply must fit at
// one point of its turn, at or after the point of the reply before it: the check goes forward only as far as it must.

import type { Effect, Reply } from '../../core/queue/effect.ts';
import type { EventRow, Tables } from '../../core/store/tables.ts';
import { fenceOf } from '../ledger.ts';
import type { Exchange } from '../ledger.ts';
import { advance, jobDiffers, meet, turnOf } from '../oracles/agreement.ts';
import type { Turn } from '../oracles/agreement.ts';
import { Disagreement } from '../oracles/disagreement.ts';
import { Reference } from '../oracles/reference.ts';
import type { Cause } from '../oracles/reference.ts';
import type { Check } from './check.ts';

/** Refusals that tell of the disk, the load or a shutdown: no reading of the contract foretells them. */
const WORLDLY: ReadonlySet<string> = new Set(['draining', 'overloaded', 'read-only', 'disk-failed', 'outcome-unknown']);
/** Faults after which nobody can tell how far the wall clock and the queue's are apart. */
const CLOCK_FAULTS = ['C1', 'C2', 'C3', 'C4', 'C6', 'C8'] as const;
const READS: ReadonlySet<string> = new Set(['get', 'list', 'stats', 'queues', 'feed']);
const UNKNOWN: Cause = {};

export const reference: Check = {
  name: 'O1',
  sentence: 'every event, start, abort and reply is what a second reading of the contract makes of those before it',
  watch({ world, ledger, settings, fail }) {
    const reference = new Reference(settings());
    reference.abandoned = null;
    let rows: EventRow[] = [];
    let turn: Turn = turnOf(rows, null);
    let tables: Tables | null = null;
    let hasInstants = false;
    /** Attempts that were started, and aborted, by the effects of this turn. */
    let started: string[] = [];
    let aborted: string[] = [];

    const begin = (): void => {
      rows = [];
      turn = turnOf(rows, null);
      started = [];
      aborted = [];
      reference.aborts.length = 0;
    };

    const causeOf = ({ kind, jobId, attempt }: EventRow): Cause => {
      if (jobId === null) return UNKNOWN;
      if (kind === 'submitted') {
        const submission = ledger.offers.get(jobId)?.submission;
        return submission === undefined ? UNKNOWN : { submission };
      }
      const fence = fenceOf(jobId, attempt ?? 0);
      if (kind === 'failed') return { retryable: ledger.threw.get(fence)?.isFinal !== true };
      const result = kind === 'succeeded' ? ledger.returned.get(fence) : undefined;
      return result === undefined ? UNKNOWN : { result };
    };

    /** False if the turn has no more events. */
    const goOn = (): boolean => {
      const row = rows[turn.followed];
      if (row === undefined) return false;
      advance(reference, turn, causeOf(row));
      return true;
    };

    const answered = (reply: Reply, { command, client }: Exchange): void => {
      if (reply.kind === 'refused' && reply.refusals.some(({ reason }) => WORLDLY.has(reason))) {
        const isReadOnly = reply.refusals.some(({ reason }) => reason === 'read-only');
        if (isReadOnly && READS.has(command.kind)) fail(`${command.kind} is refused because nothing can be written`);
        return;
      }
      let first: string | null = null;
      for (;;) {
        const mismatch = meet(reference, { command, reply }, turn);
        if (mismatch === null) return;
        first ??= mismatch;
        if (!goOn()) fail(`${command.kind} of ${client}: ${first}${first === mismatch ? '' : `; at last ${mismatch}`}`);
      }
    };

    const released = (effect: Effect, exchange: Exchange | undefined): void => {
      switch (effect.kind) {
        case 'reply':
          if (exchange !== undefined) answered(effect.reply, exchange);
          return;
        case 'start': {
          const { id, attempt } = effect.job;
          while (reference.jobs.get(id)?.attempt !== attempt && goOn());
          const mismatch = jobDiffers(reference.jobs.get(id), effect.job);
          if (mismatch !== null) fail(`a handler is started, and ${mismatch}`);
          started.push(fenceOf(id, attempt));
          return;
        }
        case 'abort':
          aborted.push(`${fenceOf(effect.jobId, effect.attempt)} ${effect.reason}`);
          return;
        case 'publish':
          while (goOn());
          learn(rows);
          over();
      }
    };

    /** Once a clock was set nobody can tell what an instant that a client names is on the queue's clock. */
    const readClocks = (): void => {
      if (!hasInstants || reference.wallAheadMs === null) return;
      const counts = world.faults.counts();
      if (CLOCK_FAULTS.some((code) => (counts.get(code) ?? 0) > 0)) reference.wallAheadMs = null;
    };

    /** Only the tables know what handlers report. */
    const learn = (rows: readonly EventRow[]): void => {
      for (const { kind, jobId } of rows) {
        const job = kind === 'progressed' && jobId !== null ? reference.jobs.get(jobId) : undefined;
        if (job !== undefined) job.progress = tables?.job(job.id)?.progress ?? null;
      }
    };

    /** All effects of the turn have left: none may be missing, and no worker may idle while a job waits for one. */
    const over = (): void => {
      const starts = rows.filter(({ kind }) => kind === 'started');
      const expected = starts.map(({ jobId, attempt }) => `${jobId}#${attempt}`);
      if (expected.join(' ') !== started.join(' ')) fail(`started are ${started.join(' ')}, not ${expected.join(' ')}`);
      const aborts = reference.aborts.sort().join(', ');
      if (aborted.sort().join(', ') !== aborts) fail(`aborted are [${aborted.join(', ')}], not [${aborts}]`);
      const last = rows.at(-1);
      const waiting = last?.kind === 'started' ? reference.next(last.at) : undefined;
      if (waiting !== undefined) fail(`job ${waiting.id} may start, and is left to wait`);
    };

    const held =
      <Arguments extends readonly unknown[]>(act: (...told: Arguments) => void) =>
      (...told: Arguments): void => {
        try {
          act(...told);
        } catch (error) {
          if (error instanceof Disagreement) fail(error.message);
          throw error;
        }
      };

    return {
      offered({ offers }) {
        hasInstants ||= offers.some(({ submission }) => submission.start.kind === 'at');
      },
      turned: held((turn) => {
        while (goOn());
        begin();
        ({ tables } = turn);
        readClocks();
      }),
      happened({ row }) {
        rows.push(row);
        turn.at ??= row.at;
      },
      released: held(released),
      recovered: held((recovered) => {
        tables = recovered;
        readClocks();
        const found = tables.eventsAfter(reference.last.seq, Number.MAX_SAFE_INTEGER);
        // Of a job that is deleted by now the events are gone, but for the last.
        const { lastSeq, forgottenSeq } = tables.meta();
        const hasGap = lastSeq - reference.last.seq !== found.length;
        for (const row of found) {
          if (hasGap && row.kind === 'deleted') {
            // What befell it in the end nobody has seen.
            reference.keep(row);
            reference.forgottenSeq = forgottenSeq;
          } else reference.follow(row, causeOf(row));
        }
        learn([...rows, ...found]);
        reference.restart(settings());
        begin();
      }),
      ended: held(() => {
        while (goOn());
      }),
    };
  },
};

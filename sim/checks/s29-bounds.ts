import { FEED_ONLY_EVENTS_MAX, LOOSE_EVENTS_MAX } from '../../core/job/limits.ts';
import { isFeedOnly, isLoose } from '../../core/store/event-class.ts';
import type { Tables } from '../../core/store/tables.ts';
import type { Check, Evidence, ProcessUse } from './check.ts';
import type { Descriptors } from '../world/disk.ts';
import { DirectoryBounds } from './s29-directory.ts';

/** The current segment, the next one while it is begun, and a file of the snapshot that is taken beside. */
const OPEN_FILES_MAX = 3;
/** Between two turns no segment is being begun. */
const OPEN_BETWEEN_TURNS_MAX = 2;
/** One timer for whatever is due next: it is armed anew, never beside the one before. */
const TIMERS_MAX = 1;
/** What one handler may have said before the turn in which the disk was found full: a report, and its end. */
const UNDECIDED_PER_HANDLER_MAX = 2;
/** As many handlers as there are workers may run, and as many linger. */
const HANDLERS_PER_WORKER = 2;
/** What a recovery and a shutdown say by themselves. */
const SAID_BY_SHELL_MAX = 2;

export const bounds: Check = {
  name: 'S29',
  sentence:
    'files, rows, timers, requests and jobs stay within the bounds that the limits name, and leave nothing behind',
  watch(evidence) {
    const { world, model, ledger, settings, process, fail } = evidence;
    const directory = new DirectoryBounds(evidence);
    const { waitingRequestsMax, stepInputsMax } = world.plan.limits;

    /** What handlers had said when there was room last. */
    let heardWithRoom = 0;

    const holdsOnlyWhatWasSaid = (load: NonNullable<ProcessUse['load']>): void => {
      if (load.isWritable) heardWithRoom = ledger.heardCount;
      const undecidedMax = settings().workerCount * HANDLERS_PER_WORKER * UNDECIDED_PER_HANDLER_MAX;
      const heldMax = ledger.heardCount - heardWithRoom + undecidedMax + SAID_BY_SHELL_MAX;
      if (load.held > heldMax) fail(`${load.held} inputs wait for room on the disk; ${heldMax} may be`);
    };

    let failures = 0;

    const holdsFewFiles = (disk: Descriptors): void => {
      const { open, openMost } = disk;
      if (openMost > OPEN_FILES_MAX) fail(`${openMost} files were open at once; ${OPEN_FILES_MAX} may be`);
      // A segment that could not be begun is left as it is by a process that ends.
      const hasFailed = disk.failures !== failures;
      ({ failures } = disk);
      if (open.size > OPEN_BETWEEN_TURNS_MAX && !hasFailed)
        fail(`after a turn ${[...open.keys()].join(', ')} are open`);
    };

    const resting = ({ exchanges, load, handlers }: ProcessUse): void => {
      // The one is being taken right now.
      if (exchanges.size > 1) fail(`${exchanges.size - 1} requests are without an answer, and nothing is under way`);
      if (load === null || !load.isWritable) return;
      if (load.abandoned > handlers.size)
        fail(`${load.abandoned} handlers count as lingering, and ${handlers.size} run`);
    };

    return {
      offered() {
        const use = process();
        if (use === null) return;
        // Some wait, some are being decided, and one more is about to be refused.
        const most = waitingRequestsMax + stepInputsMax + 1;
        const open = use.exchanges.size;
        if (open > most) fail(`${open} requests are without an answer; at most ${most} may be`);
        if (use.restingTables !== null) resting(use);
      },
      happened({ row }) {
        if (row.kind !== 'submitted' || model.hasGap) return;
        const depth = model.counts.pending + model.counts.running;
        const { depthLimit } = settings();
        if (depth > depthLimit) fail(`${depth} jobs are pending or running, the limit is ${depthLimit}`);
      },
      turned() {
        directory.turned();
        const use = process();
        if (use === null) return;
        holdsFewFiles(use.descriptors);
        const { armed } = use.clock;
        if (armed > TIMERS_MAX) fail(`${armed} timers are armed to wake the process; ${TIMERS_MAX} may be`);
        if (use.load !== null) holdsOnlyWhatWasSaid(use.load);
      },
      recovered: () => directory.recovered(),
      ended: (tables) => verifyRows(tables, fail),
    };
  },
};

/** The tables after the last recovery of all. Of a forgotten job nothing is left but that it was forgotten, and the feed keeps only so much. */
function verifyRows(tables: Tables, fail: Evidence['fail']): void {
  let loose = 0;
  const feedOnly = new Map<string, number>();
  for (const { seq, kind, jobId } of tables.eventsAfter(0, Number.MAX_SAFE_INTEGER)) {
    if (isLoose(kind)) {
      loose += 1;
      continue;
    }
    if (jobId === null || tables.job(jobId) === undefined)
      fail(`event ${seq} is kept, its job ${String(jobId)} is not`);
    if (isFeedOnly(kind) && jobId !== null) feedOnly.set(jobId, (feedOnly.get(jobId) ?? 0) + 1);
  }
  if (loose > LOOSE_EVENTS_MAX) fail(`${loose} events without a job are kept; ${LOOSE_EVENTS_MAX} may be`);
  for (const [jobId, count] of feedOnly) {
    if (count > FEED_ONLY_EVENTS_MAX) fail(`${count} reports of job ${jobId} are kept; ${FEED_ONLY_EVENTS_MAX} may be`);
  }
}

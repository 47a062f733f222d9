// What Prometheus reads: counters from the same events as everything else, gauges read from the queue when asked.

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { JOB_STATES } from '../core/job/job.ts';
import type { JobId } from '../core/job/job.ts';
import type { EventRow } from '../core/store/tables.ts';
import type { QueuePort } from './queue-port.ts';

const SECONDS_OF_DISK = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];
const SECONDS_OF_WORK = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 30, 120, 600, 3_600];

/** Starts that are remembered for the duration of their run; the attempts that run at once are far fewer. */
const STARTS_MAX = 10_000;

const ATTEMPT_ENDS: ReadonlySet<EventRow['kind']> = new Set<EventRow['kind']>([
  'succeeded',
  'failed',
  'expired',
  'released',
  'cancelled',
]);

export class Metrics {
  readonly #registry = new Registry();
  readonly #startedAt = new Map<JobId, number>();
  readonly #submittedAt = new Map<JobId, number>();
  readonly #events: Counter<'kind' | 'type'>;
  readonly #sync: Histogram;
  readonly #wait: Histogram<'type'>;
  readonly #run: Histogram<'type'>;
  readonly #jobs: Gauge<'state'>;
  readonly #depth: Gauge;
  readonly #bytes: Gauge;
  readonly #abandoned: Gauge;
  #queue: QueuePort | null = null;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#events = new Counter({
      name: 'perdure_events_total',
      help: 'Events of jobs and queues that became durable, by kind and type.',
      labelNames: ['kind', 'type'],
      registers,
    });
    this.#sync = new Histogram({
      name: 'perdure_sync_duration_seconds',
      help: 'Time that one sync of the disk took.',
      buckets: SECONDS_OF_DISK,
      registers,
    });
    this.#wait = new Histogram({
      name: 'perdure_submit_to_start_seconds',
      help: 'Time from the submission of a job to its first start.',
      labelNames: ['type'],
      buckets: SECONDS_OF_WORK,
      registers,
    });
    this.#run = new Histogram({
      name: 'perdure_attempt_duration_seconds',
      help: 'Time from the start of an attempt to its end, by whatever way it ended.',
      labelNames: ['type'],
      buckets: SECONDS_OF_WORK,
      registers,
    });
    this.#jobs = new Gauge({ name: 'perdure_jobs', help: 'Stored jobs, by state.', labelNames: ['state'], registers });
    this.#depth = new Gauge({ name: 'perdure_queue_depth', help: 'Pending and running jobs.', registers });
    this.#bytes = new Gauge({ name: 'perdure_stored_bytes', help: 'Bytes of stored jobs, estimated.', registers });
    this.#abandoned = new Gauge({
      name: 'perdure_abandoned_handlers',
      help: 'Handlers that run on without a lease.',
      registers,
    });
  }

  observeSync(durationMs: number): void {
    this.#sync.observe(durationMs / 1_000);
  }

  /** Counts the queue's events from now on, and reads its gauges whenever somebody asks. */
  watch(queue: QueuePort): void {
    this.#queue = queue;
    queue.subscribe((rows) => {
      for (const row of rows) this.#count(row);
    });
  }

  async text(): Promise<string> {
    await this.#readGauges();
    return this.#registry.metrics();
  }

  async #readGauges(): Promise<void> {
    const reply = await this.#queue?.ask({ kind: 'stats' });
    if (reply?.kind !== 'stats') return;
    const { stats } = reply;
    for (const state of JOB_STATES) this.#jobs.set({ state }, stats.jobs[state]);
    this.#depth.set(stats.depth);
    this.#bytes.set(stats.bytes);
    this.#abandoned.set(stats.abandoned);
  }

  #count(row: EventRow): void {
    this.#events.inc({ kind: row.kind, type: row.type ?? '' });
    if (row.jobId === null) return;
    if (row.kind === 'submitted') remember(this.#submittedAt, row.jobId, row.at);
    if (row.kind === 'started') {
      remember(this.#startedAt, row.jobId, row.at);
      if (row.attempt === 1) observeSince(this.#wait, this.#submittedAt, row);
    }
    if (ATTEMPT_ENDS.has(row.kind)) observeSince(this.#run, this.#startedAt, row);
  }
}

function observeSince(histogram: Histogram<'type'>, since: Map<JobId, number>, row: EventRow): void {
  if (row.jobId === null) return;
  const at = since.get(row.jobId);
  since.delete(row.jobId);
  if (at !== undefined) histogram.observe({ type: row.type ?? '' }, (row.at - at) / 1_000);
}

/** Bounded: the oldest is forgotten, and only a figure is lost. */
function remember(instants: Map<JobId, number>, jobId: JobId, at: number): void {
  instants.set(jobId, at);
  if (instants.size <= STARTS_MAX) return;
  for (const oldest of instants.keys()) {
    instants.delete(oldest);
    return;
  }
}

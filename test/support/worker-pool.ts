// A worker pool on its own: what it reports and asks is recorded, and the test answers for the queue.

import { vi } from 'vitest';
import { Instant, JobId } from '../../core/job/job.ts';
import type { RunningJob } from '../../core/job/job.ts';
import type { WorkerCommand } from '../../core/queue/command.ts';
import type { Reply } from '../../core/queue/effect.ts';
import type { HandlerContext } from '../../runtime/worker/handler.ts';
import { WorkerPool } from '../../runtime/worker/pool.ts';
import { registerHandlers } from '../../runtime/worker/registry.ts';
import { specification } from './jobs.ts';
import { recordedLog } from './recorded-log.ts';

export type Handle = (payload: unknown, context: HandlerContext) => unknown;

export const running = (overrides: Partial<RunningJob> = {}): RunningJob => ({
  ...specification(),
  state: 'running',
  submittedSeq: 1,
  createdAt: Instant(1),
  runAt: Instant(1),
  attempt: 1,
  failures: 0,
  crashes: 0,
  suspect: false,
  startedAt: Instant(2),
  progress: null,
  lastError: null,
  leaseUntil: Instant(30_002),
  ...overrides,
});

export const JOB = JobId('job-1');

/** A pool with the handlers, and what it reported and asked. */
export function poolOf(handlers: object, answer: (command: WorkerCommand) => Promise<Reply> = () => granted) {
  const reports: WorkerCommand[] = [];
  const asked: WorkerCommand[] = [];
  const { log, lines } = recordedLog();
  const pool = new WorkerPool({
    handlers: registerHandlers(handlers),
    report: (command) => reports.push(command),
    ask: (command) => {
      asked.push(command);
      return answer(command);
    },
    log,
  });
  return { pool, reports, asked, lines };
}

export const granted = Promise.resolve<Reply>({ kind: 'extended', leaseUntil: Instant(99) });
export const refused = async (reason: 'lease-lost' | 'read-only'): Promise<Reply> => ({
  kind: 'refused',
  refusals: [reason === 'read-only' ? { reason } : { reason, jobId: JOB, attempt: 1 }],
});

export const until = <Value>(holds: () => Value) => vi.waitUntil(holds, { interval: 1, timeout: 5_000 });

/** A handler that ends when the test says so. */
export function held() {
  let resolve: (value: unknown) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise((...functions) => ([resolve, reject] = functions));
  let seen: HandlerContext | undefined;
  const handler: Handle = (_, context) => {
    seen = context;
    return promise;
  };
  const context = async (): Promise<HandlerContext> => until(() => seen);
  return { handler, context, resolve, reject };
}

// What an operator does to jobs and queues.

import type { JobId, JobState } from '../job/job.ts';
import { LEGAL } from '../job/reduce.ts';
import { abandon } from './attempt.ts';
import type { ClientCommand, RequestId } from './command.ts';
import { jobReply, queueView } from './read.ts';
import type { Step } from './step.ts';

export type OperatorCommand = Extract<ClientCommand, { kind: 'cancel' | 'retry' | 'delete' | 'pause' | 'resume' }>;

export function operate(step: Step, requestId: RequestId | null, command: OperatorCommand): void {
  if (!step.isWritable) return step.refuse(requestId, { reason: 'read-only' });
  switch (command.kind) {
    case 'cancel':
      return changeJob(step, requestId, command.jobId, 'cancelled');
    case 'retry':
      return changeJob(step, requestId, command.jobId, 'retried');
    case 'delete':
      return changeJob(step, requestId, command.jobId, 'deleted');
    case 'pause':
    case 'resume': {
      const { queue } = command;
      const wantsPause = command.kind === 'pause';
      if (step.memory.paused.has(queue) !== wantsPause) {
        step.queueHappen(queue, { kind: wantsPause ? 'paused' : 'resumed' });
      }
      return step.reply(requestId, { kind: 'queue', queue: queueView(step, queue) });
    }
  }
}

function changeJob(
  step: Step,
  requestId: RequestId | null,
  jobId: JobId,
  kind: 'cancelled' | 'retried' | 'deleted',
): void {
  const job = step.tables.job(jobId);
  if (job === undefined) return step.refuse(requestId, { reason: 'not-found', jobId });
  if (!isLegal(kind, job.state)) return step.refuse(requestId, { reason: 'wrong-state', jobId, state: job.state });
  const { attempt } = job;
  switch (kind) {
    case 'cancelled':
      step.happen(jobId, job, { kind, attempt });
      if (job.state === 'running') abandon(step, job, 'cancelled');
      return jobReply(step, requestId, jobId);
    case 'retried':
      step.happen(jobId, job, { kind, attempt, runAt: step.at });
      return jobReply(step, requestId, jobId);
    case 'deleted':
      step.happen(jobId, job, { kind });
      return step.reply(requestId, { kind: 'deleted' });
  }
}

const isLegal = (kind: keyof typeof LEGAL, state: JobState): boolean => LEGAL[kind].includes(state);

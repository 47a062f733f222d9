// What the outside world was told and has done: the other half of every promise.
//
// The queue is not asked for anything here. Clients, handlers and the network write down what they sent, what they were
// told and what they did; the checks hold the queue against it.

import type { ClientCommand, RequestId, Submission, WorkerCommand } from '../core/queue/command.ts';
import type { Reply } from '../core/queue/effect.ts';
import type { JobId, JsonText } from '../core/job/job.ts';

/** A submission that reached the queue, whether or not it was taken. */
export type Offer = {
  readonly submission: Submission;
  /** As the settings of the process that received it fill them in. */
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly monotonicMs: number;
};

/** One arrival of a client's request. A retry, and a duplicate, is another exchange. */
export type Exchange = {
  readonly requestId: RequestId;
  readonly client: string;
  readonly command: ClientCommand;
  readonly offers: readonly Offer[];
  /** The highest event number that anybody had been shown when the client sent it. */
  readonly shownSeq: number;
  /** Lets the reply leave for the client. */
  readonly answer: (reply: Reply) => void;
};

export const fenceOf = (jobId: JobId, attempt: number): string => `${jobId}#${attempt}`;

export class Ledger {
  readonly offers = new Map<JobId, Offer>();
  /** Jobs whose acceptance left the process. */
  readonly acknowledged = new Set<JobId>();
  /** Jobs of which a client was told that they were not accepted. */
  readonly refused = new Set<JobId>();
  readonly cancelAsked = new Set<JobId>();
  readonly retryAsked = new Set<JobId>();
  readonly deleteAsked = new Set<JobId>();
  /** Jobs whose cancellation a client was told of, and that nobody has asked to retry since. */
  readonly cancelAcknowledged = new Set<JobId>();
  /** The event by which each job was last retried. */
  readonly retriedSeq = new Map<JobId, number>();
  /** Starts that left the process, by fence. */
  readonly started = new Set<string>();
  /** What a handler returned, by fence. */
  readonly returned = new Map<string, JsonText>();
  /** Attempts whose handler threw, by fence; the value tells whether the error was final. */
  readonly threw = new Map<string, { readonly isFinal: boolean }>();
  /** Attempts given back by a shutdown, by fence. */
  readonly released = new Set<string>();
  /** What the attempts have said so far, by fence: also what nobody was there to hear. */
  readonly said = new Map<string, Set<WorkerCommand['kind']>>();
  /** How many things they have said, all together. */
  heardCount = 0;
  /** When each attempt said how it had ended, in microseconds of true time, and when the latest turn began. */
  readonly answeredUs = new Map<string, number>();
  turnBeganUs = 0;
  /** How far an orderly shutdown of the process that runs now, or ran last, has come. */
  shutdown: 'none' | 'begun' | 'done' = 'none';
  /** The highest event number that has left the process. */
  shownSeq = 0;

  heard({ kind, jobId, attempt }: WorkerCommand, atUs: number): void {
    const fence = fenceOf(jobId, attempt);
    this.heardCount += 1;
    if ((kind === 'succeed' || kind === 'fail' || kind === 'release') && !this.answeredUs.has(fence)) {
      this.answeredUs.set(fence, atUs);
    }
    const kinds = this.said.get(fence);
    if (kinds === undefined) this.said.set(fence, new Set([kind]));
    else kinds.add(kind);
  }
}

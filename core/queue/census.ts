// Counts of what the tables hold, kept by adding and subtracting.
//
// Rule 1: the counts are a function of the jobs alone. `note` is symmetric: noting a change the other way round undoes
//         it. Rule 2: a recount over the tables gives the same numbers (the simulator and the tests hold this).

import { JOB_STATES, jobBytes } from '../job/job.ts';
import type { Job, JobState } from '../job/job.ts';
import type { Tables } from '../store/tables.ts';
import type { StateCounts } from './effect.ts';

type Counts = Record<JobState, number>;

const noCounts = (): Counts => ({ pending: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0 });
const isEmpty = (counts: Counts): boolean => JOB_STATES.every((state) => counts[state] === 0);

export class Census {
  readonly #jobs: Counts = noCounts();
  readonly #queues = new Map<string, Counts>();
  readonly #types = new Map<string, Counts>();
  #bytes = 0;

  static of(tables: Tables): Census {
    const census = new Census();
    for (const state of JOB_STATES) {
      for (const job of tables.jobsIn(state)) census.note(undefined, job);
    }
    return census;
  }

  /** A job became another; undefined is the job that is not there. */
  note(before: Job | undefined, after: Job | undefined): void {
    if (before !== undefined) this.#add(before, -1);
    if (after !== undefined) this.#add(after, 1);
  }

  get jobs(): StateCounts {
    return { ...this.#jobs };
  }

  /** Pending and running jobs. */
  get depth(): number {
    return this.#jobs.pending + this.#jobs.running;
  }

  get running(): number {
    return this.#jobs.running;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Names of the queues that hold a job in any state. */
  get queueNames(): Iterable<string> {
    return this.#queues.keys();
  }

  queue(name: string): StateCounts {
    return { ...(this.#queues.get(name) ?? noCounts()) };
  }

  get types(): ReadonlyMap<string, StateCounts> {
    return new Map([...this.#types].map(([type, counts]) => [type, { ...counts }]));
  }

  #add(job: Job, sign: 1 | -1): void {
    this.#jobs[job.state] += sign;
    this.#bytes += sign * jobBytes(job);
    tally(this.#queues, job.queue, job.state, sign);
    tally(this.#types, job.type, job.state, sign);
  }
}

function tally(groups: Map<string, Counts>, name: string, state: JobState, sign: 1 | -1): void {
  let counts = groups.get(name);
  if (counts === undefined) groups.set(name, (counts = noCounts()));
  counts[state] += sign;
  if (sign === -1 && isEmpty(counts)) groups.delete(name);
}

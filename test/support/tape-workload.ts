// O9 A tape as a workload: what clients ask, in bursts, and when the server dies under it.
//
// Rule 1: where it all ends does not depend on time, on the order of a burst or on how often the server dies: what becomes
//         of a job is in its payload, requests of one burst are about different jobs, and what is not finished by itself
//         (a job of tomorrow, a paused queue) stays so. A crash adds to `crashes` alone, which nothing here is decided by.
// Rule 2: what each request must be answered is known when it is drawn.

import type { Stream, Tape } from '../../sim/world/tape.ts';
import type { TapePayload } from './tape-fates.mjs';

export const HELD_QUEUE = 'held';
const QUEUES = ['default', 'mail', HELD_QUEUE];
const TYPES = ['quick', 'serial'];
const TOMORROW_MS = 86_400_000;

export type TapeJob = {
  readonly type: string;
  readonly queue: string;
  readonly priority: number;
  readonly payload: TapePayload;
  readonly max_retries: number;
  readonly idempotency_key: string;
  readonly delay_ms: number;
};

type About = {
  /** What it is answered, and what it may be answered too if it is sent again because the first answer was lost. */
  readonly status: number;
  readonly statusAgain: number;
};

/** A job is named by its key: ids are given out by the server. */
export type Ask =
  | (About & { readonly kind: 'submit'; readonly jobs: readonly TapeJob[]; readonly replays: string | null })
  | (About & { readonly kind: 'cancel' | 'retry' | 'delete' | 'get'; readonly key: string })
  | (About & { readonly kind: 'pause' | 'resume'; readonly queue: string });

/** When a process dies: at its n-th answer, at the n-th start of a handler, or amid its n-th burst. */
export type Death = { readonly at: 'answer' | 'start' | 'burst'; readonly count: number };

export type Step =
  { readonly kind: 'burst'; readonly asks: readonly Ask[] } | { readonly kind: 'rest'; readonly pending: number };

export type TapeWorkload = { readonly steps: readonly Step[]; readonly deaths: readonly Death[] };

/** What a job is at rest. */
type Standing = 'waiting' | 'succeeded' | 'dead' | 'cancelled';
/** `isDue`: only its queue may hold it back. */
type Known = { readonly job: TapeJob; standing: Standing; isDue: boolean };

export function drawWorkload(tape: Tape): TapeWorkload {
  const draft = new Draft(tape.stream('workload'));
  const steps = [...draft.steps()];
  const stream = tape.stream('deaths');
  const deaths = Array.from({ length: 2 + stream.choose('deaths', 2) }, (): Death => {
    const at = stream.pick('at', ['answer', 'start', 'burst'] as const);
    return { at, count: 1 + stream.choose('count', at === 'burst' ? 3 : 12) };
  });
  return { steps, deaths };
}

class Draft {
  readonly #stream: Stream;
  readonly #known = new Map<string, Known>();
  #jobs = 0;
  #isHeld = true;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  *steps(): Generator<Step> {
    yield { kind: 'burst', asks: [{ kind: 'pause', queue: HELD_QUEUE, status: 200, statusAgain: 200 }] };
    const bursts = 2 + this.#stream.choose('bursts', 3);
    for (let burst = 0; burst < bursts; burst += 1) yield { kind: 'burst', asks: this.#burst({ isAtRest: false }) };
    yield this.#rest();
    yield { kind: 'burst', asks: this.#burst({ isAtRest: true }) };
    if (this.#stream.choose('resumes', 2) === 1) {
      yield { kind: 'burst', asks: [{ kind: 'resume', queue: HELD_QUEUE, status: 200, statusAgain: 200 }] };
      this.#isHeld = false;
      for (const known of this.#known.values()) {
        if (known.standing === 'waiting' && known.isDue) known.standing = endOf(known.job);
      }
    }
    yield this.#rest();
    yield { kind: 'burst', asks: this.#burst({ isAtRest: true }) };
    yield this.#rest();
  }

  #rest(): Step {
    return { kind: 'rest', pending: [...this.#known.values()].filter(({ standing }) => standing === 'waiting').length };
  }

  /** Requests about different jobs; what has changed by them is noted when all are drawn. */
  #burst({ isAtRest }: { isAtRest: boolean }): Ask[] {
    const known = new Map(this.#known);
    const asks: Ask[] = [];
    const length = this.#stream.between('requests', 4, 9);
    for (let request = 0; request < length; request += 1) {
      const about = this.#take(known);
      const isFresh = about === undefined || this.#stream.choose('fresh', 2) === 1;
      asks.push(isFresh ? this.#fresh() : this.#ask(about, isAtRest));
    }
    return asks;
  }

  /** One of the jobs that the burst has not asked about yet. */
  #take(known: Map<string, Known>): Known | undefined {
    if (known.size === 0) return undefined;
    const [key, found] = this.#stream.pick('which', [...known]);
    known.delete(key);
    return found;
  }

  #fresh(): Ask {
    const count = this.#stream.pick('bulk', [1, 1, 1, 3, 5]);
    const jobs = Array.from({ length: count }, () => this.#job());
    for (const job of jobs) {
      const isDue = job.delay_ms === 0;
      this.#known.set(job.idempotency_key, { job, standing: this.#standing(job, isDue), isDue });
    }
    return { kind: 'submit', jobs, replays: null, status: 201, statusAgain: 200 };
  }

  #job(): TapeJob {
    const stream = this.#stream;
    this.#jobs += 1;
    const key = `tape-${this.#jobs}`;
    const fate = stream.pick('fate', ['succeed', 'succeed', 'fail', 'fail', 'fail always', 'fail for good'] as const);
    const payload: TapePayload = {
      key,
      fate,
      failures: 1 + stream.choose('failures', 3),
      ms: stream.pick('takes', [0, 0, 1, 5, 20]),
      value: stream.pick('value', ['', 'é\u2028', [1, null], { deep: [{}] }, -0.5, true]),
    };
    return {
      type: stream.pick('type', TYPES),
      queue: stream.pick('queue', QUEUES),
      priority: stream.between('priority', -2, 2),
      payload,
      max_retries: stream.choose('retries', 4),
      idempotency_key: key,
      delay_ms: stream.choose('delayed', 4) === 1 ? TOMORROW_MS : 0,
    };
  }

  #standing(job: TapeJob, isDue: boolean): Standing {
    return isDue && !(job.queue === HELD_QUEUE && this.#isHeld) ? endOf(job) : 'waiting';
  }

  #ask(known: Known, isAtRest: boolean): Ask {
    const { job, standing } = known;
    const key = job.idempotency_key;
    const kind = this.#stream.pick('ask', ['again', 'other', 'get', 'cancel', 'retry', 'delete'] as const);
    switch (kind) {
      case 'again':
        return { kind: 'submit', jobs: [job], replays: key, status: 200, statusAgain: 200 };
      case 'other': {
        const other = { ...job, payload: { ...job.payload, value: 'another' } };
        return { kind: 'submit', jobs: [other], replays: null, status: 422, statusAgain: 422 };
      }
      case 'get':
        return { kind, key, status: 200, statusAgain: 200 };
      case 'cancel':
      case 'retry':
      case 'delete':
        // What a job that runs is found in depends on time; one that waits, waits.
        if (!isAtRest && standing !== 'waiting' && standing !== 'cancelled') {
          return { kind: 'get', key, status: 200, statusAgain: 200 };
        }
        return this.#change(known, kind);
    }
  }

  #change(known: Known, kind: 'cancel' | 'retry' | 'delete'): Ask {
    const { job, standing } = known;
    const key = job.idempotency_key;
    const illegal: Ask = { kind, key, status: 409, statusAgain: 409 };
    switch (kind) {
      case 'cancel':
        if (standing !== 'waiting') return illegal;
        known.standing = 'cancelled';
        return { kind, key, status: 200, statusAgain: 409 };
      case 'retry':
        if (standing !== 'dead' && standing !== 'cancelled') return illegal;
        // Now, whatever its delay was.
        known.isDue = true;
        known.standing = this.#standing(job, known.isDue);
        return { kind, key, status: 200, statusAgain: 409 };
      case 'delete':
        if (standing === 'waiting') return illegal;
        this.#known.delete(key);
        return { kind, key, status: 204, statusAgain: 404 };
    }
  }
}

/** What becomes of a job that runs. */
function endOf({ payload, max_retries: maxRetries }: Pick<TapeJob, 'payload' | 'max_retries'>): Standing {
  switch (payload.fate) {
    case 'succeed':
      return 'succeeded';
    case 'fail':
      return payload.failures <= maxRetries ? 'succeeded' : 'dead';
    default:
      return 'dead';
  }
}

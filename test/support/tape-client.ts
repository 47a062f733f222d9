// The client that plays a tape's workload in a world, simulated or real, and tells where it all ended.
//
// Rule: what was not answered is sent again until it is, as a client does that trusts no silence.

import assert from 'node:assert/strict';
import type { Answer, Call, TapeWorld } from './tape-world.ts';
import type { TapePayload } from './tape-fates.mjs';
import { HELD_QUEUE } from './tape-workload.ts';
import type { Ask, TapeWorkload } from './tape-workload.ts';

type JobBody = {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: TapePayload;
  readonly state: string;
  readonly priority: number;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly max_retries: number;
  readonly timeout_ms: number;
  readonly idempotency_key: string;
  readonly finished_at: string | null;
  readonly result: unknown;
  readonly last_error: { readonly name: string; readonly message: string } | null;
};

/** Where a tape ended: what does not depend on time. */
export type Ending = {
  /** What each request was answered, in the order of the tape. */
  readonly answers: readonly string[];
  readonly jobs: readonly object[];
  readonly counts: unknown;
  readonly isHeld: boolean;
  /** Attempts whose process died under them: how they differ tells that the worlds are not the same one. */
  readonly crashes: number;
};

const PAGE_JOBS = 7;

export async function play({ steps }: TapeWorkload, world: TapeWorld): Promise<Ending> {
  const ids = new Map<string, string>();
  const answers: string[] = [];
  for (const step of steps) {
    if (step.kind === 'rest') {
      await world.rest(step.pending);
      continue;
    }
    const calls = step.asks.map((ask) => callOf(ask, ids));
    const told = await world.burst(calls);
    for (const [index, ask] of step.asks.entries()) {
      const call = calls[index];
      let answer = told[index] ?? null;
      const isAgain = answer === null;
      while (answer === null && call !== undefined) [answer = null] = await world.burst([call]);
      assert(answer !== null);
      answers.push(verdict(ask, answer, isAgain));
      remember(ask, answer, ids);
    }
  }
  return { answers, ...(await ending(world)) };
}

function callOf(ask: Ask, ids: ReadonlyMap<string, string>): Call {
  switch (ask.kind) {
    case 'submit': {
      const [job, ...others] = ask.jobs;
      return others.length === 0
        ? { method: 'POST', path: '/createJob', body: job }
        : { method: 'POST', path: '/createJobs', body: { jobs: ask.jobs } };
    }
    case 'get':
      return { method: 'GET', path: `/jobs/${idOf(ask.key, ids)}` };
    case 'delete':
      return { method: 'DELETE', path: `/jobs/${idOf(ask.key, ids)}` };
    case 'cancel':
    case 'retry':
      return { method: 'POST', path: `/jobs/${idOf(ask.key, ids)}/${ask.kind}` };
    case 'pause':
    case 'resume':
      return { method: 'POST', path: `/queues/${ask.queue}/${ask.kind}` };
  }
}

/** The same in every world. @throws {AssertionError} if the answer is none that the request may get. */
function verdict(ask: Ask, { status, body }: Answer, isAgain: boolean): string {
  const about = 'key' in ask ? ask.key : '';
  const legal = isAgain ? [ask.status, ask.statusAgain] : [ask.status];
  assert(legal.includes(status), `${ask.kind} ${about}: ${status} ${JSON.stringify(body)}, not ${legal.join(' or ')}`);
  return `${ask.kind} ${about} ${ask.status}`;
}

function remember(ask: Ask, { status, body }: Answer, ids: Map<string, string>): void {
  if (ask.kind !== 'submit' || status >= 400) return;
  const told = body as { readonly id: string } | { readonly jobs: readonly { readonly id: string }[] };
  const stored = 'jobs' in told ? told.jobs : [told];
  assert.equal(stored.length, ask.jobs.length);
  for (const [index, { idempotency_key: key }] of ask.jobs.entries()) {
    const id = stored[index]?.id ?? '';
    if (ask.replays === key) assert.equal(id, ids.get(key), `${key} is one job`);
    ids.set(key, id);
  }
}

async function ending(world: TapeWorld): Promise<Omit<Ending, 'answers'>> {
  const jobs: JobBody[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await certain(world, `/jobs?limit=${PAGE_JOBS}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    const told = page as { readonly jobs: readonly JobBody[]; readonly next_cursor: string | null };
    jobs.push(...told.jobs);
    cursor = told.next_cursor;
  }
  assert.equal(new Set(jobs.map(({ idempotency_key: key }) => key)).size, jobs.length, 'one key, one job');
  const stats = (await certain(world, '/stats')) as {
    readonly jobs: Readonly<Record<string, number>>;
    readonly types: unknown;
    readonly queues: Readonly<Record<string, { pending: number; running: number; paused: boolean }>>;
    readonly depth: number;
  };
  const queues = Object.entries(stats.queues).map(([name, { pending, running, paused }]) => [
    name,
    { pending, running, paused },
  ]);
  return {
    jobs: jobs.map(becameOf).sort((a, b) => (a.key < b.key ? -1 : 1)),
    counts: { jobs: stats.jobs, types: stats.types, queues: Object.fromEntries(queues), depth: stats.depth },
    isHeld: stats.queues[HELD_QUEUE]?.paused ?? false,
    crashes: jobs.reduce((sum, job) => sum + job.crashes, 0),
  };
}

function becameOf(job: JobBody) {
  const { idempotency_key: key, type, queue, payload, priority, state, failures, result } = job;
  const { max_retries: maxRetries, timeout_ms: timeoutMs, last_error: error } = job;
  return {
    ...{ key, type, queue, payload, priority, maxRetries, timeoutMs, state, failures, result },
    isOver: job.finished_at !== null,
    // What a job that is not dead failed of last may be a crash.
    error: state === 'dead' ? `${error?.name}: ${error?.message}` : null,
  };
}

async function certain(world: TapeWorld, path: string): Promise<unknown> {
  for (;;) {
    const [answer] = await world.burst([{ method: 'GET', path }]);
    if (answer != null) return answer.body;
  }
}

function idOf(key: string, ids: ReadonlyMap<string, string>): string {
  const id = ids.get(key);
  assert(id !== undefined, `${key} was acknowledged`);
  return id;
}

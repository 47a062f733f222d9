// After a life has come to rest: what its clients were told over HTTP is asked for over HTTP, and must be there.

import assert from 'node:assert/strict';
import type { JobId } from '../../core/job/job.ts';
import { isTerminal } from '../../core/job/job.ts';
import { BulkResultSchema, JobPageSchema, JobSchema } from '../../runtime/http/wire-schema.ts';
import type { Submission } from '../../core/queue/command.ts';
import { checkProblem } from './http-answers.ts';
import type { Answered } from './http-answers.ts';
import { ORIGIN, submissionOf } from './http-door.ts';
import type { HttpDoor } from './http-door.ts';
import type { SimulatedLife } from '../../sim/life.ts';
import { until } from './stepped-life.ts';

export class HttpAudit {
  readonly #life: SimulatedLife;
  readonly #door: HttpDoor;

  constructor(parts: { readonly life: SimulatedLife; readonly door: HttpDoor }) {
    this.#life = parts.life;
    this.#door = parts.door;
  }

  async run(): Promise<void> {
    await this.#acknowledgedIsFound();
    await this.#replaysAreRecognised();
    await this.#listIsWhole();
    await this.#feedIsWhole();
    await this.#deletedIsGone();
  }

  /** S1, as a client sees it. */
  async #acknowledgedIsFound(): Promise<void> {
    const { ledger, model } = this.#life.witness;
    for (const id of ledger.acknowledged) {
      const answer = await this.#ask('GET', `/jobs/${id}`);
      // Gone is what somebody deleted, or what grew old: the model of the history knows.
      if (!model.jobs.has(id)) {
        checkProblem(answer, 404);
        continue;
      }
      assert.equal(answer.status, 200, `job ${id} was acknowledged`);
      const { payload } = answer.body as { payload: unknown };
      assert.deepEqual(payload, JSON.parse(this.#submissionOf(id).payload));
    }
  }

  /** S4 and S5. */
  async #replaysAreRecognised(): Promise<void> {
    for (const [key, id] of this.#life.witness.model.keys) {
      const submission = this.#submissionOf(id);
      const again = submissionOf([submission]);
      const replay = await this.#ask('POST', again.path, again.text);
      assert.equal(replay.status, 200, `${key} comes again`);
      assert.equal(JobSchema.parse(replay.body).id, id);
      const many = await this.#ask('POST', '/createJobs', submissionOf([submission, submission]).text);
      assert.equal(many.status, 200);
      assert.deepEqual(
        BulkResultSchema.parse(many.body).jobs.map((job) => [job.id, job.replayed]),
        [
          [id, true],
          [id, true],
        ],
      );
      const other = submissionOf([{ ...submission, queue: `${submission.queue}.other` }]);
      checkProblem(await this.#ask('POST', other.path, other.text), 422);
    }
  }

  /** S28. */
  async #listIsWhole(): Promise<void> {
    const jobs = [...this.#life.witness.model.jobs.values()].sort((a, b) => b.submittedSeq - a.submittedSeq);
    for (const state of [undefined, 'succeeded', 'dead', 'cancelled'] as const) {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const filter = state === undefined ? '' : `&state=${state}`;
        const page = await this.#ask('GET', `/jobs?limit=7${filter}${cursor === '' ? '' : `&cursor=${cursor}`}`);
        const told = JobPageSchema.parse(page.body);
        seen.push(...told.jobs.map(({ id }) => id));
        cursor = told.next_cursor;
      }
      const expected = jobs.filter((job) => state === undefined || job.state === state).map(({ id }) => id);
      assert.deepEqual(seen, expected, `all jobs, ${state ?? 'whatever their state'}`);
    }
  }

  /** The feed from its beginning: every event that is kept, in order, each once. */
  async #feedIsWhole(): Promise<void> {
    const tables = this.#life.server.restingTables;
    assert(tables !== null);
    const expected = tables.eventsAfter(0, 1_000_000).map(({ seq, kind }) => `${seq} ${kind}`);
    const stream = await this.#door.open('/events?after=0');
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    const seen: string[] = [];
    while (seen.length < expected.length) {
      let piece: Awaited<ReturnType<typeof reader.read>> | null = null;
      void reader.read().then((read) => (piece = read));
      const arrived = (): typeof piece => piece;
      while (arrived() === null) {
        // The page that it waits for is a question to the queue.
        if (!this.#life.isIdle) this.#life.step();
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      const { value, done } = arrived() ?? {};
      assert(done === false, 'the feed goes on');
      seen.push(...[...(value ?? '').matchAll(/^id: (\d+)\nevent: (\w+)$/gm)].map(([, seq, kind]) => `${seq} ${kind}`));
    }
    await reader.cancel();
    assert.deepEqual(seen, expected);
  }

  async #deletedIsGone(): Promise<void> {
    const { model } = this.#life.witness;
    const job = [...model.jobs.values()].find(({ id }) => this.#isOver(id));
    if (job === undefined) return;
    checkProblem(await this.#ask('POST', `/jobs/${job.id}/cancel`), 409);
    assert.equal((await this.#ask('DELETE', `/jobs/${job.id}`)).status, 204);
    this.#life.server.cutPower();
    await until(
      this.#life,
      () => this.#life.isIdle,
      () => this.#door.settle(),
    );
    for (const [method, path] of [
      ['GET', `/jobs/${job.id}`],
      ['DELETE', `/jobs/${job.id}`],
      ['POST', `/jobs/${job.id}/cancel`],
      ['POST', `/jobs/${job.id}/retry`],
    ] as const) {
      checkProblem(await this.#ask(method, path), 404);
    }
  }

  #isOver(id: JobId): boolean {
    const job = this.#life.server.restingTables?.job(id);
    return job !== undefined && isTerminal(job);
  }

  #submissionOf(id: JobId): Submission {
    const offer = this.#life.witness.ledger.offers.get(id);
    assert(offer !== undefined, `job ${id} was offered`);
    return offer.submission;
  }

  /** Lets the life go on until the answer has come, and all is idle again. */
  async #ask(method: string, path: string, body?: string): Promise<Answered> {
    const init: RequestInit = { method, headers: { 'content-type': 'application/json' } };
    if (body !== undefined) init.body = body;
    let answer: Answered | null = null;
    this.#door.send({
      client: 'auditor',
      request: new Request(ORIGIN + path, init),
      answered: (arrived) => (answer = arrived),
      refused: () => assert.fail('nobody listens'),
    });
    await this.#door.settle();
    const arrived = (): Answered | null => answer;
    await until(
      this.#life,
      () => arrived() !== null && this.#life.isIdle,
      () => this.#door.settle(),
    );
    const found = arrived();
    assert(found !== null);
    return found;
  }
}

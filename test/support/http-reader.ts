// A reader that walks the list of jobs page by page while others submit, and now and then pauses a queue: over HTTP, through
// crashes and restarts. A page whose answer does not come is asked for again.

import assert from 'node:assert/strict';
import { JobPageSchema } from '../../runtime/http/wire-schema.ts';
import type { Witness } from '../../sim/witness.ts';
import type { Stream } from '../../sim/world/tape.ts';
import type { World } from '../../sim/world/world.ts';
import type { Answered } from './http-answers.ts';
import { ORIGIN } from './http-door.ts';
import type { HttpDoor } from './http-door.ts';

const PATIENCE_MS = 10_000;
const PAUSE_MS_MAX = 2_000;

export class HttpReader {
  readonly #world: World;
  readonly #witness: Witness;
  readonly #door: HttpDoor;
  /** Walks that came to their end. */
  walks = 0;

  constructor(parts: { readonly world: World; readonly witness: Witness; readonly door: HttpDoor }) {
    this.#world = parts.world;
    this.#witness = parts.witness;
    this.#door = parts.door;
  }

  /** Walks again and again, until all faults have stopped. */
  begin(): void {
    const world = this.#world;
    world.clock.after(this.#stream.between('rest', 1, 1_000) * 1000, null, () => {
      if (world.faults.isHealed) return;
      if (this.#stream.choose('pauses', 8) === 1) this.#pause();
      const known = new Set<string>(this.#witness.ledger.acknowledged);
      this.#page({ known, limit: this.#stream.between('limit', 1, 5), seen: [], cursor: null });
    });
  }

  #page(walk: { known: ReadonlySet<string>; limit: number; seen: string[]; cursor: string | null }): void {
    const cursor = walk.cursor === null ? '' : `&cursor=${walk.cursor}`;
    this.#ask('GET', `/jobs?limit=${walk.limit}${cursor}`, (answer) => {
      if (answer.status === 503) return this.#later(() => this.#page(walk));
      const { jobs, next_cursor: next } = JobPageSchema.parse(answer.body);
      walk.seen.push(...jobs.map(({ id }) => id));
      if (next === null) return this.#end(walk);
      assert.equal(jobs.length, walk.limit, 'a page that is not the last is full');
      this.#later(() => this.#page({ ...walk, cursor: next }));
    });
  }

  /** What was acknowledged before the walk began, and is there when it ends, was seen once, newest first. */
  #end({ known, seen }: { known: ReadonlySet<string>; seen: readonly string[] }): void {
    const { jobs } = this.#witness.model;
    assert.equal(new Set(seen).size, seen.length, 'a list repeats no job');
    const stable = [...jobs.values()].filter(({ id }) => known.has(id));
    const missed = stable.filter(({ id }) => !seen.includes(id)).map(({ id }) => id);
    assert.deepEqual(missed, [], 'a list skips no job that was there all the time');
    const order = seen.flatMap((id) => stable.find((job) => job.id === id)?.submittedSeq ?? []);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => b - a),
      'a list begins with the newest',
    );
    this.walks += 1;
    this.begin();
  }

  #pause(): void {
    const queue = this.#stream.pick('queue', this.#world.plan.queues);
    const resume = (): void => {
      this.#ask('POST', `/queues/${queue}/resume`, ({ status }) => {
        if (status === 503) this.#later(resume);
      });
    };
    this.#ask('POST', `/queues/${queue}/pause`, () => undefined);
    this.#world.clock.after(this.#stream.between('paused', 1, PAUSE_MS_MAX) * 1000, null, resume);
  }

  /** Asks until an answer comes. */
  #ask(method: string, path: string, then: (answer: Answered) => void): void {
    let isOver = false;
    const once = (act: () => void) => (): void => {
      if (isOver) return;
      isOver = true;
      act();
    };
    const again = once(() => this.#later(() => this.#ask(method, path, then)));
    this.#world.clock.after(PATIENCE_MS * 1000, null, again);
    this.#door.send({
      client: 'reader',
      request: new Request(ORIGIN + path, { method }),
      answered: (answer) => once(() => then(answer))(),
      refused: again,
    });
  }

  #later(act: () => void): void {
    this.#world.clock.after(this.#stream.between('later', 1, 50) * 1000, null, act);
  }

  get #stream(): Stream {
    return this.#world.tape.stream('reader');
  }
}

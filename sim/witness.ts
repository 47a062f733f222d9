// The witness sees everything, writes it down and asks the checks. Actors tell it what they do; it never acts.

import { Violation } from './checks/check.ts';
import type { Check, FinishedTurn, ProcessUse, Watch } from './checks/check.ts';
import type { Effect } from '../core/queue/effect.ts';
import type { JobId } from '../core/job/job.ts';
import type { QueueSettings } from '../core/queue/settings.ts';
import type { EventRow, Tables } from '../core/store/tables.ts';
import { fenceOf, Ledger } from './ledger.ts';
import type { Exchange, Offer } from './ledger.ts';
import { Model } from './model.ts';
import type { World } from './world/world.ts';

type Hooks = { readonly [Name in keyof Watch]-?: NonNullable<Watch[Name]>[] };

export class Witness {
  readonly ledger = new Ledger();
  readonly model = new Model(this.ledger);
  readonly #hooks: Hooks = {
    began: [],
    offered: [],
    happened: [],
    turned: [],
    released: [],
    recovered: [],
    ended: [],
  };
  #settings: QueueSettings;
  #process: ProcessUse | null = null;

  constructor(options: { world: World; checks: readonly Check[]; settings: QueueSettings }) {
    this.#settings = options.settings;
    const { world } = options;
    const { model, ledger } = this;
    const settings = (): QueueSettings => this.#settings;
    const process = (): ProcessUse | null => this.#process;
    for (const { name: rule, sentence, watch } of options.checks) {
      const fail = (detail: string): never => {
        throw new Violation({ rule, sentence, detail });
      };
      this.#listen(watch({ world, model, ledger, settings, process, fail }));
    }
  }

  /** The process that runs now, or ran last. */
  get process(): ProcessUse | null {
    return this.#process;
  }

  /** A process begins; it has done nothing yet. */
  began(process: ProcessUse): void {
    this.#process = process;
    for (const hook of this.#hooks.began) hook(process);
  }

  offered(exchange: Exchange): void {
    const { ledger } = this;
    for (const offer of exchange.offers) ledger.offers.set(offer.submission.id, offer);
    if (exchange.command.kind === 'cancel') ledger.cancelAsked.add(exchange.command.jobId);
    if (exchange.command.kind === 'retry') ledger.retryAsked.add(exchange.command.jobId);
    if (exchange.command.kind === 'delete') ledger.deleteAsked.add(exchange.command.jobId);
    for (const hook of this.#hooks.offered) hook(exchange);
  }

  /** Submissions of a request that nobody could read, and whose client was told so. */
  unread(offers: readonly Offer[]): void {
    for (const offer of offers) {
      this.ledger.offers.set(offer.submission.id, offer);
      this.ledger.refused.add(offer.submission.id);
    }
  }

  /** A turn is over: its events are durable, its effects have not left yet. */
  turned(turn: FinishedTurn): void {
    for (const hook of this.#hooks.turned) hook(turn);
    for (const row of turn.rows) this.#happened(row);
  }

  released(effect: Effect, exchange: Exchange | undefined): void {
    for (const hook of this.#hooks.released) hook(effect, exchange);
    this.#remember(effect, exchange);
  }

  /** A process has recovered, under these settings; events that nobody was told of may have come to light. */
  recovered(tables: Tables, settings: QueueSettings): void {
    this.#catchUp(tables);
    this.#settings = settings;
    for (const hook of this.#hooks.recovered) hook(tables);
  }

  ended(tables: Tables): void {
    for (const hook of this.#hooks.ended) hook(tables);
  }

  #happened(row: EventRow): void {
    const happening = this.model.apply(row);
    if (row.kind === 'retried' && row.jobId !== null) {
      this.ledger.cancelAcknowledged.delete(row.jobId);
      this.ledger.retriedSeq.set(row.jobId, row.seq);
    }
    for (const hook of this.#hooks.happened) hook(happening);
  }

  /** Events between the last that was seen and the last there is. Those of a job that is deleted by now are gone. */
  #catchUp(tables: Tables): void {
    const rows = tables.eventsAfter(this.model.lastSeq, Number.MAX_SAFE_INTEGER);
    const { model } = this;
    model.hasGap = tables.meta().lastSeq - model.lastSeq !== rows.length;
    for (const row of rows) {
      if (model.hasGap && row.kind === 'deleted' && row.jobId !== null) model.forget(row, row.jobId);
      else this.#happened(row);
    }
    model.hasGap = false;
  }

  #remember(effect: Effect, exchange: Exchange | undefined): void {
    const { ledger } = this;
    if (effect.kind === 'publish') ledger.shownSeq = Math.max(ledger.shownSeq, effect.rows.at(-1)?.seq ?? 0);
    if (effect.kind === 'start') ledger.started.add(fenceOf(effect.job.id, effect.job.attempt));
    if (effect.kind !== 'reply') return;
    const { reply } = effect;
    switch (reply.kind) {
      case 'submitted':
        for (const { job } of reply.outcomes) {
          ledger.acknowledged.add(job.id);
          ledger.shownSeq = Math.max(ledger.shownSeq, job.submittedSeq);
        }
        break;
      case 'job':
        ledger.shownSeq = Math.max(ledger.shownSeq, reply.history.at(-1)?.seq ?? 0);
        if (exchange?.command.kind === 'cancel') this.#rememberCancel(reply.job.id, reply.history);
        break;
      case 'stats':
        ledger.shownSeq = Math.max(ledger.shownSeq, reply.stats.durableSeq);
        break;
      case 'refused':
        if (exchange === undefined || reply.refusals.some(({ reason }) => reason === 'outcome-unknown')) break;
        for (const { submission } of exchange.offers) ledger.refused.add(submission.id);
        break;
      default:
        break;
    }
  }

  /** Acknowledged is the cancellation that the reply tells of; somebody may have asked to retry since. */
  #rememberCancel(id: JobId, history: readonly EventRow[]): void {
    const seq = history.findLast(({ kind }) => kind === 'cancelled')?.seq ?? history.at(-1)?.seq ?? 0;
    if ((this.ledger.retriedSeq.get(id) ?? 0) < seq) this.ledger.cancelAcknowledged.add(id);
  }

  #listen(watch: Watch): void {
    if (watch.began !== undefined) this.#hooks.began.push(watch.began);
    if (watch.offered !== undefined) this.#hooks.offered.push(watch.offered);
    if (watch.happened !== undefined) this.#hooks.happened.push(watch.happened);
    if (watch.turned !== undefined) this.#hooks.turned.push(watch.turned);
    if (watch.released !== undefined) this.#hooks.released.push(watch.released);
    if (watch.recovered !== undefined) this.#hooks.recovered.push(watch.recovered);
    if (watch.ended !== undefined) this.#hooks.ended.push(watch.ended);
  }
}

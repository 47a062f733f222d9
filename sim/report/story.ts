// A life as a person would tell it: what is quiet is folded into what it belongs to.
//
// Rule 1: a line begins with what somebody does: a client asks, a handler ends, a process starts, nature strikes. What
//         follows from it (a record and its sync, replies, starts, the feed) is its outcome, as long as no other line
//         has begun.
// Rule 2: a recovery is one line, however many disk operations it takes.
// Rule 3: a fault is always a line of its own, and what comes after it is told apart from what came before.
// Rule 4: what the server or nature does again and again, numbers aside, is told once and counted.
// Rule 5: a turn that changes nothing (a seal, say) is not told, unless the story ends with it or its record is not
//         synced yet.

import type { TraceEvent } from '../world/trace.ts';

export type StoryLine = {
  /** Numbers of the first and the last event that it tells of. */
  readonly from: number;
  readonly to: number;
  /** When the first of them happened. */
  readonly atUs: number;
  readonly actor: string;
  readonly text: string;
  readonly fault: string | null;
};

/** A line that is still being told. */
type Draft = {
  readonly from: number;
  to: number;
  readonly atUs: number;
  /** When the last event that it tells of happened. */
  latestUs: number;
  readonly actor: string;
  readonly text: string;
  readonly fault: string | null;
  readonly outcomes: string[];
  /** What was written, and how many of the outcomes were told before it. */
  record: { bytes: number; isSynced: boolean; readonly after: number } | null;
  /** It can lead to a record: it is an input of the queue, and was not answered yet. */
  mayWrite: boolean;
  /** A turn without a visible cause: told only if something comes of it. */
  isTurn: boolean;
  isStart: boolean;
};

const FORESEEN: ReadonlySet<string> = new Set(['submitted', 'started', 'succeeded', 'extended', 'progressed']);
/** What comes later is not taken for the record of a request or an answer: no network is slower, faults aside. */
const BELONGS_US_MAX = 60_000;
/** Twice is still told twice. */
const REPEATS_MIN = 3;
const ORDINAL_WIDTH = 9;
const FAULT_COLUMN = 100;

export function storyOf(events: readonly TraceEvent[]): StoryLine[] {
  const teller = new Teller();
  for (const event of events) teller.hear(event);
  return teller.lines();
}

export function describeLine({ from, to, actor, text, fault }: StoryLine): string {
  const ordinal = from === to ? `e${from}` : `e${from}-${to}`;
  const line = `${ordinal.padEnd(ORDINAL_WIDTH)} ${actor.padEnd(9)} ${text}`;
  return fault === null ? line : `${line.slice(0, FAULT_COLUMN - 1).padEnd(FAULT_COLUMN)} ${fault}`;
}

class Teller {
  readonly #lines: Draft[] = [];
  #isRecovering = false;

  hear(event: TraceEvent): void {
    if (event.fault !== null) this.#fault(event);
    else if (event.actor === 'disk') this.#disk(event);
    else if (event.actor === 'feed') this.#feed(event);
    else if (event.actor === 'server') this.#server(event);
    else if (event.actor === 'handler') this.#handler(event);
    else if (event.actor.startsWith('client')) this.#client(event);
    else this.#begin(event);
  }

  lines(): StoryLine[] {
    return repeated(this.#lines.map(told));
  }

  #fault(event: TraceEvent): void {
    const line = this.#begin(event);
    line.isStart = isStart(event);
    line.mayWrite = line.isStart || event.actor === 'handler' || event.actor === 'server';
    this.#isRecovering = line.isStart || (this.#isRecovering && !isCrash(event));
  }

  #disk(event: TraceEvent): void {
    const [, bytes] = /^append journal-\S+ (\d+) bytes -> ok$/.exec(event.text) ?? [];
    if (!this.#isRecovering && bytes !== undefined) return this.#appended(event, Number(bytes));
    const line = this.#last;
    if (line === undefined) return void this.#begin(event);
    this.#extend(line, event);
    if (this.#isRecovering || !/^sync journal-\S+ -> ok$/.test(event.text)) return;
    const writer = this.#lines.findLast(({ record }) => record !== null);
    if (writer?.record != null) writer.record.isSynced = true;
  }

  #appended(event: TraceEvent, bytes: number): void {
    const line = this.#last;
    if (line?.record?.isSynced === false) {
      line.record.bytes += bytes;
      return this.#extend(line, event);
    }
    const isCause = line?.mayWrite === true && line.record === null && event.atUs - line.latestUs <= BELONGS_US_MAX;
    if (line !== undefined && isCause) this.#extend(line, event);
    const writer = line !== undefined && isCause ? line : this.#begin({ ...event, actor: 'server', text: 'turn' });
    writer.isTurn = !isCause;
    writer.mayWrite = false;
    writer.record = { bytes, isSynced: false, after: writer.outcomes.length };
  }

  #feed(event: TraceEvent): void {
    const [, kind = '', whose = ''] = /^\d+ (\w+) ?(.*)$/.exec(event.text) ?? [];
    const line = this.#last;
    const isTold = !FORESEEN.has(kind);
    if (line === undefined || (isTold && !isOpen(line))) return void this.#begin(event);
    this.#extend(line, event);
    line.isTurn = false;
    if (isTold) line.outcomes.push(`${kind} ${whose}`.trim());
    else if (line.text === 'turn' && line.outcomes.length === 0) line.outcomes.push(`${kind} ${whose}`);
  }

  #server(event: TraceEvent): void {
    const line = this.#last;
    const [, reply = '', receiver = ''] = /^replies (.*) to (\S+)$/.exec(event.text) ?? [];
    if (receiver !== '') {
      const isAsked = receiver.startsWith('client');
      if (line === undefined || (isAsked && !isOpen(line))) return void this.#begin(event);
      // The operator and the reader of the feed are always there; only clients have something to tell.
      if (!isAsked) return this.#extend(line, event);
      this.#outcome(line, event, line.actor === receiver ? reply : `${reply} to ${receiver}`);
      if (line.actor === receiver) line.mayWrite = false;
      return;
    }
    const hasRecovered = /^recovered |^does not start/.test(event.text);
    if (hasRecovered) this.#isRecovering = false;
    if (line !== undefined && line.isStart && hasRecovered) return this.#outcome(line, event, event.text);
    if (line !== undefined && event.text === 'orderly exit' && isOpen(line)) {
      return this.#outcome(line, event, event.text);
    }
    const begun = this.#begin(event);
    begun.mayWrite = true;
    begun.isStart = isStart(event);
    if (begun.isStart) this.#isRecovering = true;
  }

  #handler(event: TraceEvent): void {
    const line = this.#last;
    if (line !== undefined && isOpen(line) && event.text.endsWith(' runs')) {
      return this.#outcome(line, event, event.text);
    }
    this.#begin(event).mayWrite = !event.text.endsWith(' runs');
  }

  #client(event: TraceEvent): void {
    const line = this.#last;
    const [, outcome] = /: (no answer|connection refused|refused, .*)$/.exec(event.text) ?? [];
    if (outcome !== undefined && line !== undefined && line.actor === event.actor && line.fault === null) {
      line.mayWrite = false;
      // The server's refusal was told as its reply.
      if (outcome.startsWith('refused') && line.outcomes.length > 0) return this.#extend(line, event);
      return this.#outcome(line, event, outcome);
    }
    this.#begin(event).mayWrite = outcome === undefined;
  }

  #outcome(line: Draft, event: TraceEvent, text: string): void {
    this.#extend(line, event);
    line.isTurn = false;
    line.outcomes.push(text);
  }

  #extend(line: Draft, { ordinal, atUs }: TraceEvent): void {
    line.to = ordinal;
    line.latestUs = atUs;
  }

  #begin({ ordinal, atUs, actor, text, fault }: TraceEvent): Draft {
    const last = this.#last;
    const before = this.#lines.at(-2);
    if (last?.isTurn === true && last.record?.isSynced === true && before !== undefined) {
      before.to = last.to;
      this.#lines.pop();
    }
    const told = { from: ordinal, to: ordinal, atUs, latestUs: atUs, actor, text, fault };
    const line = { ...told, outcomes: [], record: null, mayWrite: false, isTurn: false, isStart: false };
    this.#lines.push(line);
    return line;
  }

  get #last(): Draft | undefined {
    return this.#lines.at(-1);
  }
}

function told({ from, to, atUs, actor, text, fault, outcomes, record }: Draft): StoryLine {
  const all = [...outcomes];
  if (record !== null) all.splice(record.after, 0, `${record.bytes} bytes ${record.isSynced ? 'synced' : 'appended'}`);
  return { from, to, atUs, actor, fault, text: all.length === 0 ? text : `${text} -> ${all.join('; ')}` };
}

/** Lines that say the same, numbers aside, become one, with how many there are. */
function repeated(lines: readonly StoryLine[]): StoryLine[] {
  const groups: StoryLine[][] = [];
  for (const line of lines) {
    const group = groups.at(-1);
    if (group?.[0] !== undefined && isAlike(group[0], line)) group.push(line);
    else groups.push([line]);
  }
  return groups.flatMap((group) => {
    const [first] = group;
    const last = group.at(-1);
    if (first === undefined || last === undefined || group.length < REPEATS_MIN) return group;
    return [{ ...first, to: last.to, text: `${first.text} (${group.length} times)` }];
  });
}

function isAlike(a: StoryLine, b: StoryLine): boolean {
  const isCounted = a.actor === 'server' || a.actor === 'nature';
  const shape = ({ text }: StoryLine): string => text.replaceAll(/\d+/g, '#');
  return isCounted && a.actor === b.actor && a.fault === b.fault && shape(a) === shape(b);
}

/** A process is gone without having been asked. */
export const isCrash = ({ text }: TraceEvent): boolean => /^(process killed|power loss)/.test(text);

/** Replies, starts and news may be its outcome. */
const isOpen = (line: Draft): boolean => line.mayWrite || line.record !== null;

const isStart = ({ actor, text }: TraceEvent): boolean => actor === 'server' && /^process \d+ starts/.test(text);

// What can go wrong in a simulated life. Each fault has a code, a switch and a counter.
//
// Rule 1: each fault is off in half of all lives, and its rate is drawn on a logarithmic scale, so that lives differ in
//         kind and not only in detail.
// Rule 2: each fault draws from a stream of its own: switching one off leaves the draws of the others alone.
// Rule 3: after `heal` none strikes any more.

import type { Stream, Tape } from './world/tape.ts';

export type Fault = {
  readonly code: string;
  readonly sentence: string;
  /** Chances in a million at each opportunity, lowest and highest. */
  readonly perMillion: readonly [low: number, high: number];
};

export const FAULTS = [
  { code: 'P1', sentence: 'the process is killed between two events', perMillion: [30, 4_000] },
  { code: 'P2', sentence: 'a write is under way while others act: a kill may cut it', perMillion: [10_000, 500_000] },
  { code: 'P3', sentence: 'the power goes: what the kernel had not written is lost', perMillion: [100_000, 1_000_000] },
  {
    code: 'P4',
    sentence: 'the power goes after a kill, before the next process has synced what it accepted',
    perMillion: [20_000, 300_000],
  },
  { code: 'P5', sentence: 'the process is killed during its recovery', perMillion: [1_000, 100_000] },
  {
    code: 'P6',
    sentence: 'the process is killed again and again, with no progress between',
    perMillion: [20_000, 300_000],
  },
  { code: 'P7', sentence: 'the process is killed inside a snapshot', perMillion: [5_000, 100_000] },
  { code: 'P8', sentence: 'the process stands still for a while', perMillion: [20_000, 300_000] },
  {
    code: 'P9',
    sentence: 'a handler blocks the process: no timer fires, connections are still accepted',
    perMillion: [2_000, 100_000],
  },
  { code: 'P11', sentence: 'an orderly shutdown', perMillion: [20_000, 300_000] },
  { code: 'P12', sentence: 'the next process has other settings', perMillion: [50_000, 500_000] },
  { code: 'P13', sentence: 'a newer version has written in between', perMillion: [50_000, 500_000] },
  { code: 'P14', sentence: 'a callback of the user throws, or answers nonsense', perMillion: [50_000, 1_000_000] },
  { code: 'P15', sentence: 'a handler that lost its lease wakes up and answers', perMillion: [5_000, 200_000] },
  { code: 'P16', sentence: 'memory runs out in the middle of a step, a start or a snapshot', perMillion: [20, 1_000] },
  { code: 'D1', sentence: 'a power loss keeps a prefix of what was not synced', perMillion: [1_000_000, 1_000_000] },
  { code: 'D2', sentence: 'a power loss keeps any pages of what was not synced', perMillion: [1_000_000, 1_000_000] },
  { code: 'D3', sentence: 'a power loss cuts inside a write', perMillion: [1_000_000, 1_000_000] },
  { code: 'D4', sentence: 'stale or random bytes stand where data did not come', perMillion: [1_000_000, 1_000_000] },
  { code: 'D5', sentence: 'the size of a file is durable, its data is not', perMillion: [1_000_000, 1_000_000] },
  { code: 'D6', sentence: 'names are lost or reordered without a directory sync', perMillion: [1_000_000, 1_000_000] },
  { code: 'D7', sentence: 'a sync fails and its pages are dropped', perMillion: [500, 20_000] },
  { code: 'D8', sentence: 'a sync fails though its data landed', perMillion: [500, 20_000] },
  { code: 'D9', sentence: 'a sync lied: what it promised is not there', perMillion: [50_000, 500_000] },
  { code: 'D10', sentence: 'a read, a write or a change of names fails', perMillion: [200, 5_000] },
  { code: 'D11', sentence: 'the disk is full for a while', perMillion: [20_000, 300_000] },
  { code: 'D12', sentence: 'a bit or a block of what is durable has changed', perMillion: [50_000, 500_000] },
  { code: 'D13', sentence: 'the last records are damaged: torn, or durable?', perMillion: [50_000, 500_000] },
  {
    code: 'D14',
    sentence: 'a block, a segment or a file is not the one that was written there',
    perMillion: [50_000, 500_000],
  },
  { code: 'D15', sentence: 'a sync takes seconds', perMillion: [1_000, 50_000] },
  { code: 'D16', sentence: 'snapshots and segments do not fit together', perMillion: [50_000, 500_000] },
  {
    code: 'D18',
    sentence: 'after a sync that failed, and a start on what the kernel still shows, the power goes',
    perMillion: [100_000, 1_000_000],
  },
  { code: 'C1', sentence: 'the wall clock jumps forward', perMillion: [20_000, 300_000] },
  { code: 'C2', sentence: 'the wall clock jumps backward', perMillion: [20_000, 300_000] },
  {
    code: 'C3',
    sentence: 'the clock of the process runs up to a tenth too fast or too slow',
    perMillion: [100_000, 1_000_000],
  },
  { code: 'C4', sentence: 'the clock of the process stands still for a while', perMillion: [20_000, 300_000] },
  {
    code: 'C5',
    sentence: 'all that happens within a millisecond happens at one instant',
    perMillion: [1_000_000, 1_000_000],
  },
  { code: 'C6', sentence: 'the wall clock is set while no process runs', perMillion: [50_000, 500_000] },
  { code: 'C7', sentence: 'a timer fires late or twice', perMillion: [1_000, 100_000] },
  { code: 'C8', sentence: 'instants at the ends of their range', perMillion: [10_000, 200_000] },
  { code: 'N1', sentence: 'a request is lost, or all of it but its head', perMillion: [1_000, 100_000] },
  { code: 'N2', sentence: 'a reply is lost', perMillion: [1_000, 100_000] },
  { code: 'N3', sentence: 'a request or a reply arrives twice, at times at once', perMillion: [5_000, 200_000] },
  { code: 'N4', sentence: 'a message is late', perMillion: [1_000, 50_000] },
  { code: 'N5', sentence: 'a message is overtaken by those behind it', perMillion: [5_000, 200_000] },
  { code: 'N6', sentence: 'a request arrives cut or garbled', perMillion: [1_000, 50_000] },
  {
    code: 'N7',
    sentence: 'a connection breaks under its request, or dies with the process and says nothing',
    perMillion: [100_000, 900_000],
  },
  { code: 'N8', sentence: 'a reader of the feed is slow', perMillion: [50_000, 500_000] },
  { code: 'N10', sentence: 'a key comes again with another payload', perMillion: [10_000, 200_000] },
  { code: 'N11', sentence: 'a client forgets that it sent, and sends again', perMillion: [10_000, 200_000] },
  { code: 'N12', sentence: 'all clients come back at the instant of the recovery', perMillion: [50_000, 1_000_000] },
  { code: 'W1', sentence: 'a handler takes the process down', perMillion: [500, 30_000] },
  { code: 'W2', sentence: 'a handler answers twice', perMillion: [1_000, 100_000] },
  { code: 'W3', sentence: 'a job takes the process down at every attempt', perMillion: [500, 20_000] },
  {
    code: 'W4',
    sentence: 'a handler ends in the millisecond in which its lease does, or in one beside it',
    perMillion: [10_000, 500_000],
  },
  { code: 'W5', sentence: 'a handler submits and cancels jobs, its own among them', perMillion: [5_000, 200_000] },
  { code: 'W6', sentence: 'a handler hangs or ignores its signal', perMillion: [1_000, 100_000] },
  { code: 'B1', sentence: 'a step waits where nothing waits otherwise', perMillion: [250_000, 250_000] },
] as const satisfies readonly Fault[];

export type FaultCode = (typeof FAULTS)[number]['code'];

/** Codes, or the letters of whole groups: `C` is every fault of clocks. */
export type FaultSelection = { readonly only: readonly string[]; readonly without: readonly string[] };

export const ALL_FAULTS: FaultSelection = { only: [], without: [] };

export const selects = (patterns: readonly string[], code: string): boolean =>
  patterns.some((pattern) => pattern === code || (/^[A-Z]$/.test(pattern) && code.startsWith(pattern)));

/** Chances in a million, as a whole number. */
const perMillionOf = ({ perMillion }: Switch, weight: number): number =>
  Math.min(Math.ceil(perMillion * weight), 1_000_000);

type Switch = { readonly stream: Stream; readonly perMillion: number };

/** Of the sites at which the program may be made to wait, so many are in use in one life; each fires as often. */
const SITE_SHARE = 4;

export class Faults {
  readonly #switches = new Map<FaultCode, Switch>();
  readonly #fired = new Map<FaultCode, number>();
  readonly #sites = new Map<string, boolean>();
  #isHealed = false;

  constructor(tape: Tape, selection: FaultSelection) {
    const swarm = tape.stream('swarm/faults');
    for (const { code, perMillion } of FAULTS) {
      // Both draws happen whether or not the fault was selected, so that a selection moves nothing else.
      const isDrawn = swarm.choose(code, 2) === 1;
      const rate = swarm.logarithmic(`${code} rate`, perMillion[0], perMillion[1]);
      const isNamed = selects(selection.only, code);
      const isOn = (selection.only.length > 0 ? isNamed : isDrawn) && !selects(selection.without, code);
      if (!isOn) continue;
      this.#switches.set(code, { stream: tape.stream(`fault/${code}`), perMillion: rate });
      this.#fired.set(code, 0);
    }
  }

  /** Whether the fault may strike in this life, now. */
  isOn(code: FaultCode): boolean {
    return !this.#isHealed && this.#switches.has(code);
  }

  /** One opportunity: whether the fault strikes. `weight` multiplies its rate; it may be a fraction. */
  strikes(code: FaultCode, weight = 1): boolean {
    const found = this.#isHealed ? undefined : this.#switches.get(code);
    if (found === undefined || !found.stream.chance(code, perMillionOf(found, weight))) return false;
    this.note(code);
    return true;
  }

  /** One opportunity at a named place of the program: most places never strike in one life, the others often do. */
  strikesAt(code: FaultCode, site: string): boolean {
    const found = this.#isHealed ? undefined : this.#switches.get(code);
    if (found === undefined) return false;
    let isInUse = this.#sites.get(site);
    if (isInUse === undefined) {
      isInUse = found.stream.choose(site, SITE_SHARE) === 1;
      this.#sites.set(site, isInUse);
    }
    return isInUse && this.strikes(code);
  }

  /** Counts a fault that was decided elsewhere. */
  note(code: FaultCode): void {
    const fired = this.#fired.get(code);
    if (fired !== undefined) this.#fired.set(code, fired + 1);
  }

  heal(): void {
    this.#isHealed = true;
  }

  get isHealed(): boolean {
    return this.#isHealed;
  }

  /** How often each fault that was switched on has struck; it counts on. */
  counts(): ReadonlyMap<FaultCode, number> {
    return this.#fired;
  }

  /** The switches as one line: code and rate in a million. */
  describe(): string {
    return [...this.#switches].map(([code, { perMillion }]) => `${code}:${perMillion}`).join(' ');
  }
}

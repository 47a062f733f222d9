// The inputs that wait for the next turn, in the order of their arrival.
//
// Rule: clients may fill it only up to a bound; what comes from workers and from the shell itself is never refused,
// because it is bounded already by the attempts that run: each has at most its end, one extension and one progress here,
// and keeps to itself what it would say meanwhile (runtime/worker/coalesce.ts).

import type { ClientCommand, Command, Input } from '../queue/command.ts';
import type { EngineLimits } from './limits.ts';

type Entry = { readonly input: Input; readonly text: number };

export class Backlog {
  readonly #limits: EngineLimits;
  #entries: Entry[] = [];
  #text = 0;

  constructor(limits: EngineLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Whether the input was taken; false if a client's must be refused. */
  offer(input: Input): boolean {
    const text = textOf(input.command);
    const { waitingRequestsMax, waitingTextMax } = this.#limits;
    const isFull = this.#entries.length >= waitingRequestsMax || this.#text + text > waitingTextMax;
    if (isFull && isClientCommand(input.command)) return false;
    this.#entries.push({ input, text });
    this.#text += text;
    return true;
  }

  /** Puts inputs that were taken before back in front. */
  giveBack(inputs: readonly Input[]): void {
    const entries = inputs.map((input) => ({ input, text: textOf(input.command) }));
    this.#entries.unshift(...entries);
    for (const { text } of entries) this.#text += text;
  }

  /** As many inputs as one step may decide, and at least one if there is any. */
  take(): Input[] {
    const { stepInputsMax, stepTextMax } = this.#limits;
    let count = 0;
    let text = 0;
    for (const entry of this.#entries) {
      if (count > 0 && (count >= stepInputsMax || text + entry.text > stepTextMax)) break;
      count += 1;
      text += entry.text;
    }
    this.#text -= text;
    return this.#entries.splice(0, count).map(({ input }) => input);
  }

  takeAll(): Input[] {
    const inputs = this.#entries.map(({ input }) => input);
    this.#entries = [];
    this.#text = 0;
    return inputs;
  }
}

const CLIENT_KINDS: ReadonlySet<Command['kind']> = new Set<ClientCommand['kind']>([
  'submit',
  'get',
  'list',
  'stats',
  'queues',
  'feed',
  'cancel',
  'retry',
  'delete',
  'pause',
  'resume',
]);

export const isClientCommand = (command: Command): command is ClientCommand => CLIENT_KINDS.has(command.kind);

/** UTF-16 units that the command keeps in memory, roughly. */
function textOf(command: Command): number {
  switch (command.kind) {
    case 'submit':
      return command.submissions.reduce((sum, { payload }) => sum + payload.length + 256, 0);
    case 'succeed':
      return command.result.length + 256;
    case 'progress':
      return command.progress.length + 256;
    default:
      return 256;
  }
}

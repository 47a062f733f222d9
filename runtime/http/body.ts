// Reads a request's body within bounds, as strict UTF-8.
//
// Rule 1: a body whose Content-Length is over the limit is refused before a byte of it is read; one without is refused
//         as soon as it passes the limit. The connection is closed then, since its rest is not worth reading.
// Rule 2: all bodies together stay within `BODIES_BYTES_MAX`, from their first byte until their request is answered.
// Rule 3: bytes that are not UTF-8 are refused, never replaced: a replaced payload would be another payload.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { lingerAtClose } from './connection.ts';
import { mediaTypeProblem } from './media-type.ts';
import { accept, refuse } from './problem.ts';
import type { Outcome, Problem } from './problem.ts';
import { header } from './request.ts';
import type { HttpContext } from './request.ts';
import { BODIES_BYTES_MAX } from './settings.ts';

/** The client went away while it sent its body: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

type Refused = 'too-large' | 'overloaded';

/** The bytes of all bodies that are being read or decided on. */
export type BodyBudget = { bytes: number };

/** Reads the body, lets `decide` answer, and only then gives back what the body took of the budget. */
export async function withBody(
  context: HttpContext,
  { bytesMax, budget }: { readonly bytesMax: number; readonly budget: BodyBudget },
  decide: (text: string) => Promise<Outcome<Response>>,
): Promise<Outcome<Response>> {
  const mediaType = mediaTypeProblem(context);
  if (mediaType !== undefined) return refuse(mediaType);
  const meter = new Meter(bytesMax, budget);
  try {
    const text = await read(context, meter);
    return text.ok ? await decide(text.value) : text;
  } finally {
    meter.release();
  }
}

async function read(context: HttpContext, meter: Meter): Promise<Outcome<string>> {
  const declared = header(context, 'content-length');
  const { incoming, outgoing } = context.env ?? {};
  const refused = declared !== undefined && meter.exceedsWith(Number(declared)) ? 'too-large' : undefined;
  const bytes =
    refused ??
    (incoming === undefined ? await readWeb(context, meter) : await readIncoming({ incoming, outgoing }, meter));
  if (typeof bytes !== 'string') return decode(bytes, meter.bytesMax);
  if (incoming !== undefined) lingerAtClose(incoming);
  return refuse(bytes === 'too-large' ? tooLarge(meter.bytesMax) : OVERLOADED);
}

/** Counts one body against its own limit and against the budget of all. */
class Meter {
  readonly bytesMax: number;
  readonly #budget: BodyBudget;
  #bytes = 0;

  constructor(bytesMax: number, budget: BodyBudget) {
    this.bytesMax = bytesMax;
    this.#budget = budget;
  }

  exceedsWith(bytes: number): boolean {
    return this.#bytes + bytes > this.bytesMax;
  }

  /** A body that is alone is always taken, however small the budget. */
  add(bytes: number): Refused | undefined {
    if (this.exceedsWith(bytes)) return 'too-large';
    const others = this.#budget.bytes - this.#bytes;
    if (others > 0 && this.#budget.bytes + bytes > BODIES_BYTES_MAX) return 'overloaded';
    this.#bytes += bytes;
    this.#budget.bytes += bytes;
    return undefined;
  }

  release(): void {
    this.#budget.bytes -= this.#bytes;
    this.#bytes = 0;
  }
}

function readIncoming(
  { incoming, outgoing }: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse | undefined },
  meter: Meter,
): Promise<Uint8Array | Refused> {
  // Only now is the body wanted: a client that asked first has sent none for a request refused before.
  if (incoming.headers.expect !== undefined) outgoing?.writeContinue();
  const chunks: Buffer[] = [];
  let refused: Refused | undefined;
  return new Promise((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      if (refused !== undefined) return; // the rest of a refused body is read past
      refused = meter.add(chunk.length);
      if (refused === undefined) chunks.push(chunk);
      else resolve(refused);
    });
    incoming.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    incoming.on('error', () => reject(new ClientGone()));
    incoming.on('close', () => {
      if (!incoming.readableEnded) reject(new ClientGone());
    });
    if (incoming.destroyed) reject(new ClientGone());
  });
}

async function readWeb(context: HttpContext, meter: Meter): Promise<Uint8Array | Refused> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of context.req.raw.body ?? []) {
    const refused = meter.add(chunk.length);
    if (refused !== undefined) return refused;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `ignoreBOM` keeps a byte order mark in the text, where the scanner refuses it. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array, bytesMax: number): Outcome<string> {
  try {
    return accept(UTF8.decode(bytes));
  } catch (error) {
    // Node has no longer strings than this; such a limit can be configured.
    if (!(error instanceof TypeError)) return refuse(tooLarge(bytesMax));
    return refuse({
      kind: 'invalid-request',
      detail: 'The body is not UTF-8.',
      errors: [{ path: '', message: 'is not UTF-8' }],
    });
  }
}

const CLOSE = { connection: 'close' } as const;

const OVERLOADED: Problem = {
  kind: 'overloaded',
  detail: 'Too many large requests are being read. Nothing was stored.',
  headers: CLOSE,
};

const tooLarge = (bytesMax: number): Problem => ({
  kind: 'body-too-large',
  detail: `The body has more than ${bytesMax} bytes.`,
  headers: CLOSE,
});

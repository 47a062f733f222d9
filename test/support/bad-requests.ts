// N6 Requests that are broken on their way, or were never right: each with the status that the contract names.

import type { Stream } from '../../sim/world/tape.ts';

export type BadRequest = {
  readonly label: string;
  readonly request: Request;
  readonly status: number;
};

/** `bodyBytesMax` is that of the path. */
type Options = { readonly origin: string; readonly bodyBytesMax: number };
type Broken = {
  readonly status: number;
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
};

const JSON_TYPE = { 'content-type': 'application/json' };

/** What may befall the body of a submission, a JSON object. */
const BROKEN: Readonly<Record<string, (text: string, stream: Stream, options: Options) => Broken>> = {
  'its body is cut off': (text, stream) => ({ status: 400, body: text.slice(0, stream.choose('cut', text.length)) }),
  'its end is garbled': (text) => ({ status: 400, body: `${text.slice(0, -1)}]` }),
  'a control character is in it': (text, stream) => {
    const at = stream.choose('at', text.indexOf('"', 2));
    return { status: 400, body: `${text.slice(0, at)}\u0001${text.slice(at)}` };
  },
  'it is not UTF-8': (text, stream) => {
    const bytes = Buffer.from(text);
    const at = stream.choose('at', bytes.length);
    return { status: 400, body: Buffer.concat([bytes.subarray(0, at), Buffer.of(0xff), bytes.subarray(at)]) };
  },
  'it is UTF-16': (text) => ({ status: 400, body: Buffer.from(text, 'utf16le') }),
  'a byte order mark precedes it': (text) => ({ status: 400, body: `\ufeff${text}` }),
  'it comes twice in one body': (text) => ({ status: 400, body: text + text }),
  'its body is an array': (text) => ({ status: 400, body: `[${text}]` }),
  'it has an unknown field': (text) => ({ status: 400, body: `{"unknown":1,${text.slice(1)}` }),
  'a field is given twice': (text) => ({ status: 400, body: `${text.slice(0, text.indexOf(':'))}:0,${text.slice(1)}` }),
  'it is huge': (text, _, { bodyBytesMax }) => ({ status: 413, body: text + ' '.repeat(bodyBytesMax) }),
  'its charset is another': (text, stream) => ({
    status: 415,
    body: text,
    headers: { 'content-type': stream.pick('type', ['application/json; charset=latin1', 'text/plain', 'text/json']) },
  }),
  'it is said to be packed': (text) => ({
    status: 415,
    body: text,
    headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
  }),
  'a page of another site sends it': (text) => ({
    status: 403,
    body: text,
    headers: { ...JSON_TYPE, origin: 'https://example.com' },
  }),
};

/** Requests that no path, method or parameter fits. */
const WRONG: readonly (readonly [method: string, path: string, status: number])[] = [
  ['GET', '/jobs?limit=0', 400],
  ['GET', '/jobs?limit=1001', 400],
  ['GET', '/jobs?state=lost', 400],
  ['GET', '/jobs?cursor=0', 400],
  ['GET', '/jobs?stat=dead', 400],
  ['GET', '/jobs?limit=1&limit=1', 400],
  ['GET', '/jobs?type=%ff', 400],
  ['GET', '/events?after=-1', 400],
  ['GET', '/nowhere', 404],
  ['POST', '/jobs/', 404],
  ['PUT', '/jobs', 405],
  ['PATCH', '/createJob', 405],
  ['DELETE', '/stats', 405],
  ['OPTIONS', '/createJobs', 405],
  ['POST', '/queues/a%20b/pause', 400],
];

/** A submission that something has befallen. */
export function broken(stream: Stream, submission: { path: string; text: string }, options: Options): BadRequest {
  const label = stream.pick('befalls', Object.keys(BROKEN));
  const { status, body, headers } = BROKEN[label]?.(submission.text, stream, options) ?? { status: 0 };
  const init: RequestInit = { method: 'POST', headers: headers ?? JSON_TYPE };
  // The types of a body know no bytes of Node's own.
  if (body !== undefined) init.body = body as string;
  return {
    label: `${submission.path}: ${label}`,
    request: new Request(options.origin + submission.path, init),
    status,
  };
}

export function wrong(stream: Stream, { origin }: Options): BadRequest {
  const [method, path, status] = stream.pick('wrong', WRONG);
  return { label: `${method} ${path}`, request: new Request(origin + path, { method }), status };
}

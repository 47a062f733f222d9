// What POST /createJob refuses, with which status and naming which fields. Nothing of it reaches the queue.

import { describe, expect, it } from 'vitest';
import { createApi, pathsOf, problemOf } from '../support/http-api.ts';

type Case = readonly [name: string, body: string | object, paths: readonly string[]];

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const withPayload = (payload: string): string => `{"type":"email","payload":${payload}}`;
const withField = (name: string, value: unknown): object => ({ type: 'email', [name]: value });

const NOT_JSON: readonly Case[] = [
  ['an empty body', '', ['']],
  ['only whitespace', ' \n', ['']],
  ['a word', 'email', ['']],
  ['an open object', '{"type":"email"', ['']],
  ['a trailing comma', '{"type":"email",}', ['']],
  ['a trailing comma in an array', withPayload('[1,]'), ['']],
  ['a missing comma', '{"type":"email" "payload":1}', ['']],
  ['a missing colon', '{"type" "email"}', ['']],
  ['single quotes', "{'type':'email'}", ['']],
  ['a bare name', '{type:"email"}', ['']],
  ['a comment', '{"type":"email"/*x*/}', ['']],
  ['text after the value', '{"type":"email"} x', ['']],
  ['two values', '{"type":"email"}{"type":"email"}', ['']],
  ['a closing bracket too many', '{"type":"email"}}', ['']],
  ['a mismatched bracket', withPayload('[1}'), ['']],
  ['NaN', withPayload('NaN'), ['']],
  ['Infinity', withPayload('Infinity'), ['']],
  ['a leading zero', withPayload('01'), ['']],
  ['a leading plus', withPayload('+1'), ['']],
  ['a leading dot', withPayload('.5'), ['']],
  ['a trailing dot', withPayload('1.'), ['']],
  ['a bare minus', withPayload('-'), ['']],
  ['an empty exponent', withPayload('1e'), ['']],
  ['a hexadecimal number', withPayload('0x10'), ['']],
  ['a raw line feed in a string', withPayload('"a\nb"'), ['']],
  ['a raw NUL in a string', withPayload('"a\u0000b"'), ['']],
  ['an unknown escape', withPayload('"\\x41"'), ['']],
  ['a short unicode escape', withPayload('"\\u12"'), ['']],
  ['an open string', '{"type":"email', ['']],
  ['an escape at the end', '{"type":"email\\', ['']],
  ['a misspelt literal', withPayload('nul'), ['']],
  ['a no-break space', '\u00a0{"type":"email"}', ['']],
  ['a byte order mark', '\ufeff{"type":"email"}', ['']],
  ['undefined', withPayload('undefined'), ['']],
];

const NOT_AN_OBJECT: readonly Case[] = ['[]', '[{"type":"email"}]', '"email"', '1', 'null', 'true'].map((text) => [
  text,
  text,
  [''],
]);

const FIELDS: readonly Case[] = [
  ['no type', {}, ['/type']],
  ['a null type', { type: null }, ['/type']],
  ['an empty type', { type: '' }, ['/type']],
  ['a type of 129 characters', { type: 'x'.repeat(129) }, ['/type']],
  ['a type with a space', { type: 'a b' }, ['/type']],
  ['a type with a slash', { type: 'a/b' }, ['/type']],
  ['a type with an umlaut', { type: 'ä' }, ['/type']],
  ['a type with a line feed at its end', { type: 'email\n' }, ['/type']],
  ['a type with a lone surrogate', '{"type":"\\ud800"}', ['/type']],
  ['a numeric type', { type: 1 }, ['/type']],
  ['a type in an array', { type: ['email'] }, ['/type']],
  ['a type as an object', { type: { toString: 'email' } }, ['/type']],
  ['an unknown field', withField('retries', 1), ['/retries']],
  ['an unknown null field', withField('retries', null), ['/retries']],
  ['a field in camel case', withField('maxRetries', 1), ['/maxRetries']],
  ['a __proto__ field', '{"type":"email","__proto__":{"priority":1}}', ['/__proto__']],
  ['a constructor field', withField('constructor', 1), ['/constructor']],
  ['an empty field name', withField('', 1), ['/']],
  ['a field name with pointer characters', withField('a/b~c', 1), ['/a~1b~0c']],
  ['an escaped unknown name', '{"type":"email","\\u0061":1}', ['/a']],
  ['a field given twice', '{"type":"email","queue":"a","queue":"a"}', ['/queue']],
  ['a type given twice', '{"type":"email","type":"email"}', ['/type']],
  ['a payload given twice', '{"type":"email","payload":1,"payload":2}', ['/payload']],
  ['a field given twice, once escaped', '{"type":"email","\\u0074ype":"email"}', ['/type']],
  ['negative retries', withField('max_retries', -1), ['/max_retries']],
  ['101 retries', withField('max_retries', 101), ['/max_retries']],
  ['half a retry', withField('max_retries', 1.5), ['/max_retries']],
  ['retries as text', withField('max_retries', '3'), ['/max_retries']],
  ['retries as a boolean', withField('max_retries', true), ['/max_retries']],
  ['endless retries', '{"type":"email","max_retries":1e400}', ['/max_retries']],
  ['an empty key', withField('idempotency_key', ''), ['/idempotency_key']],
  ['a key of 256 units', withField('idempotency_key', 'k'.repeat(256)), ['/idempotency_key']],
  ['a key of 128 pairs', withField('idempotency_key', '😀'.repeat(128)), ['/idempotency_key']],
  ['a numeric key', withField('idempotency_key', 7), ['/idempotency_key']],
  ['an empty queue', withField('queue', ''), ['/queue']],
  ['a queue with a space', withField('queue', 'a b'), ['/queue']],
  ['a numeric queue', withField('queue', 0), ['/queue']],
  ['a priority of -1001', withField('priority', -1001), ['/priority']],
  ['a priority of 1001', withField('priority', 1001), ['/priority']],
  ['a fractional priority', withField('priority', 0.1), ['/priority']],
  ['a priority as text', withField('priority', 'high'), ['/priority']],
  ['a negative delay', withField('delay_ms', -1), ['/delay_ms']],
  ['a delay over a year', withField('delay_ms', 31_536_000_001), ['/delay_ms']],
  ['a fractional delay', withField('delay_ms', 0.5), ['/delay_ms']],
  ['a timeout of 99', withField('timeout_ms', 99), ['/timeout_ms']],
  ['a timeout over a day', withField('timeout_ms', 86_400_001), ['/timeout_ms']],
  ['a numeric run_at', withField('run_at', 1_893_456_000_000), ['/run_at']],
  ['run_at with a delay', { type: 'email', run_at: '2030-01-01T00:00:00Z', delay_ms: 5 }, ['/delay_ms']],
  ['run_at with a delay of 0', { type: 'email', run_at: '2030-01-01T00:00:00Z', delay_ms: 0 }, ['/delay_ms']],
  [
    'run_at with a bad delay',
    { type: 'email', run_at: '2030-01-01T00:00:00Z', delay_ms: -1 },
    ['/delay_ms', '/delay_ms'],
  ],
  ['a payload too deep, with a number too large', withPayload(`[1e400,${deep(70)}]`), ['/payload', '/payload']],
  ['a bad run_at with a delay', { type: 'email', run_at: 'x', delay_ms: 0 }, ['/delay_ms', '/run_at']],
  ['65 levels', withPayload(deep(65)), ['/payload']],
  ['65 levels of objects', withPayload('{"a":'.repeat(65) + '1' + '}'.repeat(65)), ['/payload']],
  ['100 000 levels', withPayload(deep(100_000)), ['/payload']],
  ['depth in another field', `{"type":"email","queue":${deep(200)}}`, ['/queue']],
  ['1e400', withPayload('1e400'), ['/payload']],
  ['-1e400 far inside', withPayload('[{"a":[-1e400]}]'), ['/payload']],
  ['400 digits', withPayload('9'.repeat(400)), ['/payload']],
  [
    'everything at once',
    `{"type":"","payload":${deep(70)},"max_retries":-1,"idempotency_key":"","queue":"","priority":1e9,` +
      '"run_at":"x","delay_ms":-1,"timeout_ms":1,"nope":1}',
    [
      '/delay_ms',
      '/delay_ms', // and not together with run_at
      '/idempotency_key',
      '/max_retries',
      '/nope',
      '/payload',
      '/priority',
      '/queue',
      '/run_at',
      '/timeout_ms',
      '/type',
    ],
  ],
];

const INSTANTS = [
  '',
  '2030-01-01',
  '2030-01-01T00:00:00',
  '2030-01-01T00:00Z',
  '2030-01-01 00:00:00Z',
  '2030-01-01T00:00:00,5Z',
  '2030-01-01T00:00:00.Z',
  '2030-01-01T00:00:00+0100',
  '2030-01-01T00:00:00+24:00',
  '2030-01-01T00:00:00+01:60',
  '2030-01-01T24:00:00Z',
  '2030-01-01T23:60:00Z',
  '2030-06-30T23:59:60Z',
  '2030-02-29T00:00:00Z',
  '2030-02-30T00:00:00Z',
  '2030-04-31T00:00:00Z',
  '2030-13-01T00:00:00Z',
  '2030-00-01T00:00:00Z',
  '2030-01-00T00:00:00Z',
  '2030-1-1T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '0030-01-01T00:00:00Z',
  '1970-01-01T00:00:00+00:01',
  '9999-12-31T23:59:59-00:01',
  '+12030-01-01T00:00:00Z',
  '12030-01-01T00:00:00Z',
  '2030-01-01T00:00:00Z ',
  ' 2030-01-01T00:00:00Z',
  '2030-01-01T00:00:00Z\n',
  '٢٠٣٠-01-01T00:00:00Z',
  'now',
];

describe('a body is refused with 400 and names what is wrong', () => {
  it.each([...NOT_JSON, ...NOT_AN_OBJECT, ...FIELDS])('%s', async (_, body, paths) => {
    const { post, queue } = createApi();
    const called = await post('/createJob', body);
    expect(called.status).toBe(400);
    expect(called.headers.get('content-type')).toBe('application/problem+json');
    expect(pathsOf(called)).toEqual([...paths]);
    expect(problemOf(called).status).toBe(400);
    expect(queue.asked).toEqual([]);
  });

  it.each(INSTANTS)('run_at %j', async (runAt) => {
    const { post } = createApi();
    const called = await post('/createJob', { type: 'email', run_at: runAt });
    expect(called.status).toBe(400);
    expect(pathsOf(called)).toEqual(['/run_at']);
  });

  const BYTES: readonly (readonly [name: string, bytes: readonly number[]])[] = [
    ['a stray continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['Latin-1', [0xfc]],
  ];

  it.each(BYTES)('not UTF-8: %s', async (_, bytes) => {
    const { post } = createApi();
    const body = Buffer.concat([Buffer.from('{"type":"email","payload":"'), Buffer.from(bytes), Buffer.from('"}')]);
    const called = await post('/createJob', body);
    expect(called.status).toBe(400);
    expect(problemOf(called).detail).toBe('The body is not UTF-8.');
  });

  it('UTF-16', async () => {
    const { post } = createApi();
    expect((await post('/createJob', Buffer.from('\ufeff{"type":"email"}', 'utf16le'))).status).toBe(400);
  });

  const KEYS: readonly (readonly [name: string, header: string, inBody: string | null])[] = [
    ['an empty one', '', null],
    ['empty quotes', '""', null],
    ['an open quote', '"abc', null],
    ['a lone quote', '"', null],
    ['256 characters', 'k'.repeat(256), null],
    ['another one than in the body', 'a', 'b'],
    ['another case than in the body', 'A', 'a'],
  ];

  it.each(KEYS)('Idempotency-Key: %s', async (_, header, inBody) => {
    const { post } = createApi();
    const called = await post('/createJob', { type: 'email', idempotency_key: inBody }, { 'idempotency-key': header });
    expect(called.status).toBe(400);
    expect(pathsOf(called)).toEqual(['/idempotency_key']);
  });

  it('names more fields than anyone sends without building them all', async () => {
    const { post } = createApi();
    const names = Array.from({ length: 5_000 }, (_, index) => `"f${index}":0`);
    const called = await post('/createJob', `{"type":"email",${names.join(',')}}`);
    expect(called.status).toBe(400);
    expect(problemOf(called).errors).toHaveLength(1_000);
    expect(pathsOf(called)).toContain('');
  });
});

describe('other refusals of a submission', () => {
  it.each([
    undefined,
    '',
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/json5',
    'application/ld+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=latin1',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; charset="iso-8859-1"',
    'application/json, text/plain',
    'application/json; ???',
    '*/*',
  ])('415: content type %j', async (contentType) => {
    const { app, queue } = createApi();
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    const body = new Blob(['{"type":"email"}']);
    const response = await app.request('/createJob', { method: 'POST', body, headers });
    expect(response.status).toBe(415);
    expect(queue.asked).toEqual([]);
  });

  it.each(['gzip', 'br', 'deflate', 'GZIP', 'identity, gzip', 'zstd', 'nope'])('415: encoding %s', async (encoding) => {
    const { post } = createApi();
    expect((await post('/createJob', { type: 'email' }, { 'content-encoding': encoding })).status).toBe(415);
  });

  it.each(['gzip, chunked', 'deflate, chunked'])('415: transfer encoding %s', async (encoding) => {
    const { post } = createApi();
    expect((await post('/createJob', { type: 'email' }, { 'transfer-encoding': encoding })).status).toBe(415);
    expect((await post('/createJob', { type: 'email' }, { 'transfer-encoding': 'Chunked' })).status).toBe(201);
  });

  it('400: fields are known behind a thousand others', async () => {
    const { post } = createApi();
    const others = Array.from({ length: 1_000 }, (_, index) => `"a${index}":1`).join(',');
    const once = await post('/createJob', `{${others},"type":"email"}`);
    expect(pathsOf(once)).toHaveLength(1_001);
    expect(pathsOf(once)).not.toContain('/type');
    const twice = await post('/createJob', `{${others},"type":"email","priority":1,"priority":1,"priority":5000}`);
    expect(problemOf(twice).errors).toContainEqual({ path: '/priority', message: 'is given twice' });
  });

  it('413: one byte too many, told by Content-Length or not', async () => {
    const { app, post } = createApi({ http: { bodyBytesMax: 100 } });
    const text = `{"type":"email","payload":"${'x'.repeat(72)}"}`;
    expect(text).toHaveLength(101);
    expect((await post('/createJob', text, { 'content-length': '101' })).status).toBe(413);
    const stream = new Blob([text]).stream();
    const init = { method: 'POST', body: stream, headers: { 'content-type': 'application/json' }, duplex: 'half' };
    const response = await app.request('/createJob', init as RequestInit);
    expect(response.status).toBe(413);
    expect(response.headers.get('connection')).toBe('close');
  });

  it('413 counts bytes, not characters', async () => {
    const { post } = createApi({ http: { bodyBytesMax: 100 } });
    expect((await post('/createJob', `{"type":"email","payload":"${'é'.repeat(40)}"}`)).status).toBe(413);
  });

  it('422: an unknown type lists the known ones, nearest first', async () => {
    const { post } = createApi();
    const called = await post('/createJob', { type: 'emial' });
    expect(called.status).toBe(422);
    expect(problemOf(called).detail).toBe(
      'No handler runs the type emial. Known types, nearest first: email, resize, report.',
    );
    expect(pathsOf(called)).toEqual(['/type']);
  });

  it('the body is judged before the type, the content type before the size', async () => {
    const { post } = createApi({ http: { bodyBytesMax: 10 } });
    const called = await post('/createJob', 'x'.repeat(20), { 'content-type': 'text/plain' });
    expect(called.status).toBe(415);
    const other = createApi();
    expect(pathsOf(await other.post('/createJob', { type: 'nope', priority: 'x' }))).toEqual(['/priority']);
  });
});

import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../../runtime/config.ts';
import { VARIABLES } from '../../../runtime/config-variables.ts';

const TOKEN = '0123456789abcdef';

function refusal(environment: Record<string, string>): string {
  try {
    parseConfig(environment);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ConfigError);
    return (thrown as ConfigError).message;
  }
  return 'accepted';
}

test('an empty environment gives the documented defaults', () => {
  expect(parseConfig({}, { cwd: '/srv' })).toEqual({
    port: 8080,
    host: '127.0.0.1',
    allowedHosts: [],
    authToken: null,
    dataDir: '/srv/data',
    handlers: null,
    workerCount: 10,
    depthLimit: 100_000,
    bytesLimit: 1_073_741_824,
    bodyBytesMax: 1_048_576,
    crashesMax: 3,
    shutdownGraceMs: 10_000,
    retentionMs: 604_800_000,
    logLevel: 'info',
  });
});

test('an empty value is unset', () => {
  const empty = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, '']));
  expect(parseConfig(empty, { cwd: '/srv' })).toEqual(parseConfig({}, { cwd: '/srv' }));
});

test('every variable is read', () => {
  const environment = {
    PORT: '0',
    HOST: '0.0.0.0',
    ALLOWED_HOSTS: 'Queue.internal, 10.0.0.1,',
    AUTH_TOKEN: TOKEN,
    DATA_DIR: '/var/lib/perdure',
    HANDLERS: './handlers.ts',
    WORKER_COUNT: '0',
    MAX_QUEUE_DEPTH: '1',
    MAX_DATA_BYTES: '2',
    MAX_BODY_BYTES: '3',
    MAX_CRASHES: '1',
    SHUTDOWN_GRACE_MS: '0',
    RETENTION_MS: '0',
    LOG_LEVEL: 'silent',
  };
  expect(Object.keys(environment)).toEqual(Object.keys(VARIABLES));
  expect(parseConfig(environment, { cwd: '/srv' })).toEqual({
    port: 0,
    host: '0.0.0.0',
    allowedHosts: ['queue.internal', '10.0.0.1'],
    authToken: TOKEN,
    dataDir: '/var/lib/perdure',
    handlers: './handlers.ts',
    workerCount: 0,
    depthLimit: 1,
    bytesLimit: 2,
    bodyBytesMax: 3,
    crashesMax: 1,
    shutdownGraceMs: 0,
    retentionMs: 0,
    logLevel: 'silent',
  });
});

test.each([
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '80.5'],
  ['PORT', '1e3'],
  ['PORT', ' 80'],
  ['PORT', '0x50'],
  ['HOST', 'two words'],
  ['HOST', 'http://localhost'],
  ['ALLOWED_HOSTS', 'a.example,b.example:80'],
  ['WORKER_COUNT', '1001'],
  ['MAX_QUEUE_DEPTH', '0'],
  ['MAX_DATA_BYTES', '0'],
  ['MAX_DATA_BYTES', '99999999999999999999'],
  ['MAX_BODY_BYTES', '1MB'],
  ['MAX_CRASHES', '0'],
  ['SHUTDOWN_GRACE_MS', 'Infinity'],
  ['RETENTION_MS', '-0'],
  ['LOG_LEVEL', 'INFO'],
  ['UV_USE_IO_URING', '1'],
])('a value that breaks its rule is refused in one line that names it: %s=%j', (name, value) => {
  const message = refusal({ [name]: value });
  expect(message).toContain(`${name} is ${JSON.stringify(value)}: it must be `);
  expect(message).not.toContain('\n');
});

test('the message stays on one line and in bounds, whatever the value holds', () => {
  const message = refusal({ PORT: `8080\n${'x'.repeat(10_000)}` });
  expect(message).not.toContain('\n');
  expect(message.length).toBeLessThan(300);
});

describe('the token', () => {
  test.each(['short', 'fifteen-letters', `${TOKEN}\u00e9`, `${TOKEN} ${TOKEN}`])('%j is refused', (token) => {
    const message = refusal({ AUTH_TOKEN: token });
    expect(message).toContain('AUTH_TOKEN');
    expect(message).not.toContain(token);
  });

  test('is never printed when something else is wrong', () => {
    expect(refusal({ AUTH_TOKEN: TOKEN, PORT: 'x' })).not.toContain(TOKEN);
  });
});

describe('without a token', () => {
  test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1'])(
    'HOST may be %s',
    (host) => {
      expect(parseConfig({ HOST: host }).host).toBe(host);
    },
  );

  test.each(['0.0.0.0', '::', '10.0.0.1', '::ffff:127.0.0.1', '127.example.com', 'localhost.example', '127.1'])(
    'HOST must not be %s',
    (host) => {
      expect(refusal({ HOST: host })).toContain(`HOST is "${host}"`);
      expect(parseConfig({ HOST: host, AUTH_TOKEN: TOKEN }).host).toBe(host);
    },
  );
});

test('the default of every variable keeps its own rule', () => {
  for (const { fallback, parse } of Object.values(VARIABLES)) {
    if (fallback !== null) expect(parse(fallback)).toBeDefined();
  }
});

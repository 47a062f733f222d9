import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeThrown } from '../../../../runtime/worker/thrown.ts';

class NotToday extends TypeError {
  override readonly name = 'NotToday';
}

class Permanent extends Error {
  get retryable(): boolean {
    return false;
  }
}

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

test('an error is stored with its name, message and stack', () => {
  const error = new NotToday('come back');
  expect(describeThrown(error)).toEqual({
    error: { name: 'NotToday', message: 'come back', stack: error.stack },
    retryable: true,
  });
});

test('the causes of an error are part of its stack, even when they go in a circle', () => {
  const cause = new Error('the socket closed');
  const error = new Error('no mail', { cause });
  expect(describeThrown(error).error.stack).toContain('Caused by: Error: the socket closed');
  cause.cause = error;
  expect(describeThrown(error).error.stack?.length).toBeLessThanOrEqual(20_000);
});

test('an error without a message is told by its code', () => {
  const error = Object.assign(new AggregateError([new Error('a'), new Error('b')]), { code: 'ECONNREFUSED' });
  expect(describeThrown(error).error).toMatchObject({ name: 'AggregateError', message: 'ECONNREFUSED' });
});

test.each([
  [Object.assign(new Error('x'), { retryable: false }), false],
  [new Permanent('x'), false],
  [{ retryable: false }, false],
  [Object.assign(new Error('x'), { retryable: undefined }), true],
  [Object.assign(new Error('x'), { retryable: 0 }), true],
  ['retryable', true],
])('only what says that it is not retryable is not: %#', (thrown, retryable) => {
  expect(describeThrown(thrown).retryable).toBe(retryable);
});

test.each([
  ['boom', 'boom'],
  [undefined, 'undefined'],
  [null, 'null'],
  [42n, '42n'],
  [{ code: 7 }, '{ code: 7 }'],
  [Symbol('s'), 'Symbol(s)'],
])('what is no error has a message too: %#', (thrown, message) => {
  expect(describeThrown(thrown).error).toEqual({ name: 'Error', message, stack: null });
});

test('a revoked proxy has a message too', () => {
  expect(describeThrown(revoked()).error.message).toBe('<Revoked Proxy>');
});

test('hostile values are described without throwing', () => {
  const fail = (): never => {
    throw new Error('gotcha');
  };
  const getters = new Error('x');
  for (const name of ['stack', 'name', 'message', 'cause', 'retryable'])
    Object.defineProperty(getters, name, { get: fail });
  const strange = { message: 7n, name: {}, stack: [], [inspect.custom]: fail, toString: fail };
  const proxy = new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail, has: fail });
  for (const thrown of [getters, strange, proxy]) {
    expect(typeof describeThrown(thrown).error.message).toBe('string');
    expect(describeThrown(thrown).retryable).toBe(true);
  }
});

test('texts are cut to their bounds', () => {
  const error = new Error('m'.repeat(5_000_000));
  error.name = 'n'.repeat(1_000);
  const { name, message, stack } = describeThrown(error).error;
  expect([name.length, message.length, stack?.length]).toEqual([256, 10_000, 20_000]);
  expect(describeThrown({ deep: ['x'.repeat(50_000)] }).error.message.length).toBeLessThanOrEqual(10_000);
});

test('property: anything can be thrown', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withMap: true }), (thrown) => {
      const { error } = describeThrown(thrown);
      expect(error.name.length).toBeLessThanOrEqual(256);
      expect(error.message.length).toBeLessThanOrEqual(10_000);
    }),
    { numRuns: 300 },
  );
});

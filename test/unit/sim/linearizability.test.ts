import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JobId } from '../../../core/job/job.ts';
import { slotSpecification } from '../../../sim/oracles/job-slot.ts';
import type { Glimpse, SlotAct } from '../../../sim/oracles/job-slot.ts';
import { linearize } from '../../../sim/oracles/linearizability.ts';
import type { Operation, Specification } from '../../../sim/oracles/linearizability.ts';

type Act = { readonly kind: 'write' | 'read'; readonly value: number };

const register: Specification<number, Act> = {
  initial: 0,
  after: (held, { kind, value }) => (kind === 'write' ? value : held === value ? held : undefined),
  keyOf: String,
};

const operation = <Kind>(act: Kind, invokedAt: number, returnedAt: number | null): Operation<Kind> => ({
  act,
  invokedAt,
  returnedAt,
});
const write = (value: number, from: number, to: number | null) => operation<Act>({ kind: 'write', value }, from, to);
const read = (value: number, from: number, to: number) => operation<Act>({ kind: 'read', value }, from, to);
const isLinearizable = (...history: readonly Operation<Act>[]) => linearize(register, history).kind === 'linearizable';

describe('a register', () => {
  test('nothing that was asked is in order', () => expect(isLinearizable()).toBe(true));

  test('a read sees the write that returned before it', () => {
    expect(isLinearizable(write(1, 1, 2), read(1, 3, 4))).toBe(true);
    expect(isLinearizable(write(1, 1, 2), read(0, 3, 4))).toBe(false);
  });

  test('a read that overlaps a write sees the old value or the new one', () => {
    expect(isLinearizable(write(1, 1, 4), read(0, 2, 3))).toBe(true);
    expect(isLinearizable(write(1, 1, 4), read(1, 2, 3))).toBe(true);
    expect(isLinearizable(write(1, 1, 4), read(2, 2, 3))).toBe(false);
  });

  test('what was read once during a write is not unread', () => {
    expect(isLinearizable(write(1, 1, 6), read(0, 2, 3), read(1, 4, 5))).toBe(true);
    expect(isLinearizable(write(1, 1, 6), read(1, 2, 3), read(0, 4, 5))).toBe(false);
  });

  test('two writes that overlap may take effect in either order, and for all readers in the same', () => {
    const writes = [write(1, 1, 3), write(2, 2, 4)];
    expect(isLinearizable(...writes, read(1, 5, 6))).toBe(true);
    expect(isLinearizable(...writes, read(2, 5, 6))).toBe(true);
    expect(isLinearizable(...writes, read(1, 5, 6), read(2, 7, 8))).toBe(false);
  });

  test('a write without an answer may take effect at any later moment, or never', () => {
    expect(isLinearizable(write(1, 1, null), read(0, 2, 3))).toBe(true);
    expect(isLinearizable(write(1, 1, null), read(0, 2, 3), read(1, 4, 5))).toBe(true);
    expect(isLinearizable(write(1, 1, null), read(1, 2, 3), read(0, 4, 5))).toBe(false);
    expect(isLinearizable(read(1, 1, 2), write(1, 3, null))).toBe(false);
  });

  test('the operation that fits nowhere is named', () => {
    const stale = read(0, 5, 6);
    const finding = linearize(register, [write(1, 1, 2), read(1, 3, 4), stale, write(2, 7, 8)]);
    expect(finding).toEqual({ kind: 'impossible', stuckAt: stale });
  });

  test('a search that takes too long is given up, and is no verdict', () => {
    const writes = Array.from({ length: 12 }, (_, index) => write(index, index + 1, 100 + index));
    expect(linearize(register, [...writes, read(-1, 13, 99)], 50).kind).toBe('undecided');
  });

  test('what led nowhere once is not tried again: many overlapping operations are no hardship', () => {
    const writes = Array.from({ length: 10 }, (_, index) => write(index % 2, index + 1, 100 + index));
    expect(linearize(register, [...writes, read(7, 200, 201)]).kind).toBe('impossible');
  });
});

describe('the search agrees with trying all orders', () => {
  const history = fc
    .array(
      fc.record({ kind: fc.constantFrom('write' as const, 'read' as const), value: fc.nat(2), isOpen: fc.boolean() }),
      {
        maxLength: 5,
      },
    )
    .chain((acts) =>
      fc
        .shuffledSubarray(
          Array.from({ length: acts.length * 2 }, (_, moment) => moment),
          {
            minLength: acts.length * 2,
            maxLength: acts.length * 2,
          },
        )
        .map((moments) =>
          acts.map(({ isOpen, ...act }, index) => {
            const [one = 0, two = 0] = moments.slice(index * 2);
            // A read that nobody was told of says nothing.
            return operation<Act>(act, Math.min(one, two), isOpen && act.kind === 'write' ? null : Math.max(one, two));
          }),
        ),
    );

  test('on histories of a register', () => {
    fc.assert(
      fc.property(history, (operations) => {
        expect(linearize(register, operations).kind === 'linearizable').toBe(bruteForce(operations, 0));
      }),
      { numRuns: 2_000 },
    );
  });

  /** Whether some order of the rest fits, each next one invoked before all of the rest returned. */
  function bruteForce(rest: readonly Operation<Act>[], held: number): boolean {
    if (rest.every(({ returnedAt }) => returnedAt === null)) return true;
    return rest.some((next) => {
      const others = rest.filter((other) => other !== next);
      if (others.some(({ returnedAt }) => returnedAt !== null && returnedAt < next.invokedAt)) return false;
      const after = register.after(held, next.act);
      return after !== undefined && bruteForce(others, after);
    });
  }
});

describe('a slot for a job', () => {
  const id = JobId('j1');
  const glimpse = (seen: Partial<Glimpse> = {}): Glimpse => ({
    id,
    state: 'pending',
    attempt: 0,
    failures: 0,
    crashes: 0,
    version: null,
    ...seen,
  });
  const created: SlotAct = { kind: 'created', request: 'a', seen: glimpse({ version: 1 }) };
  const seen = (shown: Partial<Glimpse>): SlotAct => ({ kind: 'seen', seen: glimpse(shown) });

  const fits = (acts: readonly SlotAct[], options = { canForget: false }): boolean => {
    const inOrder = acts.map((act, index) => operation(act, 2 * index, 2 * index + 1));
    return linearize(slotSpecification(options), inOrder).kind === 'linearizable';
  };

  test('one job is made, and later submissions of its key are answered with it', () => {
    const replayed: SlotAct = { kind: 'replayed', request: 'a', seen: glimpse() };
    expect(fits([created, replayed])).toBe(true);
    expect(fits([replayed, created])).toBe(false);
    expect(fits([created, { ...replayed, request: 'b' }])).toBe(false);
    expect(fits([created, { ...replayed, seen: glimpse({ id: JobId('j2') }) }])).toBe(false);
    expect(fits([created, { ...created, seen: glimpse({ id: JobId('j2'), version: 2 }) }])).toBe(false);
  });

  test('another request under the key is refused, and only another one', () => {
    expect(fits([created, { kind: 'key-taken', request: 'b', id }])).toBe(true);
    expect(fits([created, { kind: 'key-taken', request: 'a', id }])).toBe(false);
    expect(fits([{ kind: 'key-taken', request: 'b', id }])).toBe(false);
    expect(fits([created, { kind: 'key-free' }])).toBe(false);
  });

  test('a key is free again when its job was deleted, or forgotten where anything is', () => {
    const second: SlotAct = { kind: 'created', request: 'b', seen: glimpse({ id: JobId('j2'), version: 9 }) };
    expect(fits([created, { kind: 'deleted', id }, second])).toBe(true);
    expect(fits([created, second], { canForget: true })).toBe(true);
    expect(fits([created, { kind: 'deleted', id }, { kind: 'replayed', request: 'a', seen: glimpse() }])).toBe(false);
    expect(fits([created, second, { kind: 'replayed', request: 'a', seen: glimpse() }], { canForget: true })).toBe(
      false,
    );
  });

  test('the queue starts jobs and ends attempts by itself', () => {
    expect(fits([created, seen({ state: 'running', attempt: 1, version: 2 })])).toBe(true);
    expect(fits([created, seen({ state: 'succeeded', attempt: 2, failures: 1, version: 5 })])).toBe(true);
    expect(fits([created, seen({ state: 'dead', attempt: 3, failures: 2, crashes: 1, version: 7 })])).toBe(true);
    expect(fits([created, seen({ state: 'succeeded', attempt: 1, failures: 1, version: 5 })])).toBe(false);
    expect(fits([created, seen({ state: 'dead', attempt: 1, version: 3 })])).toBe(false);
    expect(fits([created, seen({ state: 'cancelled', version: 2 })])).toBe(false);
  });

  test('versions only move forward, and one version shows one job', () => {
    const running = seen({ state: 'running', attempt: 1, version: 2 });
    expect(fits([created, running, running])).toBe(true);
    expect(fits([created, running, seen({ version: 1 })])).toBe(false);
    expect(fits([created, running, seen({ state: 'pending', attempt: 1, version: 2 })])).toBe(false);
    expect(fits([created, running, seen({ state: 'running', attempt: 1, version: 3 })])).toBe(false);
  });

  test('a cancellation that was answered is seen by every later read', () => {
    const cancelled: SlotAct = { kind: 'cancelled', seen: glimpse({ state: 'cancelled', attempt: 1, version: 3 }) };
    const after = seen({ state: 'cancelled', attempt: 1, version: 3 });
    expect(fits([created, cancelled, after])).toBe(true);
    expect(fits([created, cancelled, seen({ state: 'running', attempt: 1, version: 2 })])).toBe(false);
    expect(fits([created, cancelled, seen({ state: 'succeeded', attempt: 1, version: 4 })])).toBe(false);
  });

  test('a cancellation whose outcome is unknown may have happened, and then it stays', () => {
    const history = (...shown: readonly Partial<Glimpse>[]): boolean => {
      const specification = slotSpecification({ canForget: false });
      const reads = shown.map((one, index) => operation(seen(one), 10 + 2 * index, 11 + 2 * index));
      const perhaps = operation<SlotAct>({ kind: 'perhaps-cancelled', id }, 2, null);
      return linearize(specification, [operation(created, 0, 1), perhaps, ...reads]).kind === 'linearizable';
    };
    const running = { state: 'running', attempt: 1, version: 2 } as const;
    const cancelled = { state: 'cancelled', attempt: 1, version: 3 } as const;
    expect(history(running)).toBe(true);
    expect(history(running, cancelled)).toBe(true);
    expect(history(cancelled, running)).toBe(false);
    expect(history(cancelled, { state: 'succeeded', attempt: 1, version: 4 })).toBe(false);
  });

  test('a retry revives what is dead or cancelled, and nothing else', () => {
    const dead = seen({ state: 'dead', attempt: 2, failures: 2, version: 6 });
    const retried: SlotAct = { kind: 'retried', seen: glimpse({ attempt: 2, version: 7 }) };
    expect(fits([created, dead, retried, seen({ state: 'running', attempt: 3, version: 8 })])).toBe(true);
    expect(fits([created, dead, seen({ attempt: 2, version: 7 })])).toBe(false);
    expect(fits([created, seen({ state: 'succeeded', attempt: 2, version: 6 }), retried])).toBe(false);
  });

  test('a refusal names the state that the job is in, and one that forbids what was asked', () => {
    const refused = (asked: 'cancel' | 'delete', state: Glimpse['state']): SlotAct => ({
      kind: 'wrong-state',
      id,
      asked,
      state,
    });
    const succeeded = seen({ state: 'succeeded', attempt: 1, version: 3 });
    expect(fits([created, succeeded, refused('cancel', 'succeeded')])).toBe(true);
    expect(fits([created, succeeded, refused('cancel', 'dead')])).toBe(false);
    expect(fits([created, refused('cancel', 'pending')])).toBe(false);
    expect(fits([created, refused('delete', 'running'), seen({ version: 1 })])).toBe(false);
    expect(
      fits([created, refused('delete', 'running'), seen({ state: 'pending', attempt: 1, crashes: 1, version: 4 })]),
    ).toBe(true);
  });

  test('a job that is there is found, and one that is gone stays gone', () => {
    expect(fits([{ kind: 'absent', id }, created])).toBe(true);
    expect(fits([created, { kind: 'absent', id }])).toBe(false);
    expect(fits([created, { kind: 'absent', id }], { canForget: true })).toBe(true);
    expect(fits([created, { kind: 'deleted', id }, seen({ state: 'succeeded', attempt: 1, version: 3 })])).toBe(false);
  });
});

// Real rounds of the event loop, and who is at work in them.
//
// Virtual time passes only while nobody has anything left to do in the present. A handler is an asynchronous function like
// any other: that it waits for virtual time, or was silent for long, is all that can be known of it.

import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate, setTimeout } from 'node:timers';
import type { TestProcess } from './process.ts';

/** A call of a handler that has not ended. */
export type Call = {
  readonly process: TestProcess;
  /** Its sleeps in virtual time that have not ended. */
  sleeps: number;
  /** It let the patience run out: time passes over it. */
  isSilent: boolean;
};

const calls = new AsyncLocalStorage<Call | undefined>();

/** The call of a handler out of which this is asked; undefined outside of handlers. */
export const currentCall = (): Call | undefined => calls.getStore();

export const inside = <Result>(call: Call, act: () => Result): Result => calls.run(call, act);

/** What is done here is nobody's, though a handler may have set it off. */
export const outside = <Result>(act: () => Result): Result => calls.run(undefined, act);

export const nextRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const pause = (durationMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, durationMs));

export const never = (): Promise<never> => new Promise(() => undefined);

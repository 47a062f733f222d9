// What a handler threw, as it is stored.
//
// Rule: anything can be thrown (a string, a proxy, an error whose getters throw, one with a message of a gigabyte), and
//       describing it never throws and never stores more than the bounds say.

import { inspect } from 'node:util';
import type { Thrown } from '../../core/queue/command.ts';

/** UTF-16 units kept of each text. */
const NAME_MAX = 256;
const MESSAGE_MAX = 10_000;
const STACK_MAX = 20_000;

/** Links of a chain of causes that are followed: a chain may be a circle. */
const CAUSES_MAX = 5;

export type Failure = { readonly error: Thrown; readonly retryable: boolean };

/** `retryable` is false only where what was thrown says so itself. */
export function describeThrown(thrown: unknown): Failure {
  const stack = stackOf(thrown);
  return {
    error: {
      name: cut(text(thrown, 'name') || 'Error', NAME_MAX),
      message: cut(messageOf(thrown), MESSAGE_MAX),
      stack: stack === '' ? null : cut(stack, STACK_MAX),
    },
    retryable: property(thrown, 'retryable') !== false,
  };
}

function messageOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  const message = text(thrown, 'message') ?? inspected(thrown);
  // Node's error for a host with several addresses has no message, only a code.
  return message === '' ? (text(thrown, 'code') ?? '') : message;
}

function stackOf(thrown: unknown): string {
  const stacks: string[] = [];
  let link: unknown = thrown;
  for (let depth = 0; depth <= CAUSES_MAX && link !== undefined && link !== null; depth++) {
    const stack = text(link, 'stack');
    if (stack !== undefined) stacks.push(cut(stack, STACK_MAX));
    else if (depth > 0) stacks.push(cut(messageOf(link), MESSAGE_MAX));
    link = property(link, 'cause');
  }
  return stacks.join('\nCaused by: ');
}

/** The property of an object or function, own or inherited; undefined where reading it throws. */
function property(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function text(value: unknown, name: string): string | undefined {
  const found = property(value, name);
  return typeof found === 'string' ? found : undefined;
}

function inspected(value: unknown): string {
  try {
    return inspect(value, { depth: 2, breakLength: Infinity, maxArrayLength: 20, maxStringLength: MESSAGE_MAX });
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}

const cut = (value: string, max: number): string => (value.length > max ? `${value.slice(0, max - 1)}…` : value);

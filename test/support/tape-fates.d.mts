// The types of tape-fates.mjs, which the server loads as it is.

export type TapePayload = {
  readonly key: string;
  readonly fate: 'succeed' | 'fail' | 'fail always' | 'fail for good';
  /** How often `fail` fails before it succeeds. */
  readonly failures: number;
  /** How long an attempt takes. */
  readonly ms: number;
  readonly value: unknown;
};

export type Fate =
  | { readonly result: unknown }
  | { readonly error: { readonly name: string; readonly message: string }; readonly retryable: boolean };

export function fateOf(payload: TapePayload, failures: number): Fate;

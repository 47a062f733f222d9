// What a tape is played in: a server that is asked over HTTP, that dies when its tape says so, and is started again.

export type Call = { readonly method: string; readonly path: string; readonly body?: unknown };
export type Answer = { readonly status: number; readonly body: unknown };

export type TapeWorld = {
  /** Sends all at once. Null: the server died before it answered, and another one serves by now. */
  readonly burst: (calls: readonly Call[]) => Promise<readonly (Answer | null)[]>;
  /** Until no job runs, and as many are pending as may stay so. */
  readonly rest: (pending: number) => Promise<void>;
};

export const initOf = ({ method, body }: Call): RequestInit =>
  body === undefined
    ? { method }
    : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

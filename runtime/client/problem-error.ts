// What a call of the client rejects with when the server refused it.

/** The server's problem (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** The HTTP status. */
  readonly status: number;
  /** Identifies the kind of problem, such as `urn:perdure:problem:queue-full`. */
  readonly type: string;
  readonly title: string;
  /** Every field that is wrong; `path` is a JSON Pointer. Empty where no field is to blame. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** When the server thinks that trying again may help, in milliseconds; null where it did not say. */
  readonly retryAfterMs: number | null;

  constructor(response: { status: number; retryAfter: string | null; body: unknown }) {
    const { status, retryAfter, body } = response;
    const problem = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
    super(typeof problem['detail'] === 'string' ? problem['detail'] : `the server answered ${status}`);
    this.status = status;
    this.type = typeof problem['type'] === 'string' ? problem['type'] : 'about:blank';
    this.title = typeof problem['title'] === 'string' ? problem['title'] : '';
    this.errors = Array.isArray(problem['errors']) ? (problem['errors'] as ProblemError['errors']) : [];
    this.retryAfterMs = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : null;
  }

  /** The job's record, the field or the state is to blame: the same request will be refused again. */
  get isFinal(): boolean {
    return this.status < 500 && this.status !== 429 && this.status !== 408;
  }
}

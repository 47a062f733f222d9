// What the process tests ask a server, in the words of its API.

import { waitUntil } from './server.ts';

export type JobJson = {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: unknown;
  readonly state: string;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly max_retries: number;
  readonly timeout_ms: number;
  readonly run_at: string;
  readonly lease_until: string | null;
  readonly progress: unknown;
  readonly result: unknown;
  readonly last_error: { readonly name: string; readonly message: string; readonly stack: string | null } | null;
};

export type HistoryJson = readonly { readonly kind: string; readonly attempt: number | null; readonly at: string }[];
export type JobWithHistory = JobJson & { readonly history: HistoryJson };

export type Answer<Body = unknown> = { readonly status: number; readonly headers: Headers; readonly body: Body };
export type ProblemJson = { readonly status: number; readonly detail: string; readonly errors?: readonly object[] };

export type SubmissionFields = Readonly<Record<string, unknown>>;

export class Client {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async call<Body = unknown>(method: string, path: string, body?: unknown): Promise<Answer<Body>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as Body };
  }

  get<Body = unknown>(path: string): Promise<Answer<Body>> {
    return this.call<Body>('GET', path);
  }

  /** The answer, whatever it is. */
  offer(type: string, payload: unknown = null, fields: SubmissionFields = {}): Promise<Answer<JobJson & ProblemJson>> {
    return this.call('POST', '/createJob', { type, payload, ...fields });
  }

  /** The job that was stored. @throws if it was not. */
  async submit(type: string, payload: unknown = null, fields: SubmissionFields = {}): Promise<JobJson> {
    const { status, body } = await this.offer(type, payload, fields);
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  }

  async job(id: string): Promise<JobWithHistory> {
    const { status, body } = await this.get<JobWithHistory>(`/jobs/${id}`);
    if (status !== 200) throw new Error(`job ${id}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Waits until the job is in the state. */
  reaches(id: string, state: string): Promise<JobWithHistory> {
    return waitUntil(
      () => this.job(id),
      (job) => job.state === state,
    );
  }
}

export const kindsOf = (job: JobWithHistory): string[] => job.history.map(({ kind }) => kind);

// `import … from 'perdure/client'`: the HTTP API for programs that run elsewhere.

export { Client, createClient } from './client.ts';
export type { ClientOptions } from './client.ts';
export { ProblemError } from './problem-error.ts';
export type { WireStats } from './wire.ts';
export type { JobPage, ListOptions, SubmitOptions, Submitted } from '../embed/calls.ts';
export type { EventView, HistoryEntry, JobView, JobWithHistory } from '../embed/job-view.ts';

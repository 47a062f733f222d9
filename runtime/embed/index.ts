// `import … from 'perdure'`: the queue inside a program of one's own.

export { createQueue, Queue } from './queue.ts';
export type { AppOptions } from './queue.ts';
export type { QueueOptions } from './options.ts';
export type { JobPage, ListOptions, QueueCalls, SubmissionOf, Submitted, SubmitOptions } from './calls.ts';
export type { EventView, HistoryEntry, JobView, JobWithHistory } from './job-view.ts';
export { QueueError } from './queue-error.ts';
export { defineHandler, defineHandlers, LeaseLostError } from '../worker/handler.ts';
export type { Handler, HandlerContext, HandlerDefinition, HandlerMap, PayloadOf } from '../worker/handler.ts';
export { ConfigError } from '../config.ts';
export { HandlersError } from '../worker/registry.ts';
export { LockedError } from '../disk/holder.ts';
export { DamageError, FormatError } from '../../core/store/damage.ts';
export { DiskError } from '../../core/store/disk.ts';

// `import … from 'perdure/testing'`: one's own handlers, in tests, under crashes and without waiting.

export { createTestQueue, TestQueue } from './test-queue.ts';
export type { CrashNextOptions, CrashOptions, TestQueueOptions } from './test-queue.ts';
export type { CrashMoment } from './machine.ts';
export type { Run, RunCause, RunEnd } from './ledger.ts';

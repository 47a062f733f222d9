// `perdure serve`: the queue behind HTTP, from the environment to the exit code.

import { setTimeout as wait } from 'node:timers/promises';
import { InvariantError } from '../core/job/assert.ts';
import { createApp } from './http/app.ts';
import { startServer } from './http/server.ts';
import type { RunningServer } from './http/server.ts';
import { CONNECTIONS_MAX, FEED_CONNECTIONS_MAX } from './http/settings.ts';
import { parseConfig } from './config.ts';
import type { Config, Environment } from './config.ts';
import { EXIT, describeFailure } from './exit.ts';
import type { ExitCode } from './exit.ts';
import { createLog } from './log.ts';
import type { Log } from './log.ts';
import type { LoopEnd } from './loop.ts';
import { Metrics } from './metrics.ts';
import { Service } from './service.ts';
import type { ShutdownSignal } from './shutdown-signal.ts';
import { loadHandlers } from './worker/load.ts';
import { describeThrown } from './worker/thrown.ts';

/** Milliseconds after a failure in which whoever comes is still refused in words. */
const LAST_REQUESTS_MS = 250;

/** Milliseconds that the last answers have to leave before the process ends. */
const LAST_ANSWERS_MS = 1_000;

export async function serve(options: { environment: Environment; signal: ShutdownSignal }): Promise<void> {
  surviveClosedOutputs();
  try {
    const config = parseConfig(options.environment);
    await run({ config, signal: options.signal });
  } catch (error) {
    const { code, text } = describeFailure(error);
    process.stderr.write(`perdure: ${text}\n`);
    isEnding = true;
    process.exit(code);
  }
}

async function run({ config, signal }: { config: Config; signal: ShutdownSignal }): Promise<void> {
  const log = createLog({ level: config.logLevel });
  let isLoading = true;
  process.on('exit', (code) => {
    // A signal that comes while the handlers load ends the process at once, as nothing was begun.
    if (isEnding || (isLoading && signal.isReceived)) return;
    process.exitCode = isLoading ? endedAtLoad(log) : exitCodeOf(code, log);
  });
  const handlers = await loadHandlers(config.handlers);
  isLoading = false;
  endOnStrayErrors(log);
  const metrics = new Metrics();
  let server: RunningServer | null = null;
  const fail = (end: LoopEnd): void => void endAfterFailure(end, { log, closeServer: async () => server?.close() });
  const recovering = Service.recover({
    directory: config.dataDir,
    handlers,
    workerCount: config.workerCount,
    depthLimit: config.depthLimit,
    bytesLimit: config.bytesLimit,
    crashesMax: config.crashesMax,
    retentionMs: config.retentionMs,
    log,
    onSync: (durationMs) => metrics.observeSync(durationMs),
    onEnd: fail,
  });
  // A recovery under way is finished and closed in order: the next start then need not recover from a crash.
  signal.onFirst((name) => {
    log.info({ signal: name, graceMs: config.shutdownGraceMs }, 'shutting down');
    void recovering.then(shutDown, ignore); // why the recovery failed is told below
  });
  const shutDown = async (service: Service): Promise<void> => {
    const close = service.close({ graceMs: config.shutdownGraceMs });
    const end = await close.catch((defect: unknown): LoopEnd => ({ defect }));
    if (end !== null) return fail(end);
    await server?.close();
    log.info({}, 'shut down');
    isEnding = true;
    process.exit(EXIT.orderly);
  };

  const service = await recovering;
  metrics.watch(service);
  logEvents(service, log);
  const http = {
    host: config.host,
    port: config.port,
    allowedHosts: config.allowedHosts,
    authToken: config.authToken,
    bodyBytesMax: config.bodyBytesMax,
    feedConnectionsMax: FEED_CONNECTIONS_MAX,
    connectionsMax: CONNECTIONS_MAX,
  };
  const app = createApp({ queue: service, http, log, metrics: () => metrics.text() });
  try {
    server = await startServer(app, http);
  } catch (error) {
    if (signal.isReceived) return; // the shutdown is under way, and ends the process
    await service.close({ graceMs: 0 });
    throw error;
  }
  // Only now: a start that cannot listen must not have begun jobs that it then takes down with it.
  await service.start();
  if (!signal.isReceived) log.info({ url: server.url }, 'listening');
}

let isEnding = false;

/** Nothing is stored any more: let the refusals leave, then end, so that the next start recovers. */
async function endAfterFailure(
  end: LoopEnd,
  { log, closeServer }: { log: Log; closeServer: () => Promise<void> },
): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  const { code, text } = describeFailure('failure' in end ? end.failure : end.defect);
  log.error({ error: text, exitCode: code }, code === EXIT.diskFailed ? 'the disk failed' : 'a defect of perdure');
  process.stderr.write(`perdure: ${text}\n`);
  await wait(LAST_REQUESTS_MS);
  await Promise.race([closeServer(), wait(LAST_ANSWERS_MS)]);
  process.exit(code);
}

/** A handler that ends the process with 0 must not make it look orderly: whoever minds it would not start it again. */
function exitCodeOf(code: number, log: Log): number {
  if (code !== EXIT.orderly) return code;
  return tell(log, EXIT.defect, 'a handler, or something that it imports, has called process.exit');
}

/** By `process.exit`, or by an `await` at its top level that nothing can end. */
function endedAtLoad(log: Log): number {
  return tell(
    log,
    EXIT.refused,
    'HANDLERS: the module, or something that it imports, ended the process while it loaded',
  );
}

function tell(log: Log, exitCode: ExitCode, text: string): ExitCode {
  log.error({ exitCode }, text);
  process.stderr.write(`perdure: ${text}\n`);
  return exitCode;
}

/** One line a failure at warn, one line an event at debug. Payloads, results and errors' stacks stay out. */
function logEvents(service: Service, log: Log): void {
  service.subscribe((rows) => {
    for (const { kind, seq, jobId, type, queue, state, attempt, detail } of rows) {
      const fields = { seq, jobId, type, queue, state, attempt, ...(detail?.error ? { error: detail.error } : {}) };
      const isFailure = kind === 'failed' || kind === 'expired' || kind === 'crashed';
      if (isFailure) log.warn(fields, kind);
      else log.debug(fields, kind);
    }
  });
}

/**
 * A promise that a handler has forgotten must not take everybody's jobs down. An exception outside of one does: what it
 * has left behind is unknown, and the next start recovers.
 */
function endOnStrayErrors(log: Log): void {
  process.on('unhandledRejection', (reason) => {
    if (isInvariantError(reason)) throw reason;
    log.error({ error: strayText(reason) }, 'unhandled rejection: a handler left a promise alone');
  });
  process.on('uncaughtException', (thrown) => {
    const text = isInvariantError(thrown) ? describeFailure(thrown).text : strayText(thrown);
    log.error({ error: text, exitCode: EXIT.defect }, 'uncaught exception: the process ends');
    process.stderr.write(`perdure: ${text}\n`);
    process.exit(EXIT.defect);
  });
}

function strayText(thrown: unknown): string {
  const { error } = describeThrown(thrown);
  return error.stack ?? error.message;
}

/** Asking a hostile value what it is may throw; then it is not ours. */
function isInvariantError(reason: unknown): reason is InvariantError {
  try {
    return reason instanceof InvariantError;
  } catch {
    return false;
  }
}

/** Whoever read them is gone: nobody is left to be told. */
function surviveClosedOutputs(): void {
  process.stdout.on('error', ignore);
  process.stderr.on('error', ignore);
}

const ignore = (): void => undefined;

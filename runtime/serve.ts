// `perdure serve`: the queue behind HTTP, from the environment to the exit code.

import { createApp } from './http/app.ts';
import { startServer } from './http/server.ts';
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

/** Time for the answers that refuse to reach their clients before the process ends, in milliseconds. */
const LAST_ANSWERS_MS = 250;

export async function serve(options: { environment: Environment; signal: ShutdownSignal }): Promise<void> {
  try {
    const config = parseConfig(options.environment);
    await run({ config, signal: options.signal });
  } catch (error) {
    const { code, text } = describeFailure(error);
    process.stderr.write(`perdure: ${text}\n`);
    process.exit(code);
  }
}

async function run({ config, signal }: { config: Config; signal: ShutdownSignal }): Promise<void> {
  const log = createLog({ level: config.logLevel });
  const handlers = await loadHandlers(config.handlers);
  const metrics = new Metrics();
  const service = await Service.open({
    directory: config.dataDir,
    handlers,
    workerCount: config.workerCount,
    depthLimit: config.depthLimit,
    bytesLimit: config.bytesLimit,
    crashesMax: config.crashesMax,
    retentionMs: config.retentionMs,
    log,
    onSync: (durationMs) => metrics.observeSync(durationMs),
    onEnd: (end) => void endAfterFailure(end, log),
  });
  metrics.watch(service);
  logEvents(service, log);
  surviveStrayRejections(log);

  const http = {
    host: config.host,
    port: config.port,
    allowedHosts: config.allowedHosts,
    authToken: config.authToken,
    bodyBytesMax: config.bodyBytesMax,
    feedConnectionsMax: 100,
    connectionsMax: 1_000,
  };
  const app = createApp({ queue: service, http, log, metrics: () => metrics.text() });
  const server = await startServer(app, http);
  log.info({ url: server.url }, 'listening');

  signal.onFirst((name) => {
    log.info({ signal: name, graceMs: config.shutdownGraceMs }, 'shutting down');
    service.drain();
    void service.close({ graceMs: config.shutdownGraceMs }).then(async (failure) => {
      await server.close();
      if (failure !== null) return endAfterFailure({ failure }, log);
      log.info({}, 'shut down');
      process.exit(EXIT.orderly);
    });
  });
}

/** Nothing is stored any more: let the refusals leave, then end, so that the next start recovers. */
async function endAfterFailure(end: LoopEnd, log: Log): Promise<void> {
  const { code, text } = describeFailure('failure' in end ? end.failure : end.defect);
  log.error({ error: text, exitCode: code }, code === EXIT.diskFailed ? 'the disk failed' : 'a defect of perdure');
  process.stderr.write(`perdure: ${text}\n`);
  await new Promise((resolve) => setTimeout(resolve, LAST_ANSWERS_MS));
  process.exit(code satisfies ExitCode);
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

/** A promise that a handler has forgotten must not take everybody's jobs down. An exception outside of one does. */
function surviveStrayRejections(log: Log): void {
  process.on('unhandledRejection', (reason) => {
    const error = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    log.error({ error }, 'unhandled rejection: a handler left a promise alone');
  });
}

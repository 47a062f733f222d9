// `npm run bench`: submissions a second beside a bare Hono server on the same machine, in one run.
//
// Only ratios within one run are worth comparing: machines differ, and so does one machine from hour to hour.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';

const ROOT = resolve(import.meta.dirname, '../..');
const SECONDS = 8;
const CONNECTIONS = 64;
const ROUNDS = 3;

type Server = { readonly process: ChildProcess; readonly url: string };

const directory = mkdtempSync(join(tmpdir(), 'perdure-bench-'));

try {
  const rows: { what: string; rates: number[] }[] = [
    { what: 'bare Hono (parses JSON, answers 201)', rates: [] },
    { what: 'perdure, submissions only (WORKER_COUNT=0)', rates: [] },
    { what: 'perdure, submitted and run (WORKER_COUNT=64)', rates: [] },
  ];
  for (let round = 0; round < ROUNDS; round++) {
    rows[0]?.rates.push(await measure(await startBare()));
    rows[1]?.rates.push(await measure(await startPerdure(`only-${round}`, 0)));
    rows[2]?.rates.push(await measure(await startPerdure(`run-${round}`, 64)));
  }
  const bare = median(rows[0]?.rates ?? []);
  for (const { what, rates } of rows) {
    const rate = median(rates);
    const spread = `${Math.min(...rates).toFixed(0)} … ${Math.max(...rates).toFixed(0)}`;
    console.log(
      `${what.padEnd(46)} ${rate.toFixed(0).padStart(7)} /s  (${spread})  ${(rate / bare).toFixed(2)} of bare`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measure(server: Server): Promise<number> {
  const result = await autocannon({
    url: `${server.url}/createJob`,
    method: 'POST',
    connections: CONNECTIONS,
    duration: SECONDS,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      type: 'noop',
      payload: { email: 'ada@example.com', subject: 'Hello', message: 'x'.repeat(120) },
    }),
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refused, ${result.errors} failed`);
  const syncs = await syncCount(server.url);
  if (syncs !== null)
    console.log(`  ${(syncs / result.requests.total).toFixed(3)} syncs a job, p99 ${result.latency.p99} ms`);
  server.process.kill('SIGKILL');
  return result.requests.total / result.duration;
}

async function syncCount(url: string): Promise<number | null> {
  const response = await fetch(`${url}/metrics`);
  const count = /^perdure_sync_duration_seconds_count (\d+)$/m.exec(await response.text())?.[1];
  return count === undefined ? null : Number(count);
}

function startPerdure(name: string, workers: number): Promise<Server> {
  return start(join(ROOT, 'runtime/main.ts'), {
    DATA_DIR: join(directory, name),
    HANDLERS: join(import.meta.dirname, 'handlers.ts'),
    WORKER_COUNT: String(workers),
    MAX_QUEUE_DEPTH: '10000000',
  });
}

function startBare(): Promise<Server> {
  return start(join(import.meta.dirname, 'bare-hono.ts'), {});
}

async function start(file: string, environment: Readonly<Record<string, string>>): Promise<Server> {
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    env: { ...process.env, PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url":"([^"]+)"/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { process: child, url };
  }
  throw new Error(`${file} ended before it listened`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

// What a start makes of a data directory: in the simulator, and by the built server on real files. Both are told in the same
// words, those of the log and of the HTTP interface, so that they can be held against each other.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JobId } from '../../core/job/job.ts';
import type { QueueSettings } from '../../core/queue/settings.ts';
import { DamageError } from '../../core/store/damage.ts';
import { createApp } from '../../runtime/http/app.ts';
import type { QueuePort } from '../../runtime/queue-port.ts';
import type { LifeTables } from '../../sim/depth.ts';
import { Disk } from '../../sim/world/disk.ts';
import type { HistoryJson, JobWithHistory } from './client.ts';
import { HTTP } from './http-api.ts';
import { handlersIn, runToEnd } from './process.ts';
import type { Image } from './recovery-images.ts';
import { TestServer } from './server.ts';
import type { RunningServer } from './server.ts';
import { SimulatedProcess } from './simulated-process.ts';

/** What is decided by whoever starts, and not by what is stored. */
export type StartSettings = Pick<QueueSettings, 'types' | 'crashesMax'>;

export type Start =
  | { readonly kind: 'refused'; readonly text: string; readonly files: Files }
  | {
      readonly kind: 'serves';
      readonly report: Readonly<Record<string, unknown>>;
      readonly view: View;
      readonly files: Files;
    };

/** Names of all files, and what is in those that the start found or made whole. */
type Files = Readonly<Record<string, string>>;
type View = { readonly jobs: readonly object[]; readonly counts: unknown; readonly events: readonly string[] };

/** What the log says of a recovery. */
const FACTS = ['isNew', 'directoryId', 'snapshotRecord', 'records', 'events', 'clean', 'cutBytes', 'cutFile'] as const;

const LATER_AT = Date.UTC(2040, 0, 1);
const JOBS_MAX = 1_000;

/** The highest event number that was stored: what is told of later ones depends on when the start was. */
export type Simulated = { readonly start: Start; readonly lastSeq: number };

export async function simulatedStart(image: Image, tables: LifeTables, settings: StartSettings): Promise<Simulated> {
  const disk = new Disk(image);
  let process: SimulatedProcess;
  try {
    process = new SimulatedProcess({
      disk,
      tables,
      settings: { ...settings, workerCount: 0, depthLimit: 100_000, bytesLimit: 2 ** 30, retentionMs: 0 },
      startAt: LATER_AT,
      handle: () => null,
    });
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    return {
      start: { kind: 'refused', text: `exit 3: perdure: ${error.message}`, files: filesOf(disk.image()) },
      lastSeq: 0,
    };
  }
  const { lastSeq } = process.tables.meta();
  process.decide();
  const queue: QueuePort = {
    types: new Map(),
    ask: (command) =>
      new Promise((resolve) => {
        process.offer(command, resolve);
        process.decide();
      }),
    subscribe: (listener) => process.subscribe(listener),
    readiness: () => ({ refusing: null, warnings: [] }),
    newJobId: () => JobId('none'),
    uptimeMs: () => 0,
  };
  const app = createApp({ queue, http: HTTP, log: console });
  const view = await viewOf(async (path) => app.request(path), lastSeq);
  const start: Start = { kind: 'serves', report: facts(process.report), view, files: filesOf(disk.image()) };
  return { start, lastSeq };
}

/** Writes the image into the directory, and starts the built server on it. */
export async function realStart(
  directory: string,
  image: Image,
  { lastSeq, settings }: { readonly lastSeq: number; readonly settings: StartSettings },
): Promise<Start> {
  const data = join(directory, 'data');
  mkdirSync(data, { mode: 0o700 });
  for (const [name, bytes] of image) writeFileSync(join(data, name), bytes, { mode: 0o600 });
  const handlers = [...settings.types.keys()].map((type) => `${JSON.stringify(type)}: () => null`);
  const environment = {
    DATA_DIR: data,
    HANDLERS: handlersIn(directory, `export default { ${handlers.join(', ')} };`),
    WORKER_COUNT: '0',
    RETENTION_MS: '0',
    MAX_CRASHES: String(settings.crashesMax),
  };
  let server: RunningServer;
  try {
    server = await TestServer.start(environment);
  } catch {
    const { exit, stderr } = await runToEnd(environment); // refused once more, and as it was
    return { kind: 'refused', text: `exit ${exit.code}: ${stderr.join('\n')}`, files: filesOf(read(data)) };
  }
  try {
    const recovery = server.log.find(({ msg }) => msg === 'recovered' || msg === 'new data directory') ?? {};
    const view = await viewOf((path) => fetch(server.url + path), lastSeq);
    return { kind: 'serves', report: facts(recovery), view, files: filesOf(read(data)) };
  } finally {
    await server.stop('SIGKILL');
  }
}

async function viewOf(ask: (path: string) => Promise<Response>, lastSeq: number): Promise<View> {
  const get = async <Body>(path: string): Promise<Body> => {
    const response = await ask(path);
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Body;
  };
  const list = await get<{ readonly jobs: readonly { readonly id: string }[] }>(`/jobs?limit=${JOBS_MAX}`);
  const jobs: object[] = [];
  for (const { id } of list.jobs) jobs.push(settled(await get<JobWithHistory>(`/jobs/${id}`), lastSeq));
  const stats = await get<Record<string, unknown> & { readonly durable_seq: number }>('/stats');
  const queues = await get('/queues');
  const timeless = (key: string, value: unknown): unknown =>
    key === 'uptime_ms' || key === 'oldest_pending_ms' ? typeof value : value;
  const counts: unknown = JSON.parse(JSON.stringify({ stats, queues }, timeless));
  const events = await eventsOf(await ask('/events?after=0'), stats.durable_seq);
  return { jobs, counts, events: events.map((event) => settledEvent(event, lastSeq)) };
}

/** What happened to the job at the start happened when the start was: the instants of it are left out. */
function settled(job: JobWithHistory, lastSeq: number): object {
  const history = job.history as readonly (HistoryJson[number] & { readonly seq: number })[];
  if (history.every(({ seq }) => seq <= lastSeq)) return job;
  const { last_error: error, ...rest } = job;
  return {
    ...rest,
    ...{ run_at: null, finished_at: null },
    last_error: { ...error, at: null },
    history: history.map((entry) => (entry.seq <= lastSeq ? entry : { ...entry, at: null, run_at: null })),
  };
}

function settledEvent(data: string, lastSeq: number): string {
  const event = JSON.parse(data) as { readonly seq: number };
  return JSON.stringify(event.seq <= lastSeq ? event : { ...event, at: null });
}

/** The data of each event of the feed, up to the last one. */
async function eventsOf(response: Response, lastSeq: number): Promise<string[]> {
  const found: string[] = [];
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error('the feed has no body');
  let text = '';
  while (lastSeq > 0 && !text.includes(`\nid: ${lastSeq}\n`) && !text.startsWith(`id: ${lastSeq}\n`)) {
    const { value, done } = await reader.read();
    if (done) throw new Error('the feed ends');
    text += value;
  }
  await reader.cancel();
  for (const [, data] of text.matchAll(/^data: (.*)$/gm)) if (data !== undefined) found.push(data);
  return found;
}

const facts = (report: object): Record<string, unknown> => {
  const told = Object.fromEntries(FACTS.map((name): [string, unknown] => [name, Reflect.get(report, name)]));
  // A new directory is named by chance.
  return told['isNew'] === true ? { ...told, directoryId: null } : told;
};

/** Not part of what is stored. */
const BESIDE = new Set(['lock', 'lock.pid']);

function read(directory: string): Image {
  return new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]));
}

/** The last segment is told by its header, since its records tell when the start was, and the reserve by its length. */
function filesOf(image: Image): Files {
  const names = [...image.keys()].filter((name) => !BESIDE.has(name)).sort();
  const last = names.findLast((name) => name.endsWith('.log'));
  return Object.fromEntries(
    names.map((name) => {
      const bytes = Buffer.from(image.get(name) ?? []);
      if (name === last) return [name, bytes.subarray(0, bytes.indexOf(0x0a)).toString()];
      return [name, name === 'reserve' ? `${bytes.length} bytes` : createHash('sha256').update(bytes).digest('hex')];
    }),
  );
}

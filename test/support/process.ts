// Servers in processes for one test: started in a directory of its own, killed when the test is over.

import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { Client } from './client.ts';
import { TestServer } from './server.ts';
import type { Exit, RunningServer, ServerOptions } from './server.ts';

export type Environment = Readonly<Record<string, string>>;

/** A server that listens, and a client of it. */
export type Launched = { readonly server: RunningServer; readonly client: Client };

export async function launch(environment: Environment, options?: ServerOptions): Promise<Launched> {
  const server = await TestServer.start(environment, options);
  onTestFinished(() => server.kill('SIGKILL'));
  return { server, client: new Client(server.url) };
}

export type Refused = { readonly exit: Exit; readonly server: TestServer; readonly stderr: readonly string[] };

/** Runs a server that ends by itself. */
export async function runToEnd(environment: Environment, options?: ServerOptions): Promise<Refused> {
  const server = new TestServer(environment, options);
  const exit = await server.ended();
  return { exit, server, stderr: server.stderr.split('\n').filter((line) => line !== '') };
}

/** Writes a handlers' module into the directory and gives its path. */
export function handlersIn(directory: string, source: string, name = 'handlers.mjs'): string {
  const file = join(directory, name);
  writeFileSync(file, source);
  return file;
}

/** Every file below the directory, by its checksum. */
export function fingerprint(directory: string): Readonly<Record<string, string>> {
  if (!existsSync(directory)) return {};
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((file) => [file, createHash('sha256').update(readFileSync(file)).digest('hex')]),
  );
}

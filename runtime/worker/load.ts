// Loads the module that HANDLERS names, TypeScript or JavaScript, whatever the server itself is run from.

import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeThrown } from './thrown.ts';
import { HandlersError, registerHandlers } from './registry.ts';
import type { HandlerRegistry } from './registry.ts';

const TYPESCRIPT = new Set(['.ts', '.mts', '.cts', '.tsx']);

/**
 * The handlers of the module at the path, relative to `cwd`; null loads the sample handlers.
 * @throws {HandlersError} if there is no such module, if it throws, or if what it exports breaks a rule.
 */
export async function loadHandlers(path: string | null, { cwd = process.cwd() } = {}): Promise<HandlerRegistry> {
  const name = path === null ? 'the sample handlers' : `HANDLERS (${path})`;
  try {
    return registerHandlers(path === null ? await importSamples() : await importModule(resolve(cwd, path)));
  } catch (thrown) {
    if (thrown instanceof HandlersError) throw new HandlersError(`${name}: ${thrown.message}`);
    const { error } = describeThrown(thrown);
    const reason = error.message.replaceAll(/\s+/g, ' ').slice(0, 500);
    throw new HandlersError(`${name} cannot be loaded: ${error.name}: ${reason}`, { cause: thrown });
  }
}

async function importSamples(): Promise<unknown> {
  return (await import('../handlers/samples.ts')).default;
}

async function importModule(file: string): Promise<unknown> {
  if (!existsSync(file)) throw new HandlersError('there is no such file');
  if (TYPESCRIPT.has(extname(file))) await registerTypeScript();
  const module: unknown = await import(pathToFileURL(file).href);
  const exported = defaultOf(module);
  // TypeScript in a package that is not "type": "module" is compiled to CommonJS, whose exports arrive as one default.
  return isCompiledToCommonJs(exported) ? defaultOf(exported) : exported;
}

/** Node 20 cannot read types away by itself. Both hooks: such a module may be or import CommonJS. */
async function registerTypeScript(): Promise<void> {
  const [modules, commonJs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')]);
  modules.register();
  commonJs.register();
}

const defaultOf = (module: unknown): unknown => (isObject(module) ? Reflect.get(module, 'default') : undefined);
const isCompiledToCommonJs = (exported: unknown): boolean => isObject(exported) && '__esModule' in exported;
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

// The simulator as a process: what it does when the reader of its output goes away.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const ENTRY = fileURLToPath(new URL('../../sim/main.ts', import.meta.url));
const HELD = 0;
const CUT_SHORT = 141;

/** Starts it, closes its output as soon as something was said (or before), and waits for its end. */
async function readABit(argv: readonly string[], { read }: { read: 'nothing' | 'a line' }) {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), ENTRY, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const ended = once(child, 'close');
  if (read === 'a line') await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = (await ended) as [number | null];
  return { code, complaint };
}

test('a reader who has seen enough is no error: a life that was lived keeps its verdict', async () => {
  expect(await readABit(['--seed', '1', '--trace', 'full'], { read: 'nothing' })).toEqual({
    code: HELD,
    complaint: '',
  });
}, 30_000);

test('a run that is not over when its reader goes ends without a word, and not as one that held', async () => {
  expect(await readABit(['--mutants', '--jobs', '1'], { read: 'a line' })).toEqual({ code: CUT_SHORT, complaint: '' });
}, 30_000);

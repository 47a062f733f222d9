// A process under test is the production engine: what it leaves on the disk is what production leaves.

import { expect, it } from 'vitest';
import { Instant, JobId } from '../../../../core/job/job.ts';
import { MemoryDisk } from '../../../../runtime/testing/memory-disk.ts';
import { TestProcess } from '../../../../runtime/testing/process.ts';
import { registerHandlers, settingsOf } from '../../../../runtime/worker/registry.ts';
import { SETTINGS, submission } from '../../../support/queue.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };
const handlers = registerHandlers({ email: () => null });

const begin = (disk: MemoryDisk): TestProcess =>
  new TestProcess({
    disk,
    handlers,
    settings: { ...SETTINGS, types: settingsOf(handlers), workerCount: 0, depthLimit: 1_000, bytesLimit: 2 ** 30 },
    log: silent,
    now: () => ({ at: Instant(1_000_000), wallAheadMs: 0, seed: 1 }),
    directoryId: '0'.repeat(32),
    publish: () => undefined,
    failed: (defect) => {
      throw defect;
    },
  });

const outside = { isInside: false };

const submitLarge = (process: TestProcess, id: string) => {
  const payload = JSON.stringify('x'.repeat(1_000_000)) as ReturnType<typeof submission>['payload'];
  return process.ask({ kind: 'submit', submissions: [submission({ id: JobId(id), payload })] }, outside);
};

const filesOf = (disk: MemoryDisk): string[] => [...disk.image().keys()].map((name) => name.replace(/\d+/, 'n'));

it('a journal that has outgrown its snapshot is folded into one, which the next process starts from', async () => {
  let disk = new MemoryDisk();
  const process = begin(disk);
  for (let n = 0; n < 20; n += 1) await submitLarge(process, `job-${n}`);
  expect(filesOf(disk)).toContain('snapshot-n.json');
  disk = process.kill({ powerLoss: true });
  expect(await begin(disk).ask({ kind: 'stats' }, outside)).toMatchObject({ stats: { depth: 20 } });
});

it('an orderly shutdown leaves its marker, a kill does not', async () => {
  expect(filesOf(await begin(new MemoryDisk()).shutDown())).toContain('clean');
  expect(filesOf(begin(new MemoryDisk()).kill({ powerLoss: false }))).not.toContain('clean');
});

it('what is asked of a process that dies, or is dead, is answered to those outside of it, and to nobody inside', async () => {
  const unknown = { kind: 'refused', refusals: [{ reason: 'outcome-unknown' }] };
  const process = begin(new MemoryDisk());
  const stats = { kind: 'stats' } as const;
  const askInside = () => process.ask(stats, { isInside: true }).then(() => 'answered');
  const [outsideBefore, insideBefore] = [process.ask(stats, outside), askInside()];
  process.kill({ powerLoss: false });
  expect([await outsideBefore, await process.ask(stats, outside)]).toEqual([unknown, unknown]);
  const silence = new Promise((resolve) => setImmediate(resolve, 'silence'));
  expect(await Promise.race([insideBefore, askInside(), silence])).toBe('silence');
});

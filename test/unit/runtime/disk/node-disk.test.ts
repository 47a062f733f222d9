import fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { list, read, writeBeside } from '../../../../core/store/disk.ts';
import type { DiskOperation, DiskProgram, DiskResult } from '../../../../core/store/disk.ts';
import { DiskError } from '../../../../core/store/disk.ts';
import { NodeDisk } from '../../../../runtime/disk/node-disk.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

function* perform(...operations: DiskOperation[]): DiskProgram<DiskResult> {
  let result: DiskResult;
  for (const operation of operations) result = yield operation;
  return result;
}

/** What the directory holds, by the eyes of the operating system. */
const contents = (directory: string): Record<string, string> =>
  Object.fromEntries(
    fs
      .readdirSync(directory)
      .sort()
      .map((file) => [file, fs.readFileSync(join(directory, file), 'utf8')]),
  );

test('what is appended is in the file, in order', async () => {
  const directory = temporaryDirectory();
  const disk = new NodeDisk(directory);
  await disk.run(
    perform(
      { kind: 'create', file: 'journal' },
      { kind: 'append', file: 'journal', bytes: bytesOf('one\n') },
      { kind: 'append', file: 'journal', bytes: bytesOf('') },
      { kind: 'append', file: 'journal', bytes: bytesOf('two\n') },
      { kind: 'sync', file: 'journal' },
      { kind: 'syncDirectory' },
    ),
  );
  expect(contents(directory)).toEqual({ journal: 'one\ntwo\n' });
  expect(Buffer.from(await disk.run(read('journal'))).toString()).toBe('one\ntwo\n');
});

test('an append after a cut goes to the new end', async () => {
  const directory = temporaryDirectory();
  await new NodeDisk(directory).run(
    perform(
      { kind: 'create', file: 'journal' },
      { kind: 'append', file: 'journal', bytes: bytesOf('record, torn') },
      { kind: 'truncate', file: 'journal', length: 6 },
      { kind: 'append', file: 'journal', bytes: bytesOf('!') },
    ),
  );
  expect(contents(directory)).toEqual({ journal: 'record!' });
});

test('files are made for their owner alone, whatever the umask', async () => {
  const directory = temporaryDirectory();
  const before = process.umask(0o777);
  onTestFinished(() => void process.umask(before));
  await new NodeDisk(directory).run(perform({ kind: 'create', file: 'journal' }));
  expect(fs.statSync(join(directory, 'journal')).mode & 0o777).toBe(0o600);
});

test('only regular files are listed', async () => {
  const directory = temporaryDirectory();
  fs.mkdirSync(join(directory, 'outbox'));
  fs.symlinkSync('/etc/hostname', join(directory, 'link'));
  fs.writeFileSync(join(directory, 'file'), 'four');
  expect(await new NodeDisk(directory).run(list())).toEqual([{ file: 'file', bytes: 4 }]);
});

test('a file that is open goes on under its new name, and the one it replaced is let go', async () => {
  const directory = temporaryDirectory();
  const disk = new NodeDisk(directory);
  const openBefore = fs.readdirSync('/proc/self/fd').length;
  await disk.run(
    perform(
      { kind: 'create', file: 'old' },
      { kind: 'create', file: 'new' },
      { kind: 'append', file: 'new', bytes: bytesOf('a') },
      { kind: 'rename', from: 'new', to: 'old' },
      { kind: 'append', file: 'old', bytes: bytesOf('b') },
    ),
  );
  expect(contents(directory)).toEqual({ old: 'ab' });
  expect(fs.readdirSync('/proc/self/fd').length).toBe(openBefore + 1);
  await disk.run(perform({ kind: 'close', file: 'old' }, { kind: 'close', file: 'old' }));
  expect(fs.readdirSync('/proc/self/fd').length).toBe(openBefore);
});

test('a whole file is written beside and renamed over the old one', async () => {
  const directory = temporaryDirectory();
  fs.writeFileSync(join(directory, 'snapshot'), 'old');
  fs.writeFileSync(join(directory, 'snapshot.tmp'), 'left by a crash');
  await new NodeDisk(directory).run(writeBeside('snapshot', bytesOf('new')));
  expect(contents(directory)).toEqual({ snapshot: 'new' });
});

test('removing what is not there, and closing what is not open, are legal', async () => {
  const disk = new NodeDisk(temporaryDirectory());
  await disk.run(perform({ kind: 'remove', file: 'nothing' }, { kind: 'close', file: 'nothing' }));
});

test.each<[DiskOperation, string]>([
  [{ kind: 'create', file: 'taken' }, 'exists'],
  [{ kind: 'read', file: 'missing' }, 'not-found'],
  [{ kind: 'rename', from: 'missing', to: 'there' }, 'not-found'],
  [{ kind: 'read', file: 'folder' }, 'io'],
  [{ kind: 'remove', file: 'folder' }, 'io'],
])('a failure is thrown into the program with its code and cause: %j', async (operation, code) => {
  const directory = temporaryDirectory();
  fs.writeFileSync(join(directory, 'taken'), '');
  fs.mkdirSync(join(directory, 'folder'));
  const caught = await new NodeDisk(directory).run(
    (function* (): DiskProgram<unknown> {
      try {
        yield operation;
      } catch (thrown) {
        yield { kind: 'create', file: 'after' }; // the program goes on where it stood
        return thrown;
      }
      return undefined;
    })(),
  );
  expect(caught).toBeInstanceOf(DiskError);
  expect(caught).toMatchObject({ code, operation: operation.kind, cause: { errno: expect.any(Number) } });
  expect(fs.existsSync(join(directory, 'after'))).toBe(true);
});

test('a failure that the program does not catch is thrown by the run', async () => {
  const disk = new NodeDisk(temporaryDirectory());
  await expect(disk.run(read('missing'))).rejects.toThrow(DiskError);
  await expect(new NodeDisk('/nonexistent/directory').run(list())).rejects.toMatchObject({ code: 'not-found' });
});

test('a full disk is told from other failures', async () => {
  const directory = temporaryDirectory();
  const disk = new NodeDisk(directory);
  const full = fs.openSync('/dev/full', 'w');
  onTestFinished(() => fs.closeSync(full));
  await disk.run(perform({ kind: 'create', file: 'journal' }));
  // The kernel's own refusal, from the device that is always full.
  const write = vi.spyOn(fs, 'write').mockImplementation(((_: number, bytes: Uint8Array, ...rest: unknown[]) => {
    fs.writev(full, [bytes], rest.at(-1) as (error: Error | null, written: number) => void);
  }) as typeof fs.write);
  onTestFinished(() => write.mockRestore());
  const append = perform({ kind: 'append', file: 'journal', bytes: bytesOf('x') });
  await expect(disk.run(append)).rejects.toMatchObject({ code: 'no-space', file: 'journal' });
});

test('a short write is continued until all of it is in the file', async () => {
  const directory = temporaryDirectory();
  const disk = new NodeDisk(directory);
  await disk.run(perform({ kind: 'create', file: 'journal' }));
  const real = fs.write;
  const write = vi
    .spyOn(fs, 'write')
    .mockImplementation(((
      descriptor: number,
      bytes: Uint8Array,
      offset: number,
      length: number,
      at: null,
      done: () => void,
    ) => real(descriptor, bytes, offset, Math.min(length, 3), at, done)) as typeof fs.write);
  onTestFinished(() => write.mockRestore());
  await disk.run(perform({ kind: 'append', file: 'journal', bytes: bytesOf('0123456789') }));
  expect(contents(directory)).toEqual({ journal: '0123456789' });
  expect(write).toHaveBeenCalledTimes(4);
});

test('each sync is timed', async () => {
  const times: [string, number][] = [];
  const disk = new NodeDisk(temporaryDirectory(), { onSync: (...time) => times.push(time) });
  expect(disk.syncingForMs()).toBe(0);
  const running = disk.run(perform({ kind: 'create', file: 'a' }, { kind: 'sync', file: 'a' }));
  await vi.waitUntil(() => disk.syncingForMs() > 0 || times.length > 0, { interval: 0 });
  await running;
  expect(times).toEqual([['a', expect.any(Number)]]);
  expect(disk.syncingForMs()).toBe(0);
});

test.each(['', '.', '..', '../escape', 'folder/file', 'nul\0'])(
  'a name that is not plain is a defect: %j',
  async (file) => {
    const disk = new NodeDisk(temporaryDirectory());
    await expect(disk.run(perform({ kind: 'create', file }))).rejects.toThrow('a file name is plain');
  },
);

test('property: a program of any operations leaves the bytes that a plain model has', async () => {
  const file = fc.constantFrom('a', 'b', 'c');
  const operation: fc.Arbitrary<DiskOperation> = fc.oneof(
    file.map((name): DiskOperation => ({ kind: 'create', file: name })),
    fc.record({ kind: fc.constant('append' as const), file, bytes: fc.uint8Array({ maxLength: 20 }) }),
    fc.record({ kind: fc.constant('truncate' as const), file, length: fc.nat({ max: 30 }) }),
    fc.record({ kind: fc.constantFrom('sync' as const, 'close' as const, 'remove' as const, 'read' as const), file }),
    fc.record({ kind: fc.constant('rename' as const), from: file, to: file }),
    fc.constant<DiskOperation>({ kind: 'syncDirectory' }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
      const directory = temporaryDirectory();
      const disk = new NodeDisk(directory);
      const files = new Map<string, Buffer>();
      const open = new Set<string>();
      for (const step of operations) {
        const expected = model(files, open, step);
        if (expected === 'illegal') continue;
        const outcome = await disk.run(perform(step)).catch((thrown: unknown) => thrown);
        if (expected === undefined || Buffer.isBuffer(expected)) expect(outcome).toEqual(expected);
        else expect(outcome).toMatchObject({ name: 'DiskError', code: expected });
      }
      const hex = (bytes: Buffer): string => bytes.toString('hex');
      const found = fs.readdirSync(directory).map((name) => [name, hex(fs.readFileSync(join(directory, name)))]);
      expect(new Map(found as [string, string][])).toEqual(
        new Map([...files].map(([name, bytes]) => [name, hex(bytes)])),
      );
      await disk.run(perform(...[...open].map((name): DiskOperation => ({ kind: 'close', file: name }))));
      fs.rmSync(directory, { recursive: true });
    }),
    { numRuns: 60 },
  );
});

/** Does the operation to the model; tells what must come back, the code of its failure, or that nobody may ask for it. */
function model(files: Map<string, Buffer>, open: Set<string>, step: DiskOperation): Buffer | string | undefined {
  if (step.kind === 'list' || step.kind === 'syncDirectory') return undefined;
  if (step.kind === 'rename') {
    const bytes = files.get(step.from);
    if (bytes === undefined) return 'not-found';
    if (step.from === step.to) return undefined;
    const isOpen = open.delete(step.from);
    open.delete(step.to);
    if (isOpen) open.add(step.to);
    files.delete(step.from);
    files.set(step.to, bytes);
    return undefined;
  }
  const bytes = files.get(step.file);
  switch (step.kind) {
    case 'create':
      if (bytes !== undefined) return 'exists';
      files.set(step.file, Buffer.alloc(0));
      open.add(step.file);
      return undefined;
    case 'read':
      return bytes ?? 'not-found';
    case 'close':
      open.delete(step.file);
      return undefined;
    case 'remove':
      open.delete(step.file);
      files.delete(step.file);
      return undefined;
    case 'sync':
      return open.has(step.file) ? undefined : 'illegal';
    case 'append':
      if (bytes === undefined || !open.has(step.file)) return 'illegal';
      files.set(step.file, Buffer.concat([bytes, step.bytes]));
      return undefined;
    case 'truncate': {
      if (bytes === undefined || !open.has(step.file)) return 'illegal';
      const cut = Buffer.alloc(step.length);
      bytes.copy(cut);
      files.set(step.file, cut);
      return undefined;
    }
  }
}

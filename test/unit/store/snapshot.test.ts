// The snapshot: what is folded, in which order it reaches the disk, and what is kept.

import { describe, expect, it } from 'vitest';
import { DamageError, FormatError } from '../../../core/store/damage.ts';
import { DiskError } from '../../../core/store/disk.ts';
import type { DiskProgram } from '../../../core/store/disk.ts';
import { encodeLine } from '../../../core/store/line.ts';
import { recover } from '../../../core/store/recovery.ts';
import { compact } from '../../../core/store/snapshot.ts';
import { bytesOf, directoryWith, flipped, jobsUpTo, pendingOf } from '../../support/data-directory.ts';
import { DIRECTORY_ID, snapshot, start, submitted } from '../../support/data-directory.ts';
import { MemoryDisk, operationsOf } from '../../../runtime/testing/memory-disk.ts';
import type { Image } from '../../../runtime/testing/memory-disk.ts';
import { dump, implementations } from '../../support/tables.ts';

const filesOf = (disk: MemoryDisk): string[] => [...disk.image().keys()].sort();
const database = (segment: number): string => `snapshot-000000000${segment}.sqlite`;
const description = (segment: number): string => `snapshot-000000000${segment}.json`;
const segment = (number: number): string => `journal-000000000${number}.log`;

/** A closed first segment with three jobs, and a living second one. */
function prepared(): MemoryDisk {
  return directoryWith(4, { rotate: [3] });
}

/** The description with some of its fields changed, as valid as before. */
function redescribed(image: Image, number: number, changes: Record<string, unknown>): Map<string, Uint8Array> {
  const text = new TextDecoder().decode(bytesOf(image, description(number)));
  const value: unknown = JSON.parse(text.slice(19));
  const line = encodeLine(JSON.stringify({ ...(value as Record<string, unknown>), ...changes }));
  return new Map(image).set(description(number), line.bytes);
}

describe('a snapshot', () => {
  it('holds what the segments up to it say, and the journal goes on from there', async () => {
    for (const [name, tables] of await implementations()) {
      const disk = prepared();
      const whole = disk.run(recover({ tables, directoryId: DIRECTORY_ID }));
      const copy = prepared();
      copy.run(compact({ tables, throughSegment: 1 }));
      const image = copy.image();
      image.delete(segment(1));
      const { tables: recovered, report } = new MemoryDisk(image).run(recover({ tables, directoryId: DIRECTORY_ID }));
      expect(dump(recovered), name).toEqual(dump(whole.tables));
      expect(report).toMatchObject({ snapshotRecord: 3, records: 2, events: 1, isNew: false, warnings: [] });
      recovered.close();
      whole.tables.close();
    }
  });

  it('never touches the living journal', () => {
    const disk = prepared();
    const before = disk.operations.length;
    disk.run(snapshot(1));
    const touched = disk.operations.slice(before).flatMap((operation) => ('file' in operation ? operation.file : []));
    expect(touched).not.toContain(segment(2));
  });

  it('tells what it covers', () => {
    const disk = prepared();
    const result = disk.run(snapshot(1));
    const { length: bytes } = bytesOf(disk.image(), database(1));
    expect(result).toEqual({ throughSegment: 1, record: 3, bytes, records: 3, segmentsRemoved: 0 });
  });

  it('is taken once: a second call finds it', () => {
    const disk = prepared();
    const first = disk.run(snapshot(1));
    const before = disk.image();
    expect(disk.run(snapshot(1))).toEqual({ ...first, records: 0 });
    expect(disk.image()).toEqual(before);
  });

  it('of the living segment is a broken invariant', () => {
    expect(() => prepared().run(snapshot(2))).toThrow('a snapshot covers closed segments only');
  });

  it('is described only when its database is durable and verified', () => {
    const disk = prepared();
    const before = disk.operations.length;
    disk.run(snapshot(1));
    const told = disk.operations.slice(before).map((operation) => {
      if (operation.kind === 'rename') return `rename ${operation.to}`;
      return 'file' in operation ? `${operation.kind} ${operation.file}` : operation.kind;
    });
    const written = (file: string) => ['create', 'append', 'sync', 'close'].map((kind) => `${kind} ${file}.tmp`);
    expect(told.filter((operation) => !operation.startsWith('remove'))).toEqual([
      'list',
      `read ${segment(1)}`,
      ...written(database(1)),
      `rename ${database(1)}`,
      'syncDirectory',
      `read ${database(1)}`,
      ...written(description(1)),
      `rename ${description(1)}`,
      'syncDirectory',
    ]);
  });
});

describe('what is kept', () => {
  it('two snapshots, and the journal since the older one', () => {
    const disk = directoryWith(5, { snapshot: [1, 2, 3, 4] });
    expect(filesOf(disk)).toEqual(
      [segment(4), segment(5), description(3), database(3), description(4), database(4)].sort(),
    );
  });

  it('with one snapshot, the whole journal', () => {
    const disk = directoryWith(2, { snapshot: [1] });
    expect(filesOf(disk)).toEqual([segment(1), segment(2), description(1), database(1)].sort());
  });

  it('the snapshot that was built upon, and not a damaged newer one', () => {
    const image = directoryWith(6, { snapshot: [2, 4] }).image();
    const disk = new MemoryDisk(flipped(image, database(2), 100));
    const { journal, report } = disk.run(start());
    expect(report.warnings).toHaveLength(1);
    disk.run(journal.append([submitted(7)]));
    disk.run(snapshot(disk.run(journal.rotate())));
    expect(filesOf(disk).filter((file) => file.startsWith('snapshot'))).toEqual(
      [description(1), database(1), description(4), database(4)].sort(),
    );
    expect(pendingOf(disk.kill().run(start()).tables)).toEqual(jobsUpTo(7));
  });

  it('a description goes, durably, before its database and the segments before it', () => {
    const disk = directoryWith(3, { snapshot: [1, 2], rotate: [3] });
    const before = disk.operations.length;
    disk.run(snapshot(3));
    const ended = disk.operations.slice(before);
    const removal = ended.findLastIndex(({ kind }) => kind === 'rename') + 2;
    expect(ended.slice(removal)).toEqual([
      { kind: 'remove', file: description(1) },
      { kind: 'syncDirectory' },
      { kind: 'remove', file: database(1) },
      { kind: 'remove', file: segment(2) }, // the first one went with the snapshot before
      { kind: 'syncDirectory' },
    ]);
  });
});

describe('a snapshot that fails', () => {
  it('at any operation leaves everything that was durable, no half-made file, and can be taken again', () => {
    const prepare = () => new MemoryDisk(directoryWith(4, { snapshot: [1, 2], rotate: [3] }).image());
    const operations = operationsOf(prepare(), snapshot(3));
    for (let at = 1; at <= operations; at += 1) {
      const disk = prepare();
      let failed = false;
      try {
        disk.run(snapshot(3), { fail: { at, code: at % 2 === 0 ? 'no-space' : 'io' } });
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        failed = true;
      }
      expect(failed, `operation ${at}`).toBe(true);
      expect(pendingOf(new MemoryDisk(disk.image()).run(start()).tables), `operation ${at}`).toEqual(jobsUpTo(4));
      const isRemovalItself = disk.operations.at(-1)?.kind === 'remove';
      if (!isRemovalItself) expect(filesOf(disk).filter((file) => file.endsWith('.tmp'))).toEqual([]);
      disk.run(snapshot(3));
      expect(pendingOf(disk.kill().run(start()).tables)).toEqual(jobsUpTo(4));
    }
  });

  it('because the journal is damaged changes nothing', () => {
    const image = flipped(prepared().image(), segment(1), 300);
    const disk = new MemoryDisk(image);
    expect(() => disk.run(snapshot(1))).toThrow(DamageError);
    expect(disk.image()).toEqual(image);
  });

  it('because the disk does not give back what was written is not described', () => {
    const disk = prepared();
    const program = snapshot(1);
    const forging = function* (): DiskProgram<void> {
      let turn = program.next();
      while (turn.done !== true) {
        const { value: operation } = turn;
        const result = yield operation;
        const isProof = operation.kind === 'read' && operation.file === database(1);
        turn = program.next(
          isProof && result instanceof Uint8Array ? result.map((byte, at) => (at === 9 ? byte ^ 1 : byte)) : result,
        );
      }
    };
    expect(() => disk.run(forging())).toThrow(DamageError);
    expect(disk.image().has(description(1))).toBe(false);
    expect(pendingOf(disk.kill().run(start()).tables)).toEqual(jobsUpTo(4));
  });
});

describe('damage', () => {
  const image = directoryWith(6, { snapshot: [2, 4] }).image();
  const outcome = (damaged: Image) => new MemoryDisk(damaged).run(start());

  it.each([
    ['its database', flipped(image, database(2), 100)],
    ['its description', flipped(image, description(2), 100)],
    ['the length of its database', new Map(image).set(database(2), bytesOf(image, database(2)).slice(0, -1))],
    ['an empty database', new Map(image).set(database(2), new Uint8Array(0))],
    ['no database', new Map([...image].filter(([file]) => file !== database(2)))],
    ['no description', new Map([...image].filter(([file]) => file !== description(2)))],
    ['the description of another', new Map(image).set(description(2), bytesOf(image, description(1)))],
    ['an older database', new Map(image).set(database(2), bytesOf(image, database(1)))],
  ])('of the newest snapshot (%s) loses nothing: the one before stands in', (_, damaged) => {
    expect(pendingOf(outcome(damaged).tables)).toEqual(jobsUpTo(6));
  });

  it('of both is refused, and changes nothing', () => {
    const three = directoryWith(8, { snapshot: [2, 4, 6] }).image();
    const damaged = flipped(flipped(three, database(2), 100), description(3), 30);
    const disk = new MemoryDisk(damaged);
    expect(() => disk.run(start())).toThrow(DamageError);
    expect(disk.image()).toEqual(damaged);
  });

  it('of the newest, with a segment since the older missing, is refused', () => {
    const damaged = flipped(image, database(2), 100);
    damaged.delete(segment(2));
    expect(() => outcome(damaged)).toThrow(/journal-0000000002\.log/);
  });

  it('of all snapshots is refused where nothing but an empty segment is left', () => {
    const damaged = flipped(flipped(image, database(1), 9), database(2), 9);
    for (const file of [segment(2), segment(3)]) damaged.delete(file);
    expect(() => outcome(damaged.set(segment(1), new Uint8Array(0)))).toThrow(DamageError);
  });

  it.each([
    ['no journal at all', [segment(1), segment(2), segment(3)]],
    ['only the journal before it', [segment(3)]],
  ])('is %s behind a snapshot', (_, missing) => {
    expect(() => outcome(new Map([...image].filter(([file]) => !missing.includes(file))))).toThrow(DamageError);
  });

  it('is a database without a description where nothing else is left: it never starts empty', () => {
    expect(() => outcome(new Map([[database(1), bytesOf(image, database(1))]]))).toThrow(DamageError);
  });

  it('is a snapshot of another directory', () => {
    const damaged = redescribed(image, 2, { directory: 'directory-2' });
    expect(() => outcome(damaged)).toThrow(/directory-2/);
  });

  it('is a snapshot whose record the journal does not continue', () => {
    expect(() => outcome(redescribed(image, 2, { record: 3 }))).toThrow(DamageError);
    expect(() => outcome(redescribed(image, 2, { crc: '01234567' }))).toThrow(DamageError);
  });

  it('is a database that ends elsewhere than its description says', () => {
    const meta = { lastSeq: 5, lastAt: 1_004, forgottenSeq: 0 };
    expect(() => outcome(redescribed(image, 2, { meta }))).toThrow(/ends with event 4/);
  });
});

it('a snapshot of a newer format is refused, naming both, and is not passed over for an older one', () => {
  const disk = new MemoryDisk(redescribed(directoryWith(6, { snapshot: [2, 4] }).image(), 2, { format: 7 }));
  const before = disk.image();
  expect(() => disk.run(start())).toThrow(FormatError);
  expect(() => disk.run(start())).toThrow(/snapshot-0000000002\.json has format 7.* format 1/);
  expect(disk.image()).toEqual(before);
});

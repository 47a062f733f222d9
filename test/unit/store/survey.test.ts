// What lies in a data directory, by name, and what the names alone prove.

import { describe, expect, it } from 'vitest';
import { segmentFile } from '../../../core/store/segment.ts';
import { begunSegment, survey } from '../../../core/store/survey.ts';
import { directoryWith, jobsUpTo, pendingOf, start } from '../../support/data-directory.ts';
import { MemoryDisk } from '../../../runtime/testing/memory-disk.ts';
import type { Image } from '../../../runtime/testing/memory-disk.ts';

const namesOf = (...files: readonly string[]) => survey(files.map((file) => ({ file, bytes: 7 })));

describe('names', () => {
  it('are sorted: segments oldest first, snapshots newest first', () => {
    const found = namesOf(
      'snapshot-0000000002.json',
      'journal-0000000010.log',
      'snapshot-0000000010.sqlite',
      'snapshot-0000000010.json',
      'journal-0000000009.log',
      'journal-0000000010.torn-9',
      'journal-0000000009.torn-100',
      'journal-0000000009.torn-20',
      'clean',
    );
    expect([...found.segments]).toEqual([
      [9, 7],
      [10, 7],
    ]);
    expect(found.snapshots).toEqual([10, 2]);
    expect(found.databases).toEqual([10]);
    expect(found.hasMarker).toBe(true);
    expect(found.tornTails.map(({ file }) => file)).toEqual([
      'journal-0000000009.torn-20',
      'journal-0000000009.torn-100',
      'journal-0000000010.torn-9',
    ]);
  });

  it('"any of them and `.tmp`: half-made"', () => {
    const halfMade = ['clean', segmentFile(1), 'snapshot-0000000001.json', 'journal-0000000001.torn-5'].map(
      (name) => `${name}.tmp`,
    );
    expect(namesOf(...halfMade)).toEqual({ ...namesOf(), temporaries: [...halfMade].sort() });
  });

  it.each([
    'journal-1.log',
    'journal-00000000001.log',
    'journal-0000000001.log.tmp.tmp.bak',
    'journal-0000000001.log~',
    'xjournal-0000000001.log',
    'snapshot-0000000001.sqlite-journal',
    'journal-0000000001.torn-',
    'Clean',
    'notes.tmp',
  ])('%s belongs to others', (name) => {
    expect(namesOf(name)).toEqual(namesOf());
  });
});

describe('the latest segment that other names prove to have been begun', () => {
  it.each([
    [0, []],
    [0, ['journal-0000000007.log', 'snapshot-0000000004.sqlite.tmp']],
    [5, ['snapshot-0000000004.sqlite']],
    [5, ['snapshot-0000000004.json', 'snapshot-0000000003.sqlite', 'journal-0000000003.torn-20']],
    [6, ['snapshot-0000000004.json', 'journal-0000000006.torn-20']],
    [5, ['journal-0000000006.torn-0']],
    [0, ['journal-0000000001.torn-0']],
  ])('is %i: %j', (begun, files) => {
    expect(begunSegment(namesOf(...files))).toBe(begun);
  });

  it('has its header: one of a length with it is damage, whatever stands there', () => {
    const image = directoryWith(3, { rotate: [2] }).image();
    const stray = new Uint8Array(image.get(segmentFile(1)) ?? []).subarray(0, 80);
    for (const [name, proves] of [
      ['snapshot-0000000001.sqlite', true],
      ['snapshot-0000000001.json.tmp', false],
      ['journal-0000000002.torn-500', true],
      ['journal-0000000002.torn-0', false],
    ] as const) {
      const disk = new MemoryDisk(new Map(image).set(segmentFile(2), stray).set(name, new Uint8Array(1)));
      if (proves) expect(() => disk.run(start()), name).toThrow(/journal-0000000002\.log is damaged at byte 0/);
      else expect(pendingOf(disk.run(start()).tables), name).toEqual(jobsUpTo(2));
    }
  });
});

describe('a start', () => {
  const refuses = (image: Image): void => {
    const disk = new MemoryDisk(image);
    expect(() => disk.run(start())).toThrow(/journal-0000000001\.log is damaged/);
    expect([...disk.image().keys()]).toEqual([...image.keys()]);
  };

  it('"never starts empty where something was": a torn tail tells of the segment that it was cut from', () => {
    const tail = new Uint8Array(5);
    refuses(new Map([['journal-0000000003.torn-4711', tail]]));
    refuses(new Map([['journal-0000000001.torn-300', tail]]));
    refuses(new Map([['journal-0000000003.torn-0', tail]]));
    refuses(
      new Map([
        [segmentFile(1), new Uint8Array(0)],
        ['journal-0000000001.torn-300', tail],
      ]),
    );
  });

  it('begins where nothing was but a first segment that never got its header', () => {
    for (const files of [['journal-0000000001.torn-0'], ['journal-0000000001.log.tmp'], [segmentFile(1)], ['other']]) {
      const disk = new MemoryDisk(new Map(files.map((file) => [file, new Uint8Array(5)])));
      expect(disk.run(start()).report.isNew).toBe(true);
    }
  });

  it('removes what is half-made, and leaves alone what belongs to others', () => {
    const image = directoryWith(2).image();
    const disk = new MemoryDisk(
      new Map(image).set('snapshot-0000000001.sqlite.tmp', new Uint8Array(9)).set('notes.tmp', new Uint8Array(9)),
    );
    expect(pendingOf(disk.run(start()).tables)).toEqual(jobsUpTo(2));
    expect(disk.image().has('snapshot-0000000001.sqlite.tmp')).toBe(false);
    expect(disk.image().get('notes.tmp')).toHaveLength(9);
  });
});

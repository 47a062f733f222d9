import { describe, expect, test } from 'vitest';
import { Instant, JobId } from '../../../core/job/job.ts';
import type { EventRow } from '../../../core/store/tables.ts';
import { describeNews } from '../../../sim/actors/exchange.ts';
import { describeLine, storyOf } from '../../../sim/report/story.ts';
import type { TraceEvent } from '../../../sim/world/trace.ts';

/** Events a millisecond apart, each as `actor: text` or `actor: text | fault`. */
function eventsOf(...lines: readonly string[]): TraceEvent[] {
  return lines.map((line, index) => {
    const [, actor = '', text = '', fault] = /^(\S+): (.*?)(?: \| (\w+))?$/.exec(line) ?? [];
    return { ordinal: index + 1, atUs: index * 1000, actor, text, fault: fault ?? null };
  });
}

const told = (...lines: readonly string[]): string[] =>
  storyOf(eventsOf(...lines)).map(({ from, to, actor, text, fault }) =>
    [`${from}-${to} ${actor} ${text}`, fault].filter((part) => part !== null).join(' | '),
  );

const RECORD = ['disk: append journal-0000000001.log 434 bytes -> ok', 'disk: sync journal-0000000001.log -> ok'];

describe('a story', () => {
  test('tells of a recovery in one line, however many disk operations it takes', () => {
    expect(told('server: process 1 starts', 'disk: list -> ok', ...RECORD, 'server: recovered 0 events')).toEqual([
      '1-5 server process 1 starts -> recovered 0 events',
    ]);
  });

  test('tells of a request with its record, its reply and what it starts', () => {
    const feed = ['feed: 1 submitted j1#0', 'feed: 2 started j1#1'];
    expect(
      told(
        'client-1: submit pay-1',
        ...RECORD,
        'server: replies created j1 to client-1',
        'handler: j1#1 runs',
        ...feed,
      ),
    ).toEqual(['1-7 client-1 submit pay-1 -> 434 bytes synced; created j1; j1#1 runs']);
  });

  test('says of an attempt that ended badly where its job went', () => {
    expect(told('handler: j1#1 fail', ...RECORD, 'feed: 3 failed j1#1 (pending in 51 ms)')).toEqual([
      '1-4 handler j1#1 fail -> 434 bytes synced; failed j1#1 (pending in 51 ms)',
    ]);
    const row: EventRow = {
      seq: 3,
      at: Instant(1_000),
      kind: 'failed',
      jobId: JobId('j1'),
      type: 'email',
      queue: 'default',
      state: 'pending',
      attempt: 1,
      detail: { runAt: Instant(1_051) },
    };
    expect(describeNews(row)).toBe('3 failed j1#1 (pending in 51 ms)');
    expect(describeNews({ ...row, kind: 'crashed', detail: { runAt: row.at } })).toBe(
      '3 crashed j1#1 (pending at once)',
    );
    expect(describeNews({ ...row, kind: 'expired', state: 'dead', detail: null })).toBe('3 expired j1#1 (dead)');
    expect(describeNews({ ...row, kind: 'succeeded', state: 'succeeded', detail: null })).toBe('3 succeeded j1#1');
  });

  test('says of a record that was never synced that it was appended only', () => {
    expect(told('client-1: submit pay-1', RECORD[0] ?? '', 'nature: power loss | P3')).toEqual([
      '1-2 client-1 submit pay-1 -> 434 bytes appended',
      '3-3 nature power loss | P3',
    ]);
  });

  test('tells every fault in a line of its own, and what comes after it apart', () => {
    expect(
      told(
        'client-1: submit pay-1',
        ...RECORD,
        'nature: the wall clock jumps by 5 ms | C1',
        'server: replies created j1 to client-1',
      ),
    ).toEqual([
      '1-3 client-1 submit pay-1 -> 434 bytes synced',
      '4-4 nature the wall clock jumps by 5 ms | C1',
      '5-5 server replies created j1 to client-1',
    ]);
  });

  test('unfolds a recovery in which a disk operation fails', () => {
    expect(
      told(
        'server: process 1 starts',
        'disk: list -> ok',
        'disk: read journal -> io | D10',
        'server: does not start: io',
      ),
    ).toEqual(['1-2 server process 1 starts', '3-3 disk read journal -> io | D10', '4-4 server does not start: io']);
  });

  test('leaves out a turn that changes nothing, unless it ends with it', () => {
    const before = ['handler: j1#1 succeed', ...RECORD];
    expect(told(...before, ...RECORD, 'client-1: stats')).toEqual([
      '1-5 handler j1#1 succeed -> 434 bytes synced',
      '6-6 client-1 stats',
    ]);
    expect(told(...before, ...RECORD)).toEqual([
      '1-3 handler j1#1 succeed -> 434 bytes synced',
      '4-5 server turn -> 434 bytes synced',
    ]);
  });

  test('counts what the server does again and again, and not what clients do', () => {
    const starts = [1, 2, 3, 4].flatMap((number) => [
      `server: process ${number} starts`,
      'server: does not start: full',
    ]);
    expect(told(...starts)).toEqual(['1-8 server process 1 starts -> does not start: full (4 times)']);
    expect(told(...['client-1: stats', 'client-1: stats', 'client-1: stats'])).toHaveLength(3);
  });

  test('tells every event once, in order', () => {
    const events = eventsOf('server: process 1 starts', ...RECORD, 'client-1: get j1', 'stranger: says something new');
    const lines = storyOf(events);
    expect(lines.map(({ from }) => from)).toEqual([...lines.map(({ from }) => from)].sort((a, b) => a - b));
    expect(lines.at(-1)?.to).toBe(events.length);
  });
});

test('a line shows which events it tells of, who did it, and the code of the fault', () => {
  const line = { from: 7, to: 9, atUs: 0, actor: 'nature', text: 'power loss', fault: 'P3' };
  expect(describeLine(line)).toMatch(/^e7-9 {6}nature {4}power loss {5,}P3$/);
});

// What waits for the disk is bounded: one request more is refused at once, and what ends an attempt never is.

import { expect, it } from 'vitest';
import { Engine } from '../../../core/engine/engine.ts';
import { ENGINE_LIMITS } from '../../../core/engine/limits.ts';
import { Instant, JobId, JsonText } from '../../../core/job/job.ts';
import type { Effect } from '../../../core/queue/effect.ts';
import { mapTables } from '../../../core/store/map.ts';
import { MemoryDisk } from '../../../runtime/testing/memory-disk.ts';
import { SETTINGS, submission } from '../../support/queue.ts';

const NOW = { at: Instant(1_000_000), wallAheadMs: 0, seed: 1 };

function open(limits: Partial<typeof ENGINE_LIMITS>): { engine: Engine; disk: MemoryDisk } {
  const disk = new MemoryDisk();
  const options = { tables: mapTables(), directoryId: '0'.repeat(32), settings: SETTINGS, now: NOW };
  const { engine } = disk.run(Engine.open({ ...options, limits: { ...ENGINE_LIMITS, reserveBytes: 64, ...limits } }));
  disk.run(engine.turn(NOW));
  return { engine, disk };
}

const submit = (payload: string) => ({
  kind: 'submit' as const,
  submissions: [submission({ payload: JsonText(payload) })],
});

const reasonsOf = (effects: readonly Effect[]): (string | undefined)[] =>
  effects.map((effect) =>
    effect.kind === 'reply' && effect.reply.kind === 'refused' ? effect.reply.refusals[0]?.reason : effect.kind,
  );

it('a request beyond those that may wait is refused at once, and taken again when the disk has caught up', () => {
  const { engine, disk } = open({ waitingRequestsMax: 2 });
  expect([1, 2].flatMap((requestId) => engine.offer({ requestId, command: submit('x') }))).toEqual([]);
  expect(reasonsOf(engine.offer({ requestId: 3, command: submit('x') }))).toEqual(['overloaded']);
  expect(disk.run(engine.turn(NOW)).effects.filter(({ kind }) => kind === 'reply')).toHaveLength(2);
  expect(engine.offer({ requestId: 4, command: submit('x') })).toEqual([]);
});

it('payloads beyond those that may wait are refused, however few they are', () => {
  const { engine } = open({ waitingTextMax: 500 });
  expect(engine.offer({ requestId: 1, command: submit('x'.repeat(80)) })).toEqual([]);
  expect(reasonsOf(engine.offer({ requestId: 2, command: submit('x'.repeat(80)) }))).toEqual(['overloaded']);
});

it('what ends an attempt is taken, however much waits', () => {
  const { engine } = open({ waitingRequestsMax: 1 });
  engine.offer({ requestId: 1, command: submit('x') });
  const fence = { jobId: JobId('job'), attempt: 1 };
  for (const kind of ['release', 'ended'] as const) {
    expect(engine.offer({ requestId: null, command: { kind, ...fence } })).toEqual([]);
  }
  expect(engine.offer({ requestId: null, command: { kind: 'succeed', result: JsonText(null), ...fence } })).toEqual([]);
});

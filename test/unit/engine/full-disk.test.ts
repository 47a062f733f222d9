// A full disk: what it held back is not forgotten, and looking for space costs nobody his time.

import { describe, expect, it } from 'vitest';
import { Engine } from '../../../core/engine/engine.ts';
import type { Turn } from '../../../core/engine/engine.ts';
import { ENGINE_LIMITS } from '../../../core/engine/limits.ts';
import { MARKER_FILE, RESERVE_FILE } from '../../../core/store/survey.ts';
import type { EngineLimits } from '../../../core/engine/limits.ts';
import { Instant, JsonText } from '../../../core/job/job.ts';
import { SPACE_RETRY_MS } from '../../../core/job/limits.ts';
import type { RunningJob } from '../../../core/job/job.ts';
import type { Command } from '../../../core/queue/command.ts';
import { DiskError } from '../../../core/store/disk.ts';
import type { DiskOperation, DiskProgram, DiskResult } from '../../../core/store/disk.ts';
import { mapTables } from '../../../core/store/map.ts';
import { recover } from '../../../core/store/recovery.ts';
import { MemoryDisk } from '../../../runtime/testing/memory-disk.ts';
import { SETTINGS, submission } from '../../support/queue.ts';

const NOW = { at: Instant(1_000_000), wallAheadMs: 0, seed: 1 };
const DIRECTORY = { tables: mapTables(), directoryId: 'directory-1' };

/** The program on a disk that has no room for some operations. */
function* refusing<Result>(
  program: DiskProgram<Result>,
  refuses: (operation: DiskOperation) => boolean,
): DiskProgram<Result> {
  let next = program.next();
  while (next.done !== true) {
    const operation = next.value;
    if (refuses(operation)) {
      const file = 'file' in operation ? operation.file : '';
      next = program.throw(new DiskError({ code: 'no-space', operation: operation.kind, file }));
      continue;
    }
    let result: DiskResult;
    try {
      result = yield operation;
    } catch (error) {
      next = program.throw(error);
      continue;
    }
    next = program.next(result);
  }
  return next.value;
}

const withoutRoom = <Result>(program: DiskProgram<Result>): DiskProgram<Result> =>
  refusing(program, ({ kind }) => kind === 'append');

/** The program on a disk that is full until the reserve is given up. */
function untilReserveGoes<Result>(program: DiskProgram<Result>): DiskProgram<Result> {
  let isFull = true;
  return refusing(program, (operation) => {
    if (operation.kind === 'remove' && operation.file === RESERVE_FILE) isFull = false;
    return isFull && operation.kind === 'append';
  });
}

/** An engine that runs one job. */
function withRunningJob(limits: Partial<EngineLimits> = {}) {
  const disk = new MemoryDisk();
  const { engine } = disk.run(
    Engine.open({
      ...DIRECTORY,
      settings: SETTINGS,
      now: NOW,
      limits: { ...ENGINE_LIMITS, reserveBytes: 64, ...limits },
    }),
  );
  const take = (command: Command): Turn => {
    engine.offer({ requestId: null, command });
    return disk.run(engine.turn(NOW));
  };
  disk.run(engine.turn(NOW));
  const { effects } = take({ kind: 'submit', submissions: [submission()] });
  const jobs = effects.flatMap((effect) => (effect.kind === 'start' ? [effect.job] : []));
  expect(jobs).toHaveLength(1);
  const [job] = jobs as [RunningJob];
  return { disk, engine, take, job };
}

/** An engine whose one running job has succeeded on a full disk, which held that back. */
function withHeldAnswer({ limits = {}, asked = false, drained = true } = {}) {
  const { disk, engine, take, job } = withRunningJob(limits);
  const { id: jobId, attempt } = job;
  if (drained) take({ kind: 'drain' });
  engine.offer({
    requestId: asked ? 7 : null,
    command: { kind: 'succeed', jobId, attempt, result: JsonText('done') },
  });
  const turn = disk.run(withoutRoom(engine.turn(NOW)));
  expect(turn.failure).toBeNull();
  expect(turn.effects).toEqual([]);
  expect(engine.hasWork).toBe(false);
  expect(engine.held).toBe(1);
  return { disk, engine, jobId };
}

const found = (disk: MemoryDisk) => disk.run(recover(DIRECTORY)).tables;

describe('an orderly end', () => {
  it('stores what a full disk held back, if there is room by then', () => {
    const { disk, engine, jobId } = withHeldAnswer();
    const turn = disk.run(engine.close(NOW));
    expect(turn.failure).toBeNull();
    expect(engine.held).toBe(0);
    expect(turn.effects).toMatchObject([{ kind: 'publish', rows: [{ kind: 'succeeded', jobId }] }]);
    expect(found(disk.kill()).job(jobId)).toMatchObject({ state: 'succeeded' });
  });

  it('needs several turns for it where one may decide little', () => {
    const { disk, engine, jobId } = withHeldAnswer({ limits: { stepInputsMax: 1 } });
    engine.offer({ requestId: 8, command: { kind: 'submit', submissions: [submission()] } });
    const { effects, failure } = disk.run(engine.close(NOW));
    expect(failure).toBeNull();
    expect(effects).toMatchObject([
      { kind: 'publish' },
      { kind: 'reply', requestId: 8, reply: { kind: 'refused', refusals: [{ reason: 'draining' }] } },
    ]);
    expect(found(disk.kill()).job(jobId)).toMatchObject({ state: 'succeeded' });
  });

  it('is none while there is no room: it fails, whoever waits is answered, and the next start recovers as from a crash', () => {
    const { disk, engine, jobId } = withHeldAnswer({ asked: true });
    const turn = disk.run(withoutRoom(engine.close(NOW)));
    expect(turn.failure).toMatchObject({ code: 'no-space' });
    expect(turn.effects).toMatchObject([
      { kind: 'reply', requestId: 7, reply: { kind: 'refused', refusals: [{ reason: 'outcome-unknown' }] } },
    ]);
    expect(found(disk.kill()).job(jobId)).toMatchObject({ state: 'running' });
    expect([...disk.image().keys()]).not.toContain(MARKER_FILE);
  });
});

describe('what is due on a full disk', () => {
  it('is tried again at the next search for space, and not because somebody asks', () => {
    const { disk, engine, job } = withRunningJob();
    const { id: jobId } = job;
    const expired = { ...NOW, at: job.leaseUntil };
    engine.offer({ requestId: null, command: { kind: 'tick' } });
    const soughtAt = Instant(expired.at + SPACE_RETRY_MS);
    expect(disk.run(withoutRoom(engine.turn(expired)))).toMatchObject({ failure: null, wakeAt: soughtAt });

    engine.offer({ requestId: 9, command: { kind: 'get', jobId } });
    const asked = disk.run(withoutRoom(engine.turn({ ...NOW, at: Instant(expired.at + 1) })));
    expect(asked.effects).toMatchObject([{ kind: 'reply', reply: { kind: 'job', job: { state: 'running' } } }]);
    expect(asked.wakeAt).toBe(soughtAt);

    engine.offer({ requestId: null, command: { kind: 'tick' } });
    const { effects } = disk.run(engine.turn({ ...NOW, at: soughtAt }));
    expect(effects).toContainEqual(expect.objectContaining({ kind: 'abort', jobId, reason: 'timeout' }));
  });
});

describe('a start on a full disk', () => {
  const open = () => Engine.open({ ...DIRECTORY, settings: SETTINGS, now: NOW });

  it('has the room of the reserve: it loses nothing, and serves', () => {
    const { disk, job } = withRunningJob();
    disk.kill();
    const { engine, report } = disk.run(untilReserveGoes(open()));
    expect(report.events).toBe(2);
    expect(disk.run(engine.turn(NOW)).failure).toBeNull();
    engine.offer({ requestId: 3, command: { kind: 'get', jobId: job.id } });
    expect(disk.run(engine.turn(NOW)).effects).toMatchObject([{ kind: 'reply', reply: { kind: 'job' } }]);
    disk.kill();
    expect(found(disk).job(job.id)).toMatchObject({ attempt: 2, crashes: 1, state: 'running' });
  });

  it('fails without a reserve, and with one whose room does not do; the next one finds everything', () => {
    const { disk, job } = withRunningJob();
    disk.kill();
    expect(() => disk.run(withoutRoom(open()))).toThrow(DiskError);
    expect([...disk.kill().image().keys()]).not.toContain(RESERVE_FILE);
    expect(() => disk.run(withoutRoom(open()))).toThrow(DiskError);
    expect(found(disk.kill()).job(job.id)).toMatchObject({ state: 'running' });
  });

  it('keeps its reserve, and tries nothing again, where a sync fails for lack of space', () => {
    const { disk } = withRunningJob();
    disk.kill();
    expect(() => disk.run(refusing(open(), ({ kind }) => kind === 'sync'))).toThrow(DiskError);
    expect([...disk.kill().image().keys()]).toContain(RESERVE_FILE);
  });
});

describe('a search for space', () => {
  it('takes its time: what is submitted meanwhile is decided at its own', () => {
    const { disk, engine } = withHeldAnswer({ drained: false });
    const command: Command = {
      kind: 'submit',
      submissions: [submission({ start: { kind: 'after', delayMs: 5_000 } })],
    };
    const soughtAt = Instant(NOW.at + SPACE_RETRY_MS);
    const sought = disk.run(engine.turn({ ...NOW, at: soughtAt }), {
      before: (n) => {
        if (n === 2) engine.offer({ requestId: 8, command });
      },
    });
    expect(sought.effects).toMatchObject([{ kind: 'publish', rows: [{ kind: 'succeeded' }] }]);
    expect(engine.isWritable).toBe(true);

    const at = Instant(soughtAt + 3_000);
    const { effects } = disk.run(engine.turn({ ...NOW, at }));
    expect(effects.find(({ kind }) => kind === 'reply')).toMatchObject({
      requestId: 8,
      reply: { kind: 'submitted', outcomes: [{ job: { createdAt: at, runAt: at + 5_000 } }] },
    });
  });
});

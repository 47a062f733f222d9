// What users give to the queue as functions, and how it may misbehave.

import type { BackoffFunction } from '../../core/job/retry.ts';
import type { QueueSettings, TypeSettings } from '../../core/queue/settings.ts';
import type { World } from '../world/world.ts';

/** The settings with each backoff as a function of the user's; now and then it throws or answers nonsense. */
export function withCallbacks(settings: QueueSettings, world: World): QueueSettings {
  if (!world.faults.isOn('P14')) return settings;
  const dress = (type: TypeSettings): TypeSettings => ({ ...type, backoff: misbehaving(type, world) });
  return { ...settings, types: new Map([...settings.types].map(([name, type]) => [name, dress(type)])) };
}

function misbehaving({ backoff }: TypeSettings, { faults, tape }: World): BackoffFunction {
  return (failures) => {
    if (faults.strikes('P14')) {
      switch (tape.stream('callbacks').pick('nonsense', ['throws', 'NaN', 'negative', 'endless', 'nothing'] as const)) {
        case 'throws':
          throw new Error('the backoff of the user throws');
        case 'NaN':
          return Number.NaN;
        case 'negative':
          return -1_000;
        case 'endless':
          return Number.POSITIVE_INFINITY;
        case 'nothing':
          return undefined as unknown as number;
      }
    }
    if (typeof backoff === 'function') return backoff(failures);
    const { baseMs, factor, maxMs } = backoff;
    return Math.min(baseMs * factor ** (failures - 1), maxMs);
  };
}

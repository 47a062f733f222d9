import { expect, it } from 'vitest';
import { Instant } from '../../../core/job/job.ts';
import { ProcessClock } from '../../../sim/actors/process-clock.ts';
import { Faults } from '../../../sim/faults.ts';
import { drawPlan } from '../../../sim/plan.ts';
import { Clock, newLife } from '../../../sim/world/clock.ts';
import { Disk } from '../../../sim/world/disk.ts';
import { Tape } from '../../../sim/world/tape.ts';
import { Trace } from '../../../sim/world/trace.ts';

/** Every timer is one that fires twice. Returns how often one did that was armed while faults struck. */
function firings({ healed }: { healed: boolean }): number {
  const tape = new Tape({ draw: (_, __, label) => (label === 'twice' ? 1 : 0) });
  const faults = new Faults(tape, { only: ['C7'], without: [] });
  const clock = new Clock(0);
  const world = { tape, faults, clock, plan: drawPlan(tape), disk: new Disk(), trace: new Trace({ keep: false }) };
  let fired = 0;
  new ProcessClock(world).arm(Instant(1_000), newLife(), () => (fired += 1));
  if (healed) faults.heal();
  for (let timer = clock.next(); timer !== undefined; timer = clock.next()) timer.run();
  return fired;
}

it('a timer fires twice while faults strike', () => {
  expect(firings({ healed: false })).toBe(2);
});

it('once all faults have stopped, a timer that was armed before fires once: it may be due in a week', () => {
  expect(firings({ healed: true })).toBe(1);
});

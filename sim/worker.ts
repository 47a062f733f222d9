// A process that lives seeds for another: side by side with others, or as the twin whose hashes must agree.

import { tablesOf } from './depth.ts';
import type { Depth } from './arguments.ts';
import type { FaultSelection } from './faults.ts';
import { live } from './simulation.ts';
import { summarize } from './summary.ts';
import { seeded } from './world/tape.ts';

export type WorkerRequest = {
  readonly seeds: readonly string[];
  readonly depth: Depth;
  readonly faults: FaultSelection;
  readonly keepDraws: boolean;
};

process.on('message', (request: WorkerRequest) => {
  void answer(request);
});
process.on('disconnect', () => process.exit());

async function answer({ seeds, depth, faults, keepDraws }: WorkerRequest): Promise<void> {
  const tables = await tablesOf(depth);
  const results = seeds.map((seed) => {
    const outcome = live({ source: seeded(BigInt(seed)), tables, faults, keepDraws, keepTrace: false });
    return { summary: summarize(BigInt(seed), outcome), draws: outcome.tape.draws };
  });
  process.send?.(results);
}

// The sample handler `flaky`: fails as often as its payload says, for trying retries.

import { z } from 'zod';
import type { HandlerDefinition } from '../worker/handler.ts';

const Flaky = z.object({ failures: z.int().min(0).max(1_000) });

export const flaky: HandlerDefinition<z.output<typeof Flaky>> = {
  schema: Flaky,
  handler: (payload, { attempt, failures }) => {
    if (failures < payload.failures) throw new Error(`failure ${failures + 1} of ${payload.failures}, as asked`);
    return { attempt, failures };
  },
};

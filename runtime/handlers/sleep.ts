// The sample handler `sleep`: takes as long as its payload says, and ends at once when it is no longer wanted.

import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { HandlerDefinition } from '../worker/handler.ts';

/** The longest visibility timeout. */
const SLEEP_MS_MAX = 86_400_000;

const Sleep = z.object({ ms: z.int().min(0).max(SLEEP_MS_MAX) });

export const sleep: HandlerDefinition<z.output<typeof Sleep>> = {
  schema: Sleep,
  handler: async ({ ms }, { signal }) => {
    await wait(ms, undefined, { signal });
    return { sleptMs: ms };
  },
};

// The handler of `perdure demo`: it writes down each run the moment it begins, then takes its time.
//
// What it writes is the demo's own account of what ran, kept apart from what the queue says of it.

import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { defineHandlers } from '../worker/handler.ts';

const Work = z.object({ key: z.string(), ms: z.int().min(0).max(10_000), failures: z.int().min(0).max(3) });

const ledger = process.env['DEMO_LEDGER'] ?? '';

// The server of the demo ends with the demo, however that ends, and be it while the server begins.
process.on('disconnect', () => process.exit());
if (process.connected === false) process.exit();

export default defineHandlers({
  work: {
    schema: Work,
    backoff: { baseMs: 50, maxMs: 200 },
    handler: async (payload: z.output<typeof Work>, { attempt, failures }) => {
      appendFileSync(ledger, `${payload.key} ${attempt}\n`);
      await wait(payload.ms);
      if (failures < payload.failures) throw new Error('it failed once, as the demo asked');
      return payload.key;
    },
  },
});

import type { Check } from './check.ts';

export const budgets: Check = {
  name: 'S8',
  sentence: 'failures and crashes stay within their budgets, attempts are numbered without gaps, suspects run alone',
  watch({ model, settings, fail }) {
    return {
      happened({ row, before, after }) {
        if (after === undefined || before === undefined) return;
        if (row.kind === 'started') {
          if (after.attempt !== before.attempt + 1)
            fail(`attempt ${after.attempt} of job ${after.id} follows ${before.attempt}`);
          if (before.suspect && suspectsRunning() > 1) fail(`suspect ${after.id} starts while another suspect runs`);
          if (before.failures > before.maxRetries) fail(`job ${after.id} starts after ${before.failures} failures`);
        } else if (after.attempt !== before.attempt) {
          fail(`${row.kind} moved job ${after.id} from attempt ${before.attempt} to ${after.attempt}`);
        }
        if (after.failures > after.maxRetries + 1) fail(`job ${after.id} failed ${after.failures} times`);
        if (row.kind === 'crashed' && after.state === 'pending' && after.crashes >= settings().crashesMax) {
          fail(`job ${after.id} goes on after crash ${after.crashes}`);
        }
      },
    };

    function suspectsRunning(): number {
      let count = 0;
      for (const job of model.running.values()) if (job.suspect) count += 1;
      return count;
    }
  },
};
